"""The part of a passage in which the words of a search stand, and which these are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from backend.knowledge.lexical import terms_of

WORDS = 45  # about three lines of a terminal
LEAD = 10  # words before the first match, where there is room for them
LONGEST = 600  # characters: scripts without spaces have one word
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Snippet:
    """One line of text; `matches` are the spans in it of words that the search matched.

    `words` are all such words of the whole passage, each once, in lower case and in order.
    """

    text: str
    matches: tuple[tuple[int, int], ...]
    words: tuple[str, ...]


def snippet(text: str, query: str) -> Snippet:
    """The stretch of `text` with the most different words of `query`, as BM25 knows words: stems, no stop words.

    Where none stands in it, the beginning.
    """
    wanted = frozenset(terms_of(query))

    def terms(word: str) -> frozenset[str]:
        return wanted.intersection(terms_of(word))

    words = text.split()
    first = _best_start([terms(word) for word in words])
    stretch = " ".join(words[first : first + WORDS])
    end = _ELLIPSIS if len(words) > first + WORDS or len(stretch) > LONGEST else ""
    line = f"{_ELLIPSIS if first else ''}{stretch[:LONGEST]}{end}"
    return Snippet(
        line,
        tuple(word.span() for word in _WORD.finditer(line) if terms(word.group())),
        tuple(dict.fromkeys(word.lower() for word in _WORD.findall(text) if terms(word))),
    )


def _best_start(matched: Sequence[frozenset[str]]) -> int:
    """Where the stretch begins; `matched` are the terms that each word of the text matches."""

    def different(start: int) -> int:
        return len(frozenset().union(*matched[start : start + WORDS]))

    last = max(len(matched) - WORDS, 0)
    starts = [0, *(min(place, last) for place, terms in enumerate(matched) if terms)]
    best = max(starts, key=different)
    return max(range(max(best - LEAD, 0), best + 1), key=lambda start: (different(start), -start))
