"""Where sentences end: good enough to choose where a passage may end, in any script."""

import re
from collections.abc import Iterator

# A closing mark of Western, Arabic, Indic, Armenian and Ethiopic scripts wants white space after it, an ideographic
# one does not.
_END = re.compile(r"[.!?…؟۔।॥։።]+[\"'”’»)\]]*\s+|[。！？｡]+[」』”’）]*\s*|\n+")
_ABBREVIATIONS = {
    "e.g", "i.e", "etc", "cf", "vs", "mr", "mrs", "ms", "dr", "prof", "st", "no", "nr", "fig", "eq", "approx", "al",
    "dept", "inc", "ltd", "co", "jr", "sr", "vol", "pp", "ca", "bzw", "z.b", "d.h", "usw",
}  # fmt: skip


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence of `text`, white space between them left out; a line end always ends one."""
    start = 0
    for match in _END.finditer(text):
        if match.end() < len(text) and _goes_on(text, start, match):
            continue
        yield from _trimmed(text, start, match.end())
        start = match.end()
    yield from _trimmed(text, start, len(text))


def _goes_on(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether the stop belongs to an abbreviation, an initial, or is followed by a small letter."""
    mark = match.group()
    if "\n" in mark or not mark.startswith((".", "…")):
        return False
    if text[match.end()].islower():
        return True
    word = text[start : match.start()].rsplit(None, 1)[-1:]
    return bool(word) and mark.startswith(". ") and _is_abbreviation(word[0].lstrip("(\"'“‘["))


def _is_abbreviation(word: str) -> bool:
    return word.lower() in _ABBREVIATIONS or (len(word) == 1 and word.isupper() and word != "I")


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        begin = start + len(piece) - len(piece.lstrip())
        yield begin, begin + len(stripped)
