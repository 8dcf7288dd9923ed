"""Keeps one document from crowding out the others, and the same words from being offered twice."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from uuid import UUID

from backend.knowledge.models import Hit

# So many passages of a document count in full, and each further one a tenth less than the one before: of two that are
# about as good the other document's is read, and one that has nothing to say of the question gives way.
PER_DOCUMENT = 2
FURTHER_WEIGHT = 0.9
REMEMBERED = 256  # texts of some 15 kB as words
# A text that has four fifths of its runs of four words from another is a copy with edits; one that only quotes the same
# paragraph has fewer.
RUN_WORDS = 4
COPIED_SHARE = 0.8


def diversify(hits: Sequence[Hit], limit: int) -> list[Hit]:
    """The best `limit` hits with no text twice, best first, where those of a document that already has two count less
    and less. Their scores are what they count."""
    taken: Counter[UUID] = Counter()
    chosen: list[Hit] = []
    left = list(hits)

    def worth(hit: Hit) -> float:
        return hit.score * FURTHER_WEIGHT ** max(0, taken[hit.chunk.document_id] + 1 - PER_DOCUMENT)

    while left and len(chosen) < limit:
        best = max(left, key=worth)
        left.remove(best)
        own = words_of(best.chunk.text)
        if not any(own.are_in(words_of(other.chunk.text)) for other in chosen):
            chosen.append(replace(best, score=worth(best)))
            taken[best.chunk.document_id] += 1
    return chosen


class Words:
    """A text as its words in lower case, and as all its runs of four words (one run, where it is shorter)."""

    def __init__(self, text: str) -> None:
        self._in_order = text.lower().split()
        self._words = frozenset(self._in_order)

    @cached_property
    def _runs(self) -> frozenset[tuple[str, ...]]:
        starts = range(min(RUN_WORDS, len(self._in_order)))
        return frozenset(zip(*(self._in_order[start:] for start in starts), strict=False))

    def are_in(self, other: "Words") -> bool:
        """Whether the other text says all of this, give or take a few edits; one that says more is no copy."""
        foreign = self._words - other._words
        # A run begins with each foreign word but those of the last three, and is foreign itself: few texts are compared
        # by their runs, whose making takes the time.
        if len(foreign) >= RUN_WORDS + (1 - COPIED_SHARE) * len(self._in_order):
            return False
        shared = len(self._runs & other._runs)
        has_number = any(any(map(str.isdigit, word)) for word in foreign)
        return bool(self._runs) and shared >= COPIED_SHARE * len(self._runs) and not has_number


@lru_cache(REMEMBERED)
def words_of(text: str) -> Words:
    """The words of a text; good passages come up again."""
    return Words(text)
