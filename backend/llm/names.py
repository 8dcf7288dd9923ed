"""Whether two names are one person's."""

import re
from collections.abc import Iterable

WORDS = re.compile(r"\w+")
LABEL = re.compile(r"^[ *]*([^:\n]{1,60}):", re.MULTILINE)


def is_called(name: str, whole: str) -> bool:
    """Whether a name is this one, or a part of it: "Ana" for Ana Reyes."""
    return frozenset(WORDS.findall(name.casefold())) <= frozenset(WORDS.findall(whole.casefold()))


def is_one_of(names: Iterable[str], whole: str) -> bool:
    """Whether one of the names is this one, or a part of it."""
    return any(is_called(name, whole) for name in names)


def speaks_in(names: Iterable[str], speaker: str | None, text: str) -> bool:
    """Whether a passage has words of somebody who is called so: all, or where their name stands before a colon."""
    names = tuple(names)
    return any(is_one_of(names, label) for label in (speaker or "", *LABEL.findall(text)))
