"""Reranking: what has read the question together with each candidate may put the best ones in another order."""

from collections.abc import Sequence
from dataclasses import replace

from backend.knowledge.models import Hit
from backend.knowledge.reranker import Reranker
from backend.retrieval.cross_encoder import open_cross_encoder
from backend.retrieval.rerank_endpoint import RerankEndpoint
from backend.settings import Settings


async def open_reranker(settings: Settings) -> Reranker | None:
    """The reranker of `retrieval.rerank`, None where there is none. A model is loaded first: some 15 s.

    Raises `ConfigurationError` where the model cannot be had or does not score pairs.
    """
    chosen = settings.retrieval.rerank
    if chosen.url:
        key = chosen.api_key.get_secret_value() if chosen.api_key else None
        return RerankEndpoint(chosen.url, model=chosen.served_model, api_key=key, deadline_s=chosen.deadline_s)
    if chosen.model:
        return await open_cross_encoder(chosen.model, deadline_s=chosen.deadline_s)
    return None


def rerank(hits: Sequence[Hit], scores: Sequence[float] | None) -> list[Hit]:
    """The first `len(scores)` hits in the order of these scores, ties as they were, and the others behind them.

    `hits` are best first. The hits' own scores stay where they are, so the best hit takes the best of them: rerankers
    score on scales of their own, and those of the hits go on being comparable with the hits that were not reranked.
    None leaves everything as it is.
    """
    if scores is None:
        return list(hits)
    order = sorted(range(len(scores)), key=lambda place: -scores[place])
    better = [replace(hits[place], score=hits[rank].score) for rank, place in enumerate(order)]
    return [*better, *hits[len(scores) :]]
