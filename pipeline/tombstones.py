"""What stays in the ledger of a document that a curator deleted: enough to know it again, and nothing of what it said.

A document that is being deleted answers no more (`Ledger.silence`) and still has its row; at the end the row is
emptied. So a row that is silent and has a title is a deletion, or a removal, that was cut off.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Text,
    any_,
    bindparam,
    cast,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import UUID as SqlUUID
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.database import transaction
from backend.knowledge.catalogue import creators, documents, embeddings
from pipeline.library import SHORT_ID

_IS_SILENT = documents.c.deleted_at.is_not(None)
_EMPTY: dict[str, object] = {
    "title": "",
    "kind": "document",
    "url": None,
    "published_at": None,
    "duration_s": None,
    "topics": [],
    "status": "left_out",
    "reason": None,
    "chunks": 0,
    "request": {},
    "model": "",
    "text_hash": "",
    "duplicate_of": None,
}


class Tombstones:
    """Reads and writes them; call what writes while you hold `Ledger.writing`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, name: str) -> UUID | None:
        """The deleted document that a curator means by (the beginning of) its id, its path or its place, if any."""
        path = documents.c.creator + "/" + documents.c.source_uri
        is_it = or_(documents.c.source_uri == name, path == name, documents.c.origin == name)
        if len(name) >= SHORT_ID:
            is_it |= cast(documents.c.id, Text).startswith(name.lower(), autoescape=True)
        found = await self._ids(_IS_SILENT & is_it)
        return found[0] if len(found) == 1 else None

    async def unfinished(self) -> list[UUID]:
        """Documents that are silent and have not been emptied."""
        return await self._ids(_IS_SILENT & (documents.c.title != ""))

    async def of_creator(self, slug: str) -> list[UUID]:
        """Every document of a creator, whatever became of it."""
        return await self._ids(documents.c.creator == slug)

    async def with_repetitions(self, ids: Collection[UUID]) -> list[UUID]:
        """These documents, and those that say the same: else they would come in their place at the next ingestion."""
        return await self._ids(_is_one(ids) | (documents.c.duplicate_of == any_(_array(ids))))

    async def empty(self, ids: Collection[UUID]) -> None:
        """Forgets what the ledger knows of these documents but that they were deleted, with their kept vectors."""
        async with transaction(self._engine) as connection:
            await connection.execute(delete(embeddings).where(embeddings.c.document_id == any_(_array(ids))))
            await connection.execute(update(documents).where(_is_one(ids), _IS_SILENT).values(_EMPTY))

    async def empty_creator(self, slug: str) -> None:
        """Forgets every document of a creator, and all of them but the slug: that goes last, with `remove_creator`."""
        nothing: dict[str, object] = {
            "name": slug,
            "bio": "",
            "voice": "",
            "topics": [],
            "links": [],
            "questions": [],
            "profile": None,
        }
        async with transaction(self._engine) as connection:
            await connection.execute(delete(documents).where(documents.c.creator == slug))
            await connection.execute(update(creators).where(creators.c.slug == slug).values(nothing))

    async def remove_creator(self, slug: str) -> None:
        """Forgets a creator without documents."""
        async with transaction(self._engine) as connection:
            await connection.execute(delete(creators).where(creators.c.slug == slug))

    async def remaining(self, ids: Collection[UUID], slug: str | None) -> dict[str, int]:
        """Where the catalogue still has something of these documents, or of the creator, and how often."""
        is_full = or_(~_IS_SILENT, documents.c.title != "", documents.c.text_hash != "")
        queries = {
            "the catalogue": select(func.count()).where(_is_one(ids), is_full),
            "kept vectors": select(func.count()).where(embeddings.c.document_id == any_(_array(ids))),
            "the creator's documents": select(func.count()).where(documents.c.creator == slug),
        }
        async with transaction(self._engine) as connection:
            return {
                place: count
                for place, query in queries.items()
                if (count := (await connection.execute(query)).scalar_one())
                if slug is not None or place != "the creator's documents"
            }

    async def _ids(self, condition: ColumnElement[bool]) -> list[UUID]:
        async with transaction(self._engine) as connection:
            rows = await connection.execute(select(documents.c.id).where(condition).order_by(documents.c.id))
            return list(rows.scalars())


def _array(ids: Collection[UUID]) -> BindParameter[Any]:
    return bindparam("ids", list(ids), type_=ARRAY(SqlUUID))


def _is_one(ids: Collection[UUID]) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = documents.c.id == any_(_array(ids))
    return condition
