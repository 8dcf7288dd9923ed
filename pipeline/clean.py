"""Characters as a reader expects them: pure functions."""

import re
import unicodedata

# Control characters, zero-width spaces, byte-order marks and soft hyphens: nobody sees them, and they break search.
# The joiners U+200C and U+200D stay: Persian words and emoji need them.
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]")
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_BLANKS = re.compile(r"[^\S\n]+")
_SPACE_AROUND_LINE_END = re.compile(r" ?\n ?")


def clean_characters(text: str) -> str:
    """Composed characters (NFC), line ends as `\\n`, and nothing invisible."""
    if text.isascii() and text.isprintable():
        return text
    return _INVISIBLE.sub("", unicodedata.normalize("NFC", _LINE_ENDS.sub("\n", text)))


def clean_values(value: object) -> object:
    """A value out of JSON or YAML with all texts in it clean, names included: both can escape any character.

    Raises `RecursionError` where it is nested too deeply.
    """
    match value:
        case str():
            return clean_characters(value)
        case list():
            return [clean_values(item) for item in value]
        case dict():
            return {clean_values(name): clean_values(item) for name, item in value.items()}
    return value


def flow(text: str) -> str:
    """One paragraph of running text: every stretch of white space becomes one space."""
    return " ".join(text.split())


def flow_lines(text: str) -> str:
    """Lines of running text: white space within a line becomes one space, line ends stay."""
    return _SPACE_AROUND_LINE_END.sub("\n", _BLANKS.sub(" ", text)).strip()


def space_between(left: str, right: str) -> str:
    """What stands between two stretches of running text: a space, or nothing in scripts that write none."""
    return "" if left and right and _is_unspaced(left[-1]) and _is_unspaced(right[0]) else " "


def _is_unspaced(character: str) -> bool:
    """Whether the character is of a script without spaces: Chinese, Japanese, Thai, Lao, Khmer, Burmese."""
    code = ord(character)
    return (
        0x2E80 <= code <= 0x9FFF
        or 0xF900 <= code <= 0xFAFF
        or 0xFF00 <= code <= 0xFFEF
        or 0x20000 <= code <= 0x3FFFF
        or 0x0E00 <= code <= 0x0EFF
        or 0x1000 <= code <= 0x109F
        or 0x1780 <= code <= 0x17FF
    )
