"""From a question to passages: the stages, in order, on one screen."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from backend.knowledge.models import Candidates, Creator, Document, Hit, Scope
from backend.knowledge.searcher import Searcher
from backend.retrieval.diversify import diversify
from backend.retrieval.fuse import fuse
from backend.retrieval.models import Passage, Retrieved, ScopeName, Trace
from backend.retrieval.rewrite import standalone


class Documents(Protocol):
    """What retrieval asks of the catalogue: which documents answer."""

    async def tombstones(self) -> frozenset[UUID]:
        """See `Catalogue.tombstones`."""
        ...

    async def find_documents(self, ids: Collection[UUID]) -> Mapping[UUID, tuple[Document, Creator]]:
        """See `Catalogue.find_documents`."""
        ...


class Retriever:
    """Finds the passages for a question.

    `sources` is how many passages come back at most, `candidates` how many each search brings, `min_similarity` the
    cosine similarity under which the best passage is taken to be about something else.
    """

    def __init__(
        self,
        *,
        searcher: Searcher,
        catalogue: Documents,
        sources: int,
        candidates: int,
        min_similarity: float,
    ) -> None:
        self._searcher = searcher
        self._catalogue = catalogue
        self._sources = sources
        self._candidates = candidates
        self._min_similarity = min_similarity

    async def retrieve(
        self, query: str, *, earlier: Sequence[str] = (), creator: str | None = None, topic: str | None = None
    ) -> Retrieved:
        """Passages for `query`, only of `creator` and `topic` where they are given, best first.

        `earlier` are the visitor's questions before this one. Raises `Unavailable` while the index or the database is
        away.
        """
        return (await self.trace(query, earlier=earlier, creator=creator, topic=topic)).retrieved

    async def trace(
        self, query: str, *, earlier: Sequence[str] = (), creator: str | None = None, topic: str | None = None
    ) -> Trace:
        """The same search with what each stage made of it, for those who judge or measure the stages."""
        searched = standalone(query, earlier)
        candidates = await self._search(searched, creator, topic)
        fused = fuse(candidates)
        diverse = diversify(fused, self._sources * 2)
        passages = await self._with_documents(diverse)
        best = candidates.dense[0].score if candidates.dense else None
        retrieved = Retrieved(
            query=searched,
            scope=scope_name(creator, topic),
            passages=tuple(passages[: self._sources]),
            answerable=bool(passages) and best is not None and best >= self._min_similarity,
        )
        return Trace(candidates, tuple(fused), tuple(diverse), best, retrieved)

    async def _search(self, query: str, creator: str | None, topic: str | None) -> Candidates:
        scope = Scope(creator=creator, topic=topic, excluded=await self._catalogue.tombstones())
        return await self._searcher.search(query, scope, self._candidates)

    async def _with_documents(self, hits: Sequence[Hit]) -> list[Passage]:
        """The catalogue has the last word: a document deleted a moment ago is not in its answer."""
        ids: set[UUID] = {hit.chunk.document_id for hit in hits}
        found = await self._catalogue.find_documents(ids)
        return [
            Passage(hit.chunk, *found[hit.chunk.document_id], hit.score)
            for hit in hits
            if hit.chunk.document_id in found
        ]


def scope_name(creator: str | None, topic: str | None) -> ScopeName:
    """How far the search reached."""
    if creator:
        return "creator"
    return "topic" if topic else "global"
