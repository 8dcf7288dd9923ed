"""The stages together, over a shelf that has one passage of each of three people."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import pytest

from backend.errors import Unavailable
from backend.knowledge.models import Candidates, Chunk, Creator, Document, Hit, LexicalHits, Scope, SparseVector
from backend.knowledge.searcher import Query, Searcher
from backend.retrieval.retriever import Retriever
from backend.settings import Settings
from tests.service import with_section

OWNERS = ("ana", "ben", "cy")
TOPICS = {"ana": ("bread",), "ben": ("bread",), "cy": ()}
TEXTS = {"ana": "Salt slows the dough.", "ben": "Steam makes a crust.", "cy": "Rye binds far more water than wheat."}


class Shelf(Searcher):
    """Finds what a scope has; only what cy says is near to any question."""

    def __init__(self) -> None:
        pass

    async def embed(self, text: str) -> Query:
        return Query(text, None, ())

    async def lexical(self, text: str, scope: Scope, limit: int) -> LexicalHits | None:
        return None

    async def search(self, query: Query, scope: Scope, limit: int, begun: LexicalHits | None = None) -> Candidates:
        chunks = [
            Chunk(UUID(int=number), UUID(int=number), owner, 0, TEXTS[owner], 0, len(TEXTS[owner]), TOPICS[owner])
            for number, owner in enumerate(OWNERS)
            if scope.creator in (None, owner) and (scope.topic is None or scope.topic in TOPICS[owner])
        ]
        hits = [Hit(chunk, 0.9 if chunk.creator == "cy" else 0.0) for chunk in chunks]
        return Candidates(tuple(sorted(hits, key=lambda hit: -hit.score)), ())


class Catalogued:
    """One document for each passage."""

    async def tombstones(self) -> frozenset[UUID]:
        return frozenset()

    async def find_documents(self, ids: Collection[UUID]) -> Mapping[UUID, tuple[Document, Creator]]:
        return {
            one: (Document(one, OWNERS[one.int], "A text", "article", "x"), Creator(OWNERS[one.int], OWNERS[one.int]))
            for one in ids
        }


class Asked:
    """A reranker that is never ready in time, and counts how often it is waited for."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    async def scores(self, query: str, texts: Sequence[str]) -> list[float] | None:
        self.batches.append(list(texts))
        return None

    async def close(self) -> None:
        pass


async def test_a_search_that_widens_waits_for_the_reranker_once(settings: Settings) -> None:
    reranker = Asked()
    retriever = Retriever(Shelf(), Catalogued(), with_section(settings, "retrieval", widen=True).retrieval, reranker)
    found = await retriever.retrieve("Why does rye bind water?", creator="ana", topic="bread", widen=True)
    assert found.answerable
    assert found.scope == "global"
    assert len(reranker.batches) == 1
    assert len(reranker.batches[0]) == len(OWNERS)


async def test_what_nobody_answers_is_reranked_once_too_and_is_the_creators_own(settings: Settings) -> None:
    reranker = Asked()
    strict = with_section(settings, "retrieval", min_confidence=1.0).retrieval
    retriever = Retriever(Shelf(), Catalogued(), strict, reranker)
    found = await retriever.retrieve("Why does rye bind water?", creator="ana", topic="bread", widen=True)
    assert not found.answerable
    assert found.scope == "creator"
    assert {passage.creator.slug for passage in found.passages} == {"ana"}
    assert reranker.batches == [[f"A text\n{TEXTS['ana']}"]]


async def test_the_lexical_half_of_a_search_does_not_wait_for_the_embedding(settings: Settings) -> None:
    begun, used = asyncio.Event(), []
    half = LexicalHits(SparseVector((), ()), (), object())

    class Slow(Shelf):
        async def embed(self, text: str) -> Query:
            async with asyncio.timeout(5):
                await begun.wait()
            return await super().embed(text)

        async def lexical(self, text: str, scope: Scope, limit: int) -> LexicalHits | None:
            assert (text, scope) == ("Why does rye bind water?", Scope("ana"))
            begun.set()
            return half

        async def search(self, query: Query, scope: Scope, limit: int, begun: LexicalHits | None = None) -> Candidates:
            used.append((scope.creator, begun))
            return await super().search(query, scope, limit, begun)

    retriever = Retriever(Slow(), Catalogued(), with_section(settings, "retrieval", widen=True).retrieval)
    await retriever.retrieve("Why does rye bind water?", creator="ana", widen=True)
    assert used == [("ana", half), (None, None)]


async def test_half_of_a_search_ends_where_the_question_cannot_be_embedded(settings: Settings) -> None:
    ended, begun = asyncio.Event(), asyncio.Event()

    class Away(Shelf):
        async def embed(self, text: str) -> Query:
            await begun.wait()
            raise Unavailable("The model is away.")

        async def lexical(self, text: str, scope: Scope, limit: int) -> LexicalHits | None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return None

    retriever = Retriever(Away(), Catalogued(), settings.retrieval)
    with pytest.raises(Unavailable, match="The model is away"):
        await retriever.retrieve("Why does rye bind water?")
    async with asyncio.timeout(5):
        await ended.wait()
