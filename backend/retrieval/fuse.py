"""Fusion of the dense and the lexical search into one order."""

from collections.abc import Sequence
from uuid import UUID

from backend.knowledge.models import Candidates, Chunk, Hit

# From Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual rank learning
# methods" (2009).
RRF_K = 60


def fuse(candidates: Candidates) -> list[Hit]:
    """Reciprocal rank fusion: a chunk scores the sum of 1 / (60 + rank) over the lists it is in, ranks from 1.

    Best first; ties by chunk id, so that every engine gives the same order.
    """
    scores: dict[UUID, float] = {}
    chunks: dict[UUID, Chunk] = {}
    for hits in (candidates.dense, candidates.lexical):
        add_ranks(hits, scores, chunks)
    order = sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))
    return [Hit(chunks[chunk_id], scores[chunk_id]) for chunk_id in order]


def add_ranks(hits: Sequence[Hit], scores: dict[UUID, float], chunks: dict[UUID, Chunk]) -> None:
    """Adds one list's share to every chunk's score."""
    for rank, hit in enumerate(hits, start=1):
        scores[hit.chunk.id] = scores.get(hit.chunk.id, 0.0) + 1 / (RRF_K + rank)
        chunks[hit.chunk.id] = hit.chunk
