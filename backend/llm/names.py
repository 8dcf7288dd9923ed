"""Whether two names are one person's."""

import re

WORDS = re.compile(r"\w+")
LABEL = re.compile(r"^[ *]*([^:\n]{1,60}):", re.MULTILINE)


def is_called(name: str, whole: str) -> bool:
    """Whether a name is this one, or a part of it: "Ana" for Ana Reyes."""
    return frozenset(WORDS.findall(name.casefold())) <= frozenset(WORDS.findall(whole.casefold()))


def speaks_in(name: str, speaker: str | None, text: str) -> bool:
    """Whether a passage has words of whoever is called so: all, or where their name stands before a colon."""
    return any(is_called(name, label) for label in (speaker or "", *LABEL.findall(text)))
