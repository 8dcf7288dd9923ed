"""The index on a Qdrant server, 1.19 or later: one collection behind an alias, read and written live.

Older servers do not know the corpus of `SearchParams.idf`.
"""

from collections.abc import AsyncIterator, Awaitable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import UUID

from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from backend.errors import ConfigurationError, Unavailable
from backend.knowledge.models import Candidates, Hit, Point, Scope, SparseVector
from backend.knowledge.schema import (
    DENSE,
    HNSW_CONSTRUCTION,
    HNSW_EDGES,
    HNSW_SEARCH,
    INDEXED_FIELDS,
    LEXICAL,
    FieldKind,
    chunk_from,
    payload_of,
    ranked,
)

T = TypeVar("T")

CLIENT_ERRORS = (ApiException, QdrantException, ValueError)  # the last is the client's own, of what it was given
POINTS_A_REQUEST = 256  # a request may have 32 MB, a point of 1,024 dimensions has 30 kB
CONFLICT = 409


async def answered(call: Awaitable[T]) -> T:
    """The server's answer, or `Unavailable`."""
    try:
        return await call
    except CLIENT_ERRORS as error:
        raise Unavailable("The index cannot be reached.") from error


async def collection_behind(client: AsyncQdrantClient, alias: str) -> str | None:
    """The collection that an alias names, or None before the first publication."""
    aliases = (await answered(client.get_aliases())).aliases
    return next((entry.collection_name for entry in aliases if entry.alias_name == alias), None)


class QdrantIndex:
    """Reads whatever collection stands behind the alias; an alias that does not exist yet is an empty index."""

    def __init__(self, client: AsyncQdrantClient, alias: str) -> None:
        self._client = client
        self._alias = alias

    async def search(self, dense: Sequence[float], sparse: SparseVector, scope: Scope, limit: int) -> Candidates:
        """See `Index.search`. Both searches travel in one request.

        IDF is counted over the chunks in scope, for the reasons that `backend.knowledge.edge_shard.search` gives.
        """
        within = scope_filter(scope)
        requests = [
            models.QueryRequest(
                query=models.NearestQuery(nearest=list(dense)),
                using=DENSE,
                filter=within,
                params=models.SearchParams(hnsw_ef=HNSW_SEARCH),
                limit=limit,
                with_payload=True,
            )
        ]
        if sparse.indices:
            requests.append(
                models.QueryRequest(
                    query=models.NearestQuery(nearest=sparse_vector(sparse)),
                    using=LEXICAL,
                    filter=within,
                    params=models.SearchParams(idf=models.IdfCorpusParams(corpus=within)),
                    limit=limit,
                    with_payload=True,
                )
            )
        try:
            answers = await self._client.query_batch_points(self._alias, requests)
        except CLIENT_ERRORS as error:
            if await collection_behind(self._client, self._alias) is None:
                return Candidates((), ())
            raise Unavailable("The index could not be searched.") from error
        return Candidates(hits(answers[0].points), hits(answers[1].points) if sparse.indices else ())

    async def count(self, scope: Scope) -> int:
        """See `Index.count`."""
        if await collection_behind(self._client, self._alias) is None:
            return 0
        return (await answered(self._client.count(self._alias, scope_filter(scope), exact=True))).count

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


class QdrantIndexWriter:
    """Writes into the live collection; every point is there whole or not at all.

    Several writers do not harm one another: points are replaced by id, and the collection's name is fixed.
    """

    def __init__(self, client: AsyncQdrantClient, alias: str) -> None:
        self._client = client
        self._alias = alias

    @asynccontextmanager
    async def publication(self) -> AsyncIterator["QdrantPublication"]:
        """See `IndexWriter.publication`. Changes are visible as they are made."""
        yield QdrantPublication(self._client, self._alias)

    async def close(self) -> None:
        """Closes the client's connections."""
        await self._client.close()


class QdrantPublication:
    """Changes to the live collection, which the first points create."""

    def __init__(self, client: AsyncQdrantClient, alias: str) -> None:
        self._client = client
        self._alias = alias
        self._dimension: int | None = None

    async def remove_documents(self, documents: Iterable[UUID]) -> None:
        """See `Publication.remove_documents`."""
        doomed = models.Filter(must=[of_documents(frozenset(documents))])
        if await collection_behind(self._client, self._alias) is not None:
            await answered(self._client.delete(self._alias, models.FilterSelector(filter=doomed), wait=True))

    async def upsert(self, points: Sequence[Point]) -> None:
        """See `Publication.upsert`. Raises `ConfigurationError` where the vectors do not fit the collection."""
        if not points:
            return
        dimension = len(points[0].dense)
        if self._dimension is None:
            self._dimension = await self._prepare(dimension)
        if self._dimension != dimension:
            raise ConfigurationError(
                f"The index holds vectors of {self._dimension} dimensions and the embedding model makes {dimension}: "
                "choose another FOOTNOTE_INDEX__COLLECTION and ingest again."
            )
        for start in range(0, len(points), POINTS_A_REQUEST):
            batch = [point_struct(point) for point in points[start : start + POINTS_A_REQUEST]]
            await answered(self._client.upsert(self._alias, batch, wait=True))

    async def _prepare(self, dimension: int) -> int:
        """The dimension of the collection, which is made with its payload indexes and its alias where it is missing."""
        name = await collection_behind(self._client, self._alias)
        if name is None:
            name = f"{self._alias}-1"  # not a random name: of two first writers, the second finds the first's
            await self._create(name, dimension)
            alias = models.CreateAlias(collection_name=name, alias_name=self._alias)
            await answered(self._client.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)]))
        vectors = (await answered(self._client.get_collection(name))).config.params.vectors
        assert isinstance(vectors, dict)
        return vectors[DENSE].size

    async def _create(self, name: str, dimension: int) -> None:
        if not await answered(self._client.collection_exists(name)):
            try:
                await self._client.create_collection(
                    name,
                    vectors_config={DENSE: models.VectorParams(size=dimension, distance=models.Distance.COSINE)},
                    sparse_vectors_config={LEXICAL: models.SparseVectorParams(modifier=models.Modifier.IDF)},
                    hnsw_config=models.HnswConfigDiff(m=HNSW_EDGES, ef_construct=HNSW_CONSTRUCTION),
                )
            except CLIENT_ERRORS as error:
                if not (isinstance(error, UnexpectedResponse) and error.status_code == CONFLICT):
                    raise Unavailable("The index could not be made.") from error
        for field, kind in INDEXED_FIELDS.items():
            await answered(self._client.create_payload_index(name, field, field_schema(kind), wait=True))


def field_schema(kind: FieldKind) -> models.KeywordIndexParams | models.IntegerIndexParams:
    """The server's word for a kind of payload index."""
    match kind:
        case "tenant":
            return models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        case "keyword":
            return models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD)
        case "integer":
            return models.IntegerIndexParams(type=models.IntegerIndexType.INTEGER, lookup=True, range=True)


def point_struct(point: Point) -> models.PointStruct:
    """A point in the server's words."""
    vectors: dict[str, models.Vector] = {DENSE: list(point.dense), LEXICAL: sparse_vector(point.sparse)}
    return models.PointStruct(id=str(point.chunk.id), vector=vectors, payload=payload_of(point.chunk))


def sparse_vector(vector: SparseVector) -> models.SparseVector:
    """A sparse vector in the server's words."""
    return models.SparseVector(indices=list(vector.indices), values=list(vector.values))


def hits(points: Sequence[models.ScoredPoint]) -> tuple[Hit, ...]:
    """One search's answer."""
    return ranked(Hit(chunk_from(point.id, point.payload or {}), point.score) for point in points)


def scope_filter(scope: Scope) -> models.Filter:
    """`Scope` as a filter; an empty scope gives an empty filter, which everything passes."""
    must: list[models.Condition] = []
    if scope.creator is not None:
        must.append(models.FieldCondition(key="creator", match=models.MatchValue(value=scope.creator)))
    if scope.topic is not None:
        must.append(models.FieldCondition(key="topics", match=models.MatchValue(value=scope.topic)))
    return models.Filter(must=must, must_not=[of_documents(scope.excluded)] if scope.excluded else None)


def of_documents(documents: Collection[UUID]) -> models.FieldCondition:
    """Chunks of any of these documents."""
    return models.FieldCondition(key="document_id", match=models.MatchAny(any=sorted(map(str, documents))))
