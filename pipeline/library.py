"""What a curator asks of the library: which creators and documents there are, and what is wrong with which."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, bindparam, cast, func, or_, select
from sqlalchemy.dialects.postgresql import UUID as SqlUUID
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.database import transaction
from backend.errors import ContentError
from backend.knowledge.catalogue import creators, document_from, documents
from backend.knowledge.models import Document
from pipeline.entries import Status
from pipeline.source import Request

SHORT_ID = 8  # the first digits of an id: what lists show, and enough to name a document
_ID_START = re.compile(r"[0-9a-f]{4,8}(?:-[0-9a-f-]*)?", re.IGNORECASE)
_NAMED = 5  # documents that a sentence names


@dataclass(frozen=True, slots=True)
class CreatorCount:
    """What the library has of a creator: documents by status, and the passages of those that answer."""

    slug: str
    name: str
    documents: Counter[str]
    chunks: int


@dataclass(frozen=True, slots=True)
class Shelved:
    """A document as the ledger has it. `reason` says why it, or its newest version, is not in."""

    document: Document
    status: Status
    reason: str | None
    chunks: int
    origin: str
    request: Request
    ingested_at: datetime

    @property
    def short_id(self) -> str:
        """Enough of the id to name the document."""
        return str(self.document.id)[:SHORT_ID]


class Library:
    """Reads the ledger for people. Documents that were deleted are not in it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def counts(self) -> list[CreatorCount]:
        """Every creator by slug, with what there is of them."""
        live = documents.c.deleted_at.is_(None)
        query = select(
            documents.c.creator, documents.c.status, func.count(), func.coalesce(func.sum(documents.c.chunks), 0)
        )
        async with transaction(self._engine) as connection:
            known = (await connection.execute(select(creators.c.slug, creators.c.name).order_by(creators.c.slug))).all()
            grouped = await connection.execute(query.where(live).group_by(documents.c.creator, documents.c.status))
            rows = grouped.all()
        return [
            CreatorCount(
                slug,
                name,
                Counter({status: count for creator, status, count, _ in rows if creator == slug}),
                sum(chunks for creator, status, _, chunks in rows if creator == slug and status == "ready"),
            )
            for slug, name in known
        ]

    async def documents(
        self,
        *,
        creator: str | None = None,
        statuses: Collection[Status] = (),
        with_failure: bool = False,
        lost: Collection[UUID] = (),
    ) -> list[Shelved]:
        """The documents by creator and path; only of one creator, of these statuses, or with something held against
        them, as `lost` ones have that the index does not hold."""
        query = select(documents).where(documents.c.deleted_at.is_(None))
        if creator is not None:
            query = query.where(documents.c.creator == creator)
        if statuses:
            query = query.where(documents.c.status.in_(statuses))
        if with_failure:
            is_outdated = (documents.c.status == "ready") & documents.c.reason.is_not(None)
            is_lost = documents.c.id == any_(bindparam("lost", list(lost), type_=ARRAY(SqlUUID)))
            query = query.where(or_(documents.c.status == "failed", is_outdated, is_lost))
        async with transaction(self._engine) as connection:
            rows = await connection.execute(query.order_by(documents.c.creator, documents.c.source_uri))
            return [_shelved(row) for row in rows.mappings()]

    async def find(self, name: str) -> Shelved:
        """The document that a curator means: by the beginning of its id, its path, `creator/path`, address or title.

        Raises `ContentError` where there is none, or several.
        """
        query = select(documents).where(documents.c.deleted_at.is_(None))
        path = documents.c.creator + "/" + documents.c.source_uri
        async with transaction(self._engine) as connection:
            if _ID_START.fullmatch(name):
                is_it = cast(documents.c.id, Text).startswith(name.lower())
                if rows := (await connection.execute(query.where(is_it))).mappings().all():
                    return _only(name, [_shelved(row) for row in rows])
            is_it = or_(
                documents.c.source_uri == name,
                path == name,
                documents.c.origin == name,
                documents.c.url == name,
                func.lower(documents.c.title) == name.lower(),
            )
            rows = (await connection.execute(query.where(is_it))).mappings().all()
        return _only(name, [_shelved(row) for row in rows])

    async def has_creator(self, slug: str) -> bool:
        """Whether the creator is known."""
        async with transaction(self._engine) as connection:
            found = await connection.execute(select(creators.c.slug).where(creators.c.slug == slug))
            return found.first() is not None


def _only(name: str, found: Sequence[Shelved]) -> Shelved:
    if not found:
        raise ContentError(f"There is no document `{name}`: `footnote documents` lists them with their ids.")
    if len(found) > 1:
        several = ", ".join(f"{item.short_id} ({item.document.source_uri})" for item in found[:_NAMED])
        raise ContentError(f"`{name}` may be any of {len(found)} documents; say the id: {several}.")
    return found[0]


def _shelved(row: RowMapping) -> Shelved:
    request = row["request"]
    return Shelved(
        document=document_from(row),
        status=row["status"],
        reason=row["reason"],
        chunks=row["chunks"],
        origin=row["origin"],
        request=Request(request.get("target", ""), request.get("creator"), tuple(request.get("topics", ()))),
        ingested_at=row["ingested_at"],
    )


def ids_of(shelved: Sequence[Shelved]) -> list[UUID]:
    """The ids of documents."""
    return [item.document.id for item in shelved]
