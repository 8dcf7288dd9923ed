"""Where sentences end, in any script: for cutting passages and for choosing from them alike."""

import re
from collections.abc import Iterator

# A closing mark of Western, Arabic, Indic, Armenian and Ethiopic scripts wants white space after it, an ideographic
# one does not. Closing quotes and footnotes ("It is so. [1][2]") belong to the sentence before.
CLOSING = r"[\"'”’»)\]*_]*(?:[ \t]*\[\d+\])*"
# A run of marks is tried once, from its first: tried from each of them, what a long run costs would grow as its square.
STOPS = r"(?<![.!?…؟۔।॥։።])[.!?…؟۔।॥։።]++"
END = re.compile(rf"{STOPS}{CLOSING}(?:\s+|$)|[。！？｡]+[」』”’）]*(?:\s*\[\d+\])*\s*|\n+")
LAST_WORD = re.compile(r"[^\s(\"'“‘\[]+$")
LONGEST_LAST_WORD = 20  # characters that are looked at, more than any abbreviation has
# Full stops that end no sentence: titles, Latin, references, months, units of time and of companies.
ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof rev gen col sgt capt lt st jr sr vs etc eg ie e.g i.e cf al ed eds inc ltd co corp dept univ "
    "approx ca est min max jan feb mar apr jun jul aug sep sept oct nov dec a.m p.m u.s u.k ph.d b.c a.d bzw z.b d.h "
    "usw nr".split()
)
# These end one unless a number follows: "No. 5", but "I said no."
BEFORE_NUMBERS = frozenset("no nos fig figs eq vol pp p ch sec art".split())


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence of `text`, white space between them left out; a line end always ends one."""
    start = 0
    for match in END.finditer(text):
        if match.end() < len(text) and goes_on(text, start, match):
            continue
        yield from trimmed(text, start, match.end())
        start = match.end()
    yield from trimmed(text, start, len(text))


def goes_on(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether the sentence goes on behind the mark: after an abbreviation, an initial, or with a small letter."""
    mark = match.group()
    if "\n" in mark or not mark.startswith((".", "…")):
        return False
    if text[match.end()].islower():
        return True
    last = LAST_WORD.search(text, max(start, match.start() - LONGEST_LAST_WORD), match.start())
    if last is None or not mark.startswith(". "):
        return False
    word = last.group()
    if word.lower() in BEFORE_NUMBERS:
        return text[match.end()].isdigit()
    return word.lower() in ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word not in ("I", "i"))


def trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The span without the white space around it; none where nothing else is in it."""
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        begin = start + len(piece) - len(piece.lstrip())
        yield begin, begin + len(stripped)
