"""What a source has in brackets itself, "[3]": beside our markers it would be read as one of them."""

import re

NUMBERS = r"\\?\[([1-9]\d{0,2}(?:\s*[,;–-]\s*\d{1,3})*)\\?\](?![\w(])"
BRACKETS = re.compile(
    # Code stays as it is: fenced, indented, inline.
    r"(?P<code>^ {0,3}(?P<fence>```+|~~~+)(?s:.*?)(?:^ {0,3}(?P=fence)[`~]*[ \t]*$|\Z)|^(?: {4}|\t).*$|"
    r"(?P<tick>(?<!`)`+(?!`))(?s:.+?)(?<!`)(?P=tick)(?!`))|"
    rf"(?P<note>(?<=[.!?])\s?{NUMBERS})|(?P<element>(?<![\w.])[\w.]++(?<=\w){NUMBERS})|{NUMBERS}",
    re.MULTILINE,
)


def without_references(text: str) -> str:
    """The text with nothing in it that reads as a marker of ours.

    The number of a footnote behind a full stop is removed; the element of a list, "argv[1]", becomes inline code; any
    other "[3]" is put in round brackets.
    """
    return BRACKETS.sub(_neutral, text) if "[" in text else text


def _neutral(found: re.Match[str]) -> str:
    if found["code"]:
        return found[0]
    if found["note"]:
        return ""
    if found["element"]:
        return f"`{found[0]}`".replace("\\", "")
    return f"({found[found.lastindex or 0]})"
