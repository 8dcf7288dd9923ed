"""The index on a Qdrant server, 1.19 or later: one collection behind an alias, read live.

Older servers do not know the corpus of `SearchParams.idf`.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

from qdrant_client import AsyncQdrantClient, models

from backend.errors import Unavailable
from backend.knowledge.index import ModelChanged
from backend.knowledge.models import Candidates, Chunk, EmbeddingModel, LexicalHits, Point, Scope, SparseVector
from backend.knowledge.qdrant_collection import (
    CLIENT_ERRORS,
    Named,
    collection_behind,
    hits,
    is_empty,
    of_documents,
    pages,
    point_from,
    scope_filter,
    sparse_vector,
)
from backend.knowledge.schema import DENSE, HNSW_SEARCH, LEXICAL, chunk_from, scored, unscored

T = TypeVar("T")

LOOK_AGAIN_AFTER_S = 1.0


def only(chunks: Sequence[UUID]) -> models.Filter:
    """These chunks and no others."""
    return models.Filter(must=[models.HasIdCondition(has_id=[str(chunk) for chunk in chunks])])


class QdrantIndex:
    """Reads whatever collection stands behind the alias; an alias that does not exist yet is an empty index.

    The collection is asked by its own name, because that name and the model of its vectors belong together. Which it
    is, is looked up every second, and at once where it has been dropped: what replaces it then is there already.
    """

    def __init__(self, client: AsyncQdrantClient, alias: str) -> None:
        self._client = client
        self._alias = alias
        self._named: Named | None = None
        self._named_until = 0.0
        self._looking = asyncio.Lock()

    async def model(self) -> EmbeddingModel | None:
        """See `Index.model`."""
        named = await self._current()
        return named.model if named else None

    async def lexical(self, sparse: SparseVector, scope: Scope, limit: int) -> LexicalHits | None:
        """See `Index.lexical`. Both searches travel in one request, and are made beside one another there: two halves
        would be a request more, and what is published between them would be in one and not in the other."""
        return None

    async def search(
        self,
        model: EmbeddingModel,
        dense: Sequence[float],
        sparse: SparseVector,
        scope: Scope,
        limit: int,
        begun: LexicalHits | None = None,
    ) -> Candidates:
        """See `Index.search`. Both searches travel in one request, what each says of the other's finds in a second.

        IDF is counted over the chunks in scope, for the reasons that `backend.knowledge.edge_shard.search` gives.
        """
        within = scope_filter(scope)
        corpus = models.SearchParams(idf=models.IdfCorpusParams(corpus=within))
        vectors: list[tuple[models.NearestQuery, str, models.SearchParams]] = [
            (models.NearestQuery(nearest=list(dense)), DENSE, models.SearchParams(hnsw_ef=HNSW_SEARCH))
        ]
        if sparse.indices:
            vectors.append((models.NearestQuery(nearest=sparse_vector(sparse)), LEXICAL, corpus))
        searches = [
            models.QueryRequest(query=query, using=name, filter=within, params=params, limit=limit, with_payload=True)
            for query, name, params in vectors
        ]

        async def ask(named: Named) -> Candidates:
            if named.model.id != model.id:
                raise ModelChanged
            answers = await self._client.query_batch_points(named.name, searches)
            found = Candidates(hits(answers[0].points), hits(answers[1].points) if sparse.indices else ())
            missing = [
                (place, models.QueryRequest(query=query, using=name, filter=only(ids), params=params, limit=len(ids)))
                for place, ((query, name, params), ids) in enumerate(zip(vectors, unscored(found), strict=False))
                if ids
            ]
            more: list[dict[UUID, float]] = [{}, {}]
            if missing:
                answers = await self._client.query_batch_points(named.name, [request for _, request in missing])
                for (place, _), answer in zip(missing, answers, strict=True):
                    more[place] = {UUID(str(point.id)): point.score for point in answer.points}
            return scored(found, *more)

        return await self._read(ask, Candidates((), ()))

    async def passages(self, document: UUID, first: int, last: int) -> list[Chunk]:
        """See `Index.passages`."""
        ordinals = models.FieldCondition(key="ordinal", range=models.Range(gte=first, lte=last))
        within = models.Filter(must=[of_documents([document]), ordinals])

        async def ask(named: Named) -> list[Chunk]:
            found = pages(self._client, named.name, within, with_vectors=False)
            return [chunk_from(record.id, record.payload or {}) async for records in found for record in records]

        nothing: list[Chunk] = []
        return sorted(await self._read(ask, nothing), key=lambda chunk: (chunk.ordinal, chunk.id))

    async def scan(self) -> AsyncGenerator[list[Point], None]:
        """See `Index.scan`. Raises `Unavailable` where a rebuild drops the collection meanwhile."""
        named = await self._current()
        if named is None:
            return
        try:
            async for records in pages(self._client, named.name, None, with_vectors=True):
                yield [point_from(record) for record in records]
        except CLIENT_ERRORS as error:
            raise Unavailable("The index could not be read.") from error

    async def count(self, scope: Scope) -> int:
        """See `Index.count`."""

        async def ask(named: Named) -> int:
            return (await self._client.count(named.name, scope_filter(scope), exact=True)).count

        return await self._read(ask, 0)

    async def held(self) -> dict[UUID, int]:
        """See `Index.held`."""

        async def ask(named: Named) -> dict[UUID, int]:
            most = max(1, (await self._client.count(named.name, exact=True)).count)
            found = await self._client.facet(named.name, "document_id", limit=most, exact=True)
            return {UUID(str(hit.value)): hit.count for hit in found.hits if hit.count}

        nothing: dict[UUID, int] = {}
        return await self._read(ask, nothing)

    async def ready(self) -> bool:
        """Whether the server answers."""
        try:
            await collection_behind(self._client, self._alias)
        except Unavailable:
            return False
        return True

    async def close(self) -> None:
        """Closes the client's connections."""
        await self._client.close()

    async def _read(self, ask: Callable[[Named], Awaitable[T]], nothing: T) -> T:
        named = await self._current()
        while named is not None:
            try:
                return await ask(named)
            except CLIENT_ERRORS as error:
                self._named_until = 0.0
                newer = await self._current()
                if newer == named:
                    raise Unavailable("The index could not be searched.") from error
                named = newer
        return nothing

    async def _current(self) -> Named | None:
        """The collection behind the alias, or None where there is none or it is empty."""
        if time.monotonic() < self._named_until:
            return self._named
        async with self._looking:
            if time.monotonic() >= self._named_until:
                named = await collection_behind(self._client, self._alias)
                if named is not None and await is_empty(self._client, named.name):
                    named = None
                self._named = named
                # What is not there may come at any moment.
                self._named_until = time.monotonic() + LOOK_AGAIN_AFTER_S if named else 0.0
            return self._named
