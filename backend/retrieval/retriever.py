"""From a question to passages: the stages, in order, on one screen."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from backend.knowledge.models import Candidates, Creator, Document, Hit, LexicalHits, Scope
from backend.knowledge.reranker import Reranker
from backend.knowledge.searcher import Query, Searcher
from backend.retrieval.answerable import answerability
from backend.retrieval.diversify import diversify
from backend.retrieval.fuse import fuse
from backend.retrieval.join import join
from backend.retrieval.models import Passage, Retrieved, ScopeName, Trace
from backend.retrieval.rerank import rerank
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


@dataclass(frozen=True, slots=True)
class Found:
    """What one scope has: all candidates in their common order, and the best `hits` of documents that are `known`."""

    scope: ScopeName
    candidates: Candidates
    fused: list[Hit]
    hits: list[Hit]
    known: Mapping[UUID, tuple[Document, Creator]]
    confidence: float
    is_answerable: bool


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
        text = rewritten or standalone(query, earlier)
        first, *wider = reaches(creator, topic, widen=widen and self._settings.widen)
        beginning = asyncio.create_task(self._begin(text, Scope(first.creator, first.topic, among)))
        beginning.add_done_callback(lambda done: done.cancelled() or done.exception())  # the embedding may fail first
        try:
            question = await self._searcher.embed(text)  # which begins at once
            scope, begun = await beginning
        finally:
            beginning.cancel()
        narrowest = await self._look(question, first.name, scope, begun)
        found = narrowest
        for reach in wider:
            if found.is_answerable:
                break
            found = await self._look(question, reach.name, replace(scope, creator=reach.creator, topic=reach.topic))
        return await self._arrange(question, found if found.is_answerable else narrowest, (creator, topic))

    async def _begin(self, text: str, scope: Scope) -> tuple[Scope, LexicalHits | None]:
        """What needs no vector of the question: which documents are left out, and half of the first search."""
        scope = replace(scope, excluded=await self._documents.tombstones())
        return scope, await self._searcher.lexical(text, scope, self._settings.candidates)

    async def _look(self, question: Query, reached: ScopeName, scope: Scope, begun: LexicalHits | None = None) -> Found:
        """One search in one scope, and whether it answers."""
        candidates = await self._searcher.search(question, scope, self._settings.candidates, begun)
        fused = fuse(candidates)
        best = fused[: self._considered]
        known = await self._documents.find_documents({hit.chunk.document_id for hit in best})
        hits = [hit for hit in best if hit.chunk.document_id in known]  # what does not answer now has no document
        titles = {identity: f"{document.title}\n{creator.name}" for identity, (document, creator) in known.items()}
        others = fused[self._considered :]  # only their words are counted
        confidence = answerability(question.text, candidates, [*hits, *others], titles)
        is_answerable = bool(hits) and confidence >= self._settings.min_confidence
        return Found(reached, candidates, fused, hits, known, confidence, is_answerable)

    async def _arrange(self, question: Query, found: Found, asked: tuple[str | None, str | None]) -> Trace:
        """What was found in the scope that counts as passages. Only here is the reranker asked: a search that widens
        waits for it once, too."""
        known = found.known
        reranked = await self._rerank(question.text, found.hits, known)
        joined = join(reranked or found.hits, JOINED_A_SOURCE * self._settings.sources)
        diverse = diversify(joined, self._settings.sources)
        passages = tuple(
            Passage(hit.chunk, *known[hit.chunk.document_id], hit.score, nearness(hit.chunk, *asked)) for hit in diverse
        )
        stages = {
            "dense": found.candidates.dense,
            "lexical": found.candidates.lexical,
            "fused": tuple(found.fused),
            **({"reranked": tuple(reranked)} if reranked else {}),
            "joined": tuple(joined),
            "diverse": tuple(diverse),
        }
        retrieved = Retrieved(question.text, found.scope, passages, found.is_answerable)
        return Trace(found.candidates, stages, found.confidence, retrieved)

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
