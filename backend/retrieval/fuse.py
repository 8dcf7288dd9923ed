"""Fusion of the dense and the lexical search into one order."""

import math
import statistics
from collections.abc import Sequence

from backend.knowledge.models import Candidates, Hit

DENSE_WEIGHT = 0.6  # chosen on five judged sets, see docs/decisions/0009-fusion.md; from 0.55 to 0.65 little changes


def fuse(candidates: Candidates) -> list[Hit]:
    """Every candidate by 0.6 times its standard cosine and 0.4 times its standard BM25 score.

    A standard score is how many standard deviations a score lies above the mean of all candidates. Scores say more than
    ranks: by how much the best is better. The sum is put between 0 and 1 (logistic function), which keeps the order.
    Best first; ties by chunk id, so that every engine gives the same order.
    """
    chunks = {hit.chunk.id: hit.chunk for hit in (*candidates.dense, *candidates.lexical)}
    dense = {hit.chunk.id: hit.score for hit in candidates.dense}
    lexical = {hit.chunk.id: hit.score for hit in candidates.lexical}
    identities = sorted(chunks)
    cosines = standard([dense[identity] for identity in identities])
    weights = standard([lexical.get(identity, 0.0) for identity in identities])
    hits = [
        Hit(chunks[identity], logistic(DENSE_WEIGHT * cosine + (1 - DENSE_WEIGHT) * weight))
        for identity, cosine, weight in zip(identities, cosines, weights, strict=True)
    ]
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk.id))


def standard(scores: Sequence[float]) -> list[float]:
    """Each score in standard deviations above the mean; 0 for all where they are equal."""
    if not scores:
        return []
    mean = statistics.fmean(scores)
    deviation = math.sqrt(statistics.fmean((score - mean) ** 2 for score in scores))
    return [(score - mean) / deviation if deviation else 0.0 for score in scores]


def logistic(value: float) -> float:
    """From any number to one between 0 and 1."""
    return 1 / (1 + math.exp(-value))
