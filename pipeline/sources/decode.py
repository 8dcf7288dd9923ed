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


def decode(content: bytes) -> tuple[str, tuple[str, ...]]:
    """The cleaned text, and remarks about its encoding.

    A byte-order mark decides, then UTF-8, then Windows-1252, which old tools on Windows still write.
    Raises `ContentError` where the bytes are no text.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return clean_characters(content[len(mark) :].decode(encoding)), ()
            except UnicodeDecodeError as error:
                raise ContentError(f"It begins as {encoding.upper()} and is not.") from error
    if b"\0" in content:
        raise ContentError("It is not a text file.")
    try:
        return clean_characters(content.decode()), ()
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
        return clean_characters(text), ("it is not UTF-8 and was read as Windows-1252",)
