"""Keeps one document from crowding out the others."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from backend.knowledge.models import Hit

PER_DOCUMENT = 2


def diversify(hits: Sequence[Hit], limit: int) -> list[Hit]:
    """The best `limit` hits with at most two of one document; where that leaves places free, the best of the rest fill
    them. The order stays by score."""
    taken: Counter[UUID] = Counter()
    first: list[Hit] = []
    rest: list[Hit] = []
    for hit in hits:
        if taken[hit.chunk.document_id] < PER_DOCUMENT:
            taken[hit.chunk.document_id] += 1
            first.append(hit)
        else:
            rest.append(hit)
    chosen = {hit.chunk.id for hit in [*first, *rest][:limit]}
    return [hit for hit in hits if hit.chunk.id in chosen]
