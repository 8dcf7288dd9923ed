"""Lists in what is written: how an item begins and ends, and what announces them. Pure."""

import re

BULLET = re.compile(r"(?:[-*+•]|(\d{1,3})[.)])\s+(?:\[[ xX]\]\s+)?")
ONE_OF_MANY = re.compile(r"[,;]\s*(?:and|or)?$", re.IGNORECASE)
POINTING = re.compile(r"\b(?:as follows|the following)\b|^(?:here|below) (?:is|are)\b", re.IGNORECASE)
# "These links make for good reading:", "See also:".
TITLES = re.compile(
    r"\b(?:these|following|more|further|useful|related) links?\b|\b(?:reading|resources|references|see also):$",
    re.IGNORECASE,
)


def mark_of(bullet: re.Match[str]) -> str:
    """How an item begins in an answer: with its number, if it has one."""
    return f"{bullet[1]}." if bullet[1] else "-"


def closed(item: str) -> str:
    """The item with a full stop for what parts it from the next one."""
    return f"{ONE_OF_MANY.sub('', item)}."


def without_pointing(announcing: str) -> str:
    """What announces a list, without the words that point at it: it is read with the list."""
    return POINTING.sub("", announcing)


def names_titles(announcing: str) -> bool:
    """Whether what it announces is a list of what can be read elsewhere."""
    return TITLES.search(announcing) is not None
