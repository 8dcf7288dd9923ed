"""Our schema in the words of a Qdrant server: the collection behind an alias, points, filters."""

import re
from collections.abc import AsyncIterator, Awaitable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar
from uuid import UUID

from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from backend.errors import Unavailable
from backend.knowledge.identity import embedded_model, model_from
from backend.knowledge.models import EmbeddingModel, Hit, Point, Scope, SparseVector
from backend.knowledge.schema import (
    DENSE,
    HNSW_CONSTRUCTION,
    HNSW_EDGES,
    INDEXED_FIELDS,
    LEXICAL,
    FieldKind,
    chunk_from,
    payload_of,
    ranked,
)

T = TypeVar("T")

CLIENT_ERRORS = (ApiException, QdrantException, ValueError)  # the last is the client's own, of what it was given
POINTS_A_PAGE = 256  # an answer of this many points with 384 dimensions has 1 MB
CONFLICT = 409
MODEL = "model"  # the key in the collection's metadata


@dataclass(frozen=True, slots=True)
class Named:
    """A collection by its own name, and the model that makes its vectors: the two never change for one another."""

    name: str
    model: EmbeddingModel


async def answered(call: Awaitable[T]) -> T:
    """The server's answer, or `Unavailable`."""
    try:
        return await call
    except CLIENT_ERRORS as error:
        raise Unavailable("The index cannot be reached.") from error


async def collection_behind(client: AsyncQdrantClient, alias: str) -> Named | None:
    """The collection that an alias names, or None before the first publication."""
    aliases = (await answered(client.get_aliases())).aliases
    name = next((entry.collection_name for entry in aliases if entry.alias_name == alias), None)
    if name is None:
        return None
    metadata = (await answered(client.get_collection(name))).config.metadata or {}
    if MODEL not in metadata:  # it was made before this was noted
        return Named(name, embedded_model())
    try:
        return Named(name, model_from(metadata[MODEL]))
    except ValueError as error:
        raise Unavailable("The index does not say which model made it.") from error


async def is_empty(client: AsyncQdrantClient, name: str) -> bool:
    """Whether a collection holds no point."""
    records, _ = await answered(client.scroll(name, limit=1, with_payload=False))
    return not records


async def pages(
    client: AsyncQdrantClient, name: str, within: models.Filter | None, *, with_vectors: bool
) -> AsyncIterator[list[models.Record]]:
    """Every point that passes, a page at a time. Raises what the client raises."""
    offset = None
    while True:
        records, offset = await client.scroll(
            name, within, limit=POINTS_A_PAGE, offset=offset, with_payload=True, with_vectors=with_vectors
        )
        if records:
            yield records
        if offset is None:
            return


async def create_collection(client: AsyncQdrantClient, name: str, model: EmbeddingModel) -> None:
    """An empty collection with its payload indexes; one of this name that is there already is completed."""
    if not await answered(client.collection_exists(name)):
        try:
            await client.create_collection(
                name,
                vectors_config={DENSE: models.VectorParams(size=model.dimension, distance=models.Distance.COSINE)},
                sparse_vectors_config={LEXICAL: models.SparseVectorParams(modifier=models.Modifier.IDF)},
                hnsw_config=models.HnswConfigDiff(m=HNSW_EDGES, ef_construct=HNSW_CONSTRUCTION),
                metadata={MODEL: asdict(model)},
            )
        except CLIENT_ERRORS as error:
            if not (isinstance(error, UnexpectedResponse) and error.status_code == CONFLICT):
                raise Unavailable("The index could not be made.") from error
    for field, kind in INDEXED_FIELDS.items():
        await answered(client.create_payload_index(name, field, field_schema(kind), wait=True))


async def move_alias(client: AsyncQdrantClient, alias: str, name: str) -> None:
    """Moves the alias to a collection in one step, wherever it was."""
    steps: list[models.AliasOperations] = [
        models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name=name, alias_name=alias))
    ]
    if await collection_behind(client, alias) is not None:
        steps.insert(0, models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias)))
    await answered(client.update_collection_aliases(steps))


async def drop_others(client: AsyncQdrantClient, alias: str, kept: str | None) -> None:
    """Drops every collection that was made for this alias, but one: what stood behind it, and what never did."""
    for found in (await answered(client.get_collections())).collections:
        if re.fullmatch(rf"{re.escape(alias)}-\d+", found.name) and found.name != kept:
            await answered(client.delete_collection(found.name))


def next_name(alias: str, current: Named | None) -> str:
    """`alias-<number>`, one higher than that of the collection behind the alias."""
    number = re.fullmatch(rf"{re.escape(alias)}-(\d+)", current.name if current else "")
    return f"{alias}-{int(number[1]) + 1 if number else 1}"


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


def point_from(record: models.Record) -> Point:
    """A point as it was given to `point_struct`."""
    vectors = record.vector
    assert isinstance(vectors, dict)
    sparse = vectors.get(LEXICAL)
    assert sparse is None or isinstance(sparse, models.SparseVector)
    return Point(
        chunk_from(record.id, record.payload or {}),
        tuple(vectors[DENSE]),  # type: ignore[arg-type]  # a dense vector is a list of numbers
        SparseVector(tuple(sparse.indices), tuple(sparse.values)) if sparse else SparseVector((), ()),
    )


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
    if scope.among is not None:
        must.append(models.FieldCondition(key="creator", match=models.MatchAny(any=sorted(scope.among))))
    if scope.topic is not None:
        must.append(models.FieldCondition(key="topics", match=models.MatchValue(value=scope.topic)))
    return models.Filter(must=must, must_not=[of_documents(scope.excluded)] if scope.excluded else None)


def of_documents(documents: Collection[UUID]) -> models.FieldCondition:
    """Chunks of any of these documents."""
    return models.FieldCondition(key="document_id", match=models.MatchAny(any=sorted(map(str, documents))))
