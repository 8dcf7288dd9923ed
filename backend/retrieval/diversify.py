"""Keeps one document from crowding out the others, and the same words from being offered twice."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from backend.knowledge.models import Hit

PER_DOCUMENT = 2
# A text that has four fifths of its runs of four words from another is a copy with edits; one that only quotes the same
# paragraph has fewer.
RUN_WORDS = 4
COPIED_SHARE = 0.8


def diversify(hits: Sequence[Hit], limit: int) -> list[Hit]:
    """The best `limit` hits with at most two of one document and no text twice; where that leaves places free, the best
    of the rest of the same documents fill them. The order stays."""
    taken: Counter[UUID] = Counter()
    first: list[Hit] = []
    texts: list[Words] = []
    rest: list[Hit] = []
    for hit in hits:
        if len(first) == limit:
            break
        own = Words.of(hit.chunk.text)
        if any(own.are_in(other) for other in texts):
            continue
        if taken[hit.chunk.document_id] < PER_DOCUMENT:
            taken[hit.chunk.document_id] += 1
            first.append(hit)
            texts.append(own)
        else:
            rest.append(hit)
    chosen = {hit.chunk.id for hit in [*first, *rest][:limit]}
    return [hit for hit in hits if hit.chunk.id in chosen]


@dataclass(frozen=True, slots=True)
class Words:
    """A text as all its runs of four words (one run, where it is shorter), and its numbers."""

    runs: frozenset[tuple[str, ...]]
    numbers: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Self:
        """The words of a text, in lower case."""
        words = text.lower().split()
        runs = zip(*(words[start:] for start in range(min(RUN_WORDS, len(words)))), strict=False)
        return cls(frozenset(runs), frozenset(word for word in words if any(map(str.isdigit, word))))

    def are_in(self, other: Self) -> bool:
        """Whether the other text says all of this, give or take a few edits; one that says more is no copy."""
        shared = len(self.runs & other.runs)
        return bool(self.runs) and shared >= COPIED_SHARE * len(self.runs) and self.numbers <= other.numbers
