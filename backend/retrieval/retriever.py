"""From a question to passages: the stages, in order, on one screen."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from backend.knowledge.models import Creator, Document, Hit, Scope
from backend.knowledge.searcher import Query, Searcher
from backend.retrieval.answerable import answerability
from backend.retrieval.diversify import diversify
from backend.retrieval.fuse import fuse
from backend.retrieval.join import join
from backend.retrieval.models import Passage, Retrieved, ScopeName, Trace
from backend.retrieval.rerank import Reranker, rerank
from backend.retrieval.rewrite import standalone
from backend.retrieval.widen import nearness, reaches
from backend.settings import RetrievalSettings

# Of each source that is offered, so many of the best hits may be joined to others, and so many are looked through.
JOINED_A_SOURCE = 2
CONSIDERED_A_SOURCE = 3


class Documents(Protocol):
    """What retrieval asks of the catalogue: which documents answer."""

    async def tombstones(self) -> frozenset[UUID]:
        """Deleted documents whose chunks may still lie in the index."""
        ...

    async def find_documents(self, ids: Collection[UUID]) -> Mapping[UUID, tuple[Document, Creator]]:
        """See `Catalogue.find_documents`."""
        ...


class Retriever:
    """Finds the passages for a question."""

    def __init__(
        self, searcher: Searcher, documents: Documents, settings: RetrievalSettings, reranker: Reranker | None = None
    ) -> None:
        self._searcher = searcher
        self._documents = documents
        self._settings = settings
        self._reranker = reranker
        considered = CONSIDERED_A_SOURCE * settings.sources
        self._considered = max(considered, settings.rerank.candidates) if reranker else considered

    async def retrieve(
        self,
        query: str,
        *,
        earlier: Sequence[str] = (),
        rewritten: str | None = None,
        creator: str | None = None,
        topic: str | None = None,
        among: frozenset[str] | None = None,
        widen: bool = False,
    ) -> Retrieved:
        """Passages for `query`, best first, of `creator` and `topic` where they are given.

        With `widen`, and unless the settings forbid it, a scope that cannot answer gives way to the next wider one;
        without, nothing from outside ever comes. With `among` nothing comes from other creators than these. `earlier`
        are the visitor's questions before this one, `rewritten` is the question made whole by a model where one did.
        Raises `Unavailable` while the index or the database is away.
        """
        trace = await self.trace(
            query, earlier=earlier, rewritten=rewritten, creator=creator, topic=topic, among=among, widen=widen
        )
        return trace.retrieved

    async def trace(
        self,
        query: str,
        *,
        earlier: Sequence[str] = (),
        rewritten: str | None = None,
        creator: str | None = None,
        topic: str | None = None,
        among: frozenset[str] | None = None,
        widen: bool = False,
    ) -> Trace:
        """The same search with what each stage made of it, for those who judge or measure the stages."""
        deleted = asyncio.create_task(self._documents.tombstones())
        try:
            question = await self._searcher.embed(rewritten or standalone(query, earlier))  # which begins at once
            excluded = await deleted
        finally:
            deleted.cancel()
        narrowest: Trace | None = None
        for reach in reaches(creator, topic, widen=widen and self._settings.widen):
            scope = Scope(reach.creator, reach.topic, among, excluded)
            found = await self._look(question, reach.name, scope, (creator, topic))
            if found.retrieved.answerable:
                return found
            narrowest = narrowest or found
        assert narrowest is not None  # there is always a scope
        return narrowest

    async def _look(
        self, question: Query, reached: ScopeName, scope: Scope, asked: tuple[str | None, str | None]
    ) -> Trace:
        """One search in one scope."""
        candidates = await self._searcher.search(question, scope, self._settings.candidates)
        fused = fuse(candidates)
        best = fused[: self._considered]
        known = await self._documents.find_documents({hit.chunk.document_id for hit in best})
        hits = [hit for hit in best if hit.chunk.document_id in known]  # what does not answer now has no document
        reranked = await self._rerank(question.text, hits, known)
        joined = join(reranked or hits, JOINED_A_SOURCE * self._settings.sources)
        diverse = diversify(joined, self._settings.sources)
        titles = {identity: f"{document.title}\n{creator.name}" for identity, (document, creator) in known.items()}
        others = fused[self._considered :]  # only their words are counted
        confidence = answerability(question.text, candidates, [*hits, *others], titles)
        passages = tuple(
            Passage(hit.chunk, *known[hit.chunk.document_id], hit.score, nearness(hit.chunk, *asked)) for hit in diverse
        )
        answerable = bool(passages) and confidence >= self._settings.min_confidence
        stages = {
            "dense": candidates.dense,
            "lexical": candidates.lexical,
            "fused": tuple(fused),
            **({"reranked": tuple(reranked)} if reranked else {}),
            "joined": tuple(joined),
            "diverse": tuple(diverse),
        }
        return Trace(candidates, stages, confidence, Retrieved(question.text, reached, passages, answerable))

    async def _rerank(
        self, question: str, hits: list[Hit], known: Mapping[UUID, tuple[Document, Creator]]
    ) -> list[Hit] | None:
        """The hits in the reranker's order; None where there is no reranker, or it was too late."""
        if self._reranker is None or not hits:
            return None
        read = hits[: self._settings.rerank.candidates]
        texts = [f"{known[hit.chunk.document_id][0].title}\n{hit.chunk.labelled_text}" for hit in read]
        scores = await self._reranker.scores(question, texts)
        return None if scores is None else rerank(hits, scores)
