"""Our schema in the words of Qdrant Edge: making a shard, changing it, searching it.

Functions here raise what the engine raises, which is plain `Exception`; `backend.knowledge.edge` translates.
"""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

import qdrant_edge as edge

from backend.knowledge.models import Candidates, Chunk, Hit, Point, Scope, SparseVector
from backend.knowledge.schema import (
    DENSE,
    FULL_SCAN_KILOBYTES,
    GRAPH_FROM_POINTS,
    HNSW_CONSTRUCTION,
    HNSW_EDGES,
    HNSW_SEARCH,
    INDEXED_FIELDS,
    LEXICAL,
    FieldKind,
    chunk_from,
    payload_of,
    ranked,
    scored,
    unscored,
)

BYTES_A_NUMBER = 4
POINTS_A_PAGE = 256
# By itself the engine takes eight threads on two cores, which wake one another 500 times a search, and the database and
# the encoder wait for them. One thread searches 196 points in 1.1 ms instead of 1.7, 20,000 in 2.2 instead of 2.5, and
# 100,000 in four segments in 6.2 instead of 4.8, for a tenth less CPU; opening takes as long. The number stands in the
# shard: one that was made before has it from its next publication on.
SEARCH_THREADS = 1


class Optimizing(NamedTuple):
    """A segment with this share of removed points is rewritten, if it ever had so many."""

    removed_share: float
    from_points: int


# When `optimize` rewrites what. Changes go into one segment without a graph, which costs nothing to write and is read
# whole by every search: 0.1 ms for 1,000 points. When it holds GRAPH_FROM_POINTS it gets a graph (4 s) and the next one
# begins. Beyond SEGMENTS it is joined with the smallest, so that a large library is not written anew whenever it has
# grown by so much: in five such steps to 100,000 points that took 44 s in all, and several times as long with the two
# segments that the engine takes on two cores. A search cost 4.9 ms there instead of 3.9, on eight threads. Points that
# are removed cost a search as much as living ones until a fifth of their segment is removed.
SEGMENTS = 4
WHEN_IT_PAYS = Optimizing(removed_share=0.2, from_points=1000)
AT_ONCE = Optimizing(removed_share=0.0, from_points=1)


def create(folder: Path, dimension: int) -> edge.EdgeShard:
    """An empty shard in a folder that has none yet."""
    shard = edge.EdgeShard.create(str(folder), config(dimension, WHEN_IT_PAYS))
    for name, kind in INDEXED_FIELDS.items():
        shard.update(edge.UpdateOperation.create_field_index(name, field_schema(kind)))
    return shard


def load(folder: Path, dimension: int) -> edge.EdgeShard:
    """A shard to be written; its `optimize` follows the rule of this module, whichever it was made by."""
    return edge.EdgeShard.load(str(folder), config(dimension, WHEN_IT_PAYS))


def config(dimension: int, optimizers: Optimizing) -> edge.EdgeConfig:
    """The schema, and when segments are rewritten.

    There is no write-ahead log: a shard with a log opens in a single process, and a generation is durable by its flush.
    """
    return edge.EdgeConfig(
        vectors={DENSE: edge.EdgeVectorParams(size=dimension, distance=edge.Distance.Cosine)},
        sparse_vectors={LEXICAL: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
        hnsw_config=edge.HnswIndexConfig(HNSW_EDGES, HNSW_CONSTRUCTION, FULL_SCAN_KILOBYTES),
        optimizers=edge.EdgeOptimizersConfig(
            indexing_threshold=GRAPH_FROM_POINTS * dimension * BYTES_A_NUMBER // 1024,
            default_segment_number=SEGMENTS,
            deleted_threshold=optimizers.removed_share,
            vacuum_min_vector_number=optimizers.from_points,
        ),
        max_search_threads=SEARCH_THREADS,
        wal_enabled=False,
    )


def purge(folder: Path, dimension: int) -> None:
    """Rewrites every segment that holds the bytes of a point which was removed or replaced.

    A segment that is written to replaces a point in place, and is known as touched only by a removal: hence the point
    that comes and goes.
    """
    shard = edge.EdgeShard.load(str(folder), config(dimension, AT_ONCE))
    try:
        passing = edge.Point(str(uuid4()), {DENSE: [1.0] * dimension}, {})
        shard.update(edge.UpdateOperation.upsert_points([passing]))
        shard.update(edge.UpdateOperation.delete_points([passing.id]))
        shard.optimize()
        shard.flush()
    finally:
        shard.close()


def field_schema(kind: FieldKind) -> edge.KeywordIndexParams | edge.IntegerIndexParams:
    """The engine's word for a kind of payload index."""
    match kind:
        case "tenant":
            return edge.KeywordIndexParams(is_tenant=True)
        case "keyword":
            return edge.KeywordIndexParams()
        case "integer":
            return edge.IntegerIndexParams()


def upsert(shard: edge.EdgeShard, points: Sequence[Point]) -> None:
    """Adds or replaces points."""
    shard.update(
        edge.UpdateOperation.upsert_points(
            [
                edge.Point(
                    str(point.chunk.id),
                    {
                        DENSE: list(point.dense),
                        LEXICAL: edge.SparseVector(list(point.sparse.indices), list(point.sparse.values)),
                    },
                    payload_of(point.chunk),
                )
                for point in points
            ]
        )
    )


def remove(shard: edge.EdgeShard, documents: Collection[UUID]) -> int:
    """Takes the chunks of these documents out and says how many there were."""
    return _remove(shard, edge.Filter(must=[of_documents(documents)]))


def retain(shard: edge.EdgeShard, document: UUID, chunks: Collection[UUID]) -> int:
    """Takes every chunk of this document out but these and says how many there were."""
    kept = edge.HasIdCondition(set(map(str, chunks)))
    return _remove(shard, edge.Filter(must=[of_documents([document])], must_not=[kept]))


def _remove(shard: edge.EdgeShard, doomed: edge.Filter) -> int:
    found = shard.count(edge.CountRequest(filter=doomed, exact=True))
    if found:
        shard.update(edge.UpdateOperation.delete_points_by_filter(doomed))
    return found


def passages(shard: edge.EdgeShard, document: UUID, first: int, last: int) -> list[Chunk]:
    """The chunks of a document with ordinals in [first, last], in their order."""
    ordinals = edge.FieldCondition("ordinal", range=edge.RangeFloat(gte=first, lte=last))
    within = edge.Filter(must=[of_documents([document]), ordinals])
    chunks = [
        chunk_from(record.id, record.payload or {})
        for records in pages(shard, within, with_vector=False)
        for record in records
    ]
    return sorted(chunks, key=lambda chunk: (chunk.ordinal, chunk.id))


def pages(shard: edge.EdgeShard, within: edge.Filter | None, *, with_vector: bool) -> Iterator[list[edge.Record]]:
    """Every point that passes, a page at a time."""
    offset: edge.PointId | None = None
    while True:
        request = edge.ScrollRequest(offset, POINTS_A_PAGE, within, with_payload=True, with_vector=with_vector)
        records, offset = shard.scroll(request)
        if records:
            yield records
        if offset is None:
            return


def point_from(record: edge.Record) -> Point:
    """A point as it was given to `upsert`; its dense vector has length 1."""
    vectors = record.vector
    assert isinstance(vectors, dict)
    sparse = vectors.get(LEXICAL)
    assert sparse is None or isinstance(sparse, edge.SparseVector)
    return Point(
        chunk_from(record.id, record.payload or {}),
        tuple(vectors[DENSE]),  # type: ignore[arg-type]  # a dense vector is a list of numbers
        SparseVector(tuple(sparse.indices), tuple(sparse.values)) if sparse else SparseVector((), ()),
    )


def lexical(shard: edge.EdgeShard, sparse: SparseVector, scope: Scope, limit: int) -> tuple[Hit, ...]:
    """The lexical search by itself."""
    if not sparse.indices:
        return ()
    within = scope_filter(scope)
    return hits(shard.query(by_terms(sparse, within, limit, corpus=within, payload=True)), {})


def search(
    shard: edge.EdgeShard,
    dense: Sequence[float],
    sparse: SparseVector,
    scope: Scope,
    limit: int,
    begun: tuple[Hit, ...] | None = None,
) -> Candidates:
    """Both searches in one batch, or the dense one alone where `begun` is what the other has found; and then what each
    says of what only the other found.

    IDF is counted over the chunks in scope, as if the rest did not exist. So what one creator publishes never moves
    another's ranking, deleted documents leave no trace, and every engine gives the same scores: without a corpus
    they count from index structures that go on counting removed points for a while. It costs 0.3 ms at 20,000 points.
    """
    within = scope_filter(scope)
    searches = [by_cosine(dense, within, limit, payload=True)]
    if begun is None and sparse.indices:
        searches.append(by_terms(sparse, within, limit, corpus=within, payload=True))
    chunks: dict[object, Chunk] = {hit.chunk.id: hit.chunk for hit in begun or ()}
    near, *others = (hits(points, chunks) for points in shard.query_batch(edge.QueryBatchRequest(searches)))
    found = Candidates(near, begun or (others[0] if others else ()))
    without_cosine, without_weight = unscored(found)
    cosines: list[edge.ScoredPoint] = []
    weights: list[edge.ScoredPoint] = []
    if without_cosine:
        cosines = shard.query(by_cosine(dense, only(without_cosine), len(without_cosine), payload=False))
    if without_weight and sparse.indices:
        ids = only(without_weight)
        weights = shard.query(by_terms(sparse, ids, len(without_weight), corpus=within, payload=False))
    return scored(found, *({chunks[point.id].id: point.score for point in points} for points in (cosines, weights)))


def by_cosine(dense: Sequence[float], within: edge.Filter, limit: int, *, payload: bool) -> edge.QueryRequest:
    """The `limit` best points by their cosine."""
    query, params = edge.Query.Nearest(list(dense), DENSE), edge.SearchParams(hnsw_ef=HNSW_SEARCH)
    return edge.QueryRequest(limit, query=query, filter=within, params=params, with_payload=payload)


def by_terms(
    sparse: SparseVector, within: edge.Filter, limit: int, *, corpus: edge.Filter, payload: bool
) -> edge.QueryRequest:
    """The `limit` best points by their terms; IDF is counted over `corpus`."""
    query = edge.Query.Nearest(edge.SparseVector(list(sparse.indices), list(sparse.values)), LEXICAL)
    params = edge.SearchParams(idf=edge.IdfParams(corpus))
    return edge.QueryRequest(limit, query=query, filter=within, params=params, with_payload=payload)


def only(chunks: Sequence[UUID]) -> edge.Filter:
    """These chunks and no others."""
    return edge.Filter(must=[edge.HasIdCondition(set(chunks))])


def count(shard: edge.EdgeShard, scope: Scope) -> int:
    """How many chunks lie in `scope`, exactly."""
    return shard.count(edge.CountRequest(filter=scope_filter(scope), exact=True))


def held(shard: edge.EdgeShard) -> dict[UUID, int]:
    """How many chunks there are of each document that has any, exactly."""
    request = edge.FacetRequest("document_id", limit=max(1, count(shard, Scope())), exact=True)
    return {UUID(str(hit.value)): hit.count for hit in shard.facet(request).hits if hit.count}


def hits(points: Sequence[edge.ScoredPoint], chunks: dict[object, Chunk]) -> tuple[Hit, ...]:
    """One search's answer. `chunks` are those made so far, by the engine's ids: a search is mostly their making."""
    found: list[Hit] = []
    for point in points:
        identity = point.id  # the engine makes it anew each time
        if identity not in chunks:
            chunks[identity] = chunk_from(identity, point.payload or {})
        found.append(Hit(chunks[identity], point.score))
    return ranked(found)


def scope_filter(scope: Scope) -> edge.Filter:
    """`Scope` as a filter; an empty scope gives an empty filter, which everything passes."""
    must: list[edge.ConditionType] = []
    if scope.creator is not None:
        must.append(edge.FieldCondition("creator", match=edge.MatchValue(scope.creator)))
    if scope.among is not None:
        must.append(edge.FieldCondition("creator", match=edge.MatchAny(sorted(scope.among))))
    if scope.topic is not None:
        must.append(edge.FieldCondition("topics", match=edge.MatchValue(scope.topic)))
    must_not: list[edge.ConditionType] = [of_documents(scope.excluded)] if scope.excluded else []
    return edge.Filter(must=must, must_not=must_not)


def of_documents(documents: Collection[UUID]) -> edge.FieldCondition:
    """Chunks of any of these documents."""
    return edge.FieldCondition("document_id", match=edge.MatchAny(sorted(map(str, documents))))
