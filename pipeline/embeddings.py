"""Vectors that are kept by document and embedded text, so that what has not changed is not embedded again."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, LargeBinary, Text, any_, bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import UUID as SqlUUID
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.database import transaction
from backend.knowledge.catalogue import embeddings

# One statement with arrays instead of one parameter a value: compiled once, and without a limit on their number.
_KEEP = text(
    "INSERT INTO embeddings (document_id, model, key, vector) "
    "SELECT document, :model, key, vector FROM unnest(:documents, :keys, :vectors) AS fresh (document, key, vector) "
    "ON CONFLICT DO NOTHING"
).bindparams(
    bindparam("documents", type_=ARRAY(SqlUUID)),
    bindparam("keys", type_=ARRAY(Text)),
    bindparam("vectors", type_=ARRAY(LargeBinary)),
)


class Embeddings:
    """The vectors of one model: unit length, float32, little endian. They go with their document."""

    def __init__(self, engine: AsyncEngine, model: str) -> None:
        self._engine = engine
        self._model = model

    async def keys(self, documents: Collection[UUID]) -> dict[UUID, frozenset[str]]:
        """The keys that there are vectors for, of those documents that have any."""
        query = select(embeddings.c.document_id, embeddings.c.key).where(self._of(documents))
        found: dict[UUID, set[str]] = {}
        async with transaction(self._engine) as connection:
            for document, key in await connection.execute(query):
                found.setdefault(document, set()).add(key)
        return {document: frozenset(keys) for document, keys in found.items()}

    async def find(self, wanted: Collection[tuple[UUID, str]]) -> dict[tuple[UUID, str], bytes]:
        """The vectors of these documents under these keys, as far as there are any."""
        if not wanted:
            return {}
        query = select(embeddings.c.document_id, embeddings.c.key, embeddings.c.vector).where(
            self._of({document for document, _ in wanted}),
            embeddings.c.key == any_(bindparam("keys", [key for _, key in wanted], type_=ARRAY(Text))),
        )
        async with transaction(self._engine) as connection:
            return {(document, key): vector for document, key, vector in await connection.execute(query)}

    async def keep(self, vectors: Sequence[tuple[UUID, str, bytes]]) -> None:
        """Keeps them; their documents must be in the ledger."""
        if not vectors:
            return
        documents, keys, values = zip(*vectors, strict=True)
        async with transaction(self._engine) as connection:
            await connection.execute(
                _KEEP,
                {"model": self._model, "documents": list(documents), "keys": list(keys), "vectors": list(values)},
            )

    async def keep_only(self, current: Mapping[UUID, Iterable[str]]) -> None:
        """Forgets what these documents no longer say, and what other models made of it."""
        async with transaction(self._engine) as connection:
            for document, keys in current.items():
                is_current = (embeddings.c.model == self._model) & (
                    embeddings.c.key == any_(bindparam("keys", list(keys), type_=ARRAY(Text)))
                )
                await connection.execute(delete(embeddings).where(embeddings.c.document_id == document, ~is_current))

    def _of(self, documents: Collection[UUID]) -> ColumnElement[bool]:
        ids = bindparam("documents", list(documents), type_=ARRAY(SqlUUID))
        return (embeddings.c.document_id == any_(ids)) & (embeddings.c.model == self._model)
