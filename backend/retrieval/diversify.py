"""Keeps one document from crowding out the others, and the same words from being offered twice."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from backend.knowledge.models import Hit

PER_DOCUMENT = 2
# Texts that share four fifths of the shorter one's runs of four words are copies with edits; two that quote the same
# paragraph share less.
RUN_WORDS = 4
COPIED_SHARE = 0.8


def diversify(hits: Sequence[Hit], limit: int) -> list[Hit]:
    """The best `limit` hits with at most two of one document and no text twice; where that leaves places free, the best
    of the rest of the same documents fill them. The order stays."""
    taken: Counter[UUID] = Counter()
    runs: list[frozenset[tuple[str, ...]]] = []
    first: list[Hit] = []
    rest: list[Hit] = []
    for hit in hits:
        if len(first) == limit:
            break
        own = runs_of(hit.chunk.text)
        if any(copied(own, other) for other in runs):
            continue
        runs.append(own)
        if taken[hit.chunk.document_id] < PER_DOCUMENT:
            taken[hit.chunk.document_id] += 1
            first.append(hit)
        else:
            rest.append(hit)
    chosen = {hit.chunk.id for hit in [*first, *rest][:limit]}
    return [hit for hit in hits if hit.chunk.id in chosen]


def runs_of(text: str) -> frozenset[tuple[str, ...]]:
    """All runs of four words; a shorter text is one run."""
    words = text.lower().split()
    return frozenset(zip(*(words[start:] for start in range(min(RUN_WORDS, len(words)))), strict=False))


def copied(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> bool:
    """Whether the shorter text is in the longer one, give or take a few edits."""
    return len(one & other) >= COPIED_SHARE * min(len(one), len(other))
