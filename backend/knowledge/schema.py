"""What a point looks like in the index, the same on every engine: vectors, payload, payload indexes, graph."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal
from uuid import UUID

from backend.knowledge.models import Candidates, Chunk, Hit

DENSE: Final = "dense"  # cosine over unit vectors
LEXICAL: Final = "lexical"  # dot product of BM25 weights, each query weight multiplied by its IDF

# `tenant` is a keyword by which the engine also groups storage and graph: most questions are asked of one creator.
FieldKind = Literal["tenant", "keyword", "integer"]
INDEXED_FIELDS: Final[Mapping[str, FieldKind]] = {
    "creator": "tenant",
    "topics": "keyword",
    "document_id": "keyword",
    "ordinal": "integer",
}

# Qdrant's own defaults for the graph. The wider search costs 0.1 ms and finds 0.999 of the true neighbours in large
# clusters, against 0.977 with the default.
HNSW_EDGES: Final = 16
HNSW_CONSTRUCTION: Final = 100
HNSW_SEARCH: Final = 256
FULL_SCAN_KILOBYTES: Final = 10_000

# Under this number a scan of every vector takes 2 ms, is exact, and publishing takes seconds less.
GRAPH_FROM_POINTS: Final = 20_000


def payload_of(chunk: Chunk) -> dict[str, Any]:
    """The whole chunk but its id, which is the point's; fields that are None are left out."""
    fields = {
        "document_id": str(chunk.document_id),
        "creator": chunk.creator,
        "ordinal": chunk.ordinal,
        "text": chunk.text,
        "char_start": chunk.char_start,
        "char_end": chunk.char_end,
        "topics": list(chunk.topics),
        "heading": chunk.heading,
        "start_s": chunk.start_s,
        "end_s": chunk.end_s,
        "speaker": chunk.speaker,
        "begun_by": chunk.begun_by,
        "page": chunk.page,
    }
    return {name: value for name, value in fields.items() if value is not None}


def chunk_from(point_id: object, payload: Mapping[str, Any]) -> Chunk:
    """The chunk that `payload_of` described; engines give ids as UUID or as text."""
    fields = {**payload, "document_id": UUID(payload["document_id"]), "topics": tuple(payload["topics"])}
    return Chunk(id=point_id if isinstance(point_id, UUID) else UUID(str(point_id)), **fields)


def ranked(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """Best first; ties by chunk id."""
    return tuple(sorted(hits, key=lambda hit: (-hit.score, hit.chunk.id)))


def unscored(found: Candidates) -> tuple[list[UUID], list[UUID]]:
    """Of what two searches found, the chunks without a cosine, and those without a BM25 score; in a fixed order."""
    dense, lexical = ({hit.chunk.id for hit in hits} for hits in (found.dense, found.lexical))
    return sorted(lexical - dense), sorted(dense - lexical)


def scored(found: Candidates, cosines: Mapping[UUID, float], weights: Mapping[UUID, float]) -> Candidates:
    """What two searches found, with the scores that were asked for afterwards.

    A chunk that has no cosine even so is gone from the index meanwhile; one without a BM25 score shares no term.
    """
    chunks = {hit.chunk.id: hit.chunk for hit in (*found.dense, *found.lexical)}
    dense = ranked((*found.dense, *(Hit(chunks[identity], cosine) for identity, cosine in cosines.items())))
    there = {hit.chunk.id for hit in dense}
    lexical = (*found.lexical, *(Hit(chunks[identity], weight) for identity, weight in weights.items()))
    return Candidates(dense, ranked(hit for hit in lexical if hit.score > 0 and hit.chunk.id in there))
