"""Bytes of a text file as text."""

import codecs

from backend.errors import ContentError
from pipeline.clean import clean_characters

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DAMAGED = "\N{REPLACEMENT CHARACTER}"
MOST_ACCENTED = 0.3  # of the letters: no language that Windows-1252 can write has as many
OTHER_ENCODING = "It is neither UTF-8 nor Windows-1252: open it in an editor, and save it as UTF-8."


def decode(content: bytes) -> tuple[str, tuple[str, ...]]:
    """The cleaned text, and remarks about its encoding.

    A byte-order mark decides, then UTF-8, of which a few bytes may be damaged, then Windows-1252, which old tools on
    Windows still write. Raises `ContentError` where the bytes are no text, or text in another encoding.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return clean_characters(content[len(mark) :].decode(encoding)), ()
            except UnicodeDecodeError as error:
                raise ContentError(f"It begins as {encoding.upper()} and is not.") from error
    if b"\0" in content:
        raise ContentError("It is not a text file.")
    text = content.decode(errors="replace")
    if (damaged := text.count(_DAMAGED) - content.count(_DAMAGED.encode())) <= 0:
        return clean_characters(text), ()
    if damaged < sum(not character.isascii() for character in text) - text.count(_DAMAGED):
        what = "a piece" if damaged == 1 else f"{damaged} pieces"
        return clean_characters(text), (f"{what} of it could not be read as UTF-8 and became {_DAMAGED}",)
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError as error:
        raise ContentError(OTHER_ENCODING) from error
    letters = [character for character in text if character.isalpha()]
    if sum(not letter.isascii() for letter in letters) > MOST_ACCENTED * len(letters):
        raise ContentError(OTHER_ENCODING)
    return clean_characters(text), ("it is not UTF-8 and was read as Windows-1252",)
