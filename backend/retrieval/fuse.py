"""Fusion of the dense and the lexical search into one order."""

import math
import statistics
from collections.abc import Sequence

from backend.knowledge.models import Candidates, Hit

# Chosen on five judged sets, see docs/decisions/0009-fusion.md; weights from 0.55 to 0.65 and growths from 0.15 to 0.4
# differ little.
DENSE_WEIGHT = 0.6
GROWTH = 0.3


def fuse(candidates: Candidates) -> list[Hit]:
    """Every candidate by 0.6·exp(0.3·c) + 0.4·exp(0.3·b), c and b being its standard cosine and standard BM25 score.

    A standard score is how many standard deviations a score lies above the mean of all candidates. Scores say more than
    ranks: by how much the best is better. The exponential lets what is far ahead in one search count for more than what
    is a little ahead in both. The sum s is put between 0 and 1 as s / (1 + s),
    which keeps the order. Best first; ties by chunk id, so that every engine gives the same order (and the sums of
    `fmean` are exact, so the order of the candidates moves nothing).
    """
    found = candidates.dense  # which has them all
    lexical = {hit.chunk.id: hit.score for hit in candidates.lexical}
    cosines = standard([hit.score for hit in found])
    weights = standard([lexical.get(hit.chunk.id, 0.0) for hit in found])
    hits = [
        Hit(hit.chunk, combined(cosine, weight)) for hit, cosine, weight in zip(found, cosines, weights, strict=True)
    ]
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk.id))


def standard(scores: Sequence[float]) -> list[float]:
    """Each score in standard deviations above the mean; 0 for all where they are equal."""
    if not scores or min(scores) == max(scores):  # rounding can leave equal ones a deviation
        return [0.0] * len(scores)
    mean = statistics.fmean(scores)
    deviation = math.sqrt(statistics.fmean([(score - mean) ** 2 for score in scores]))
    return [(score - mean) / deviation for score in scores]


def combined(cosine: float, weight: float) -> float:
    """Two standard scores as one between 0 and 1; two of 0 give 0.5."""
    total = DENSE_WEIGHT * math.exp(GROWTH * cosine) + (1 - DENSE_WEIGHT) * math.exp(GROWTH * weight)
    return total / (1 + total)
