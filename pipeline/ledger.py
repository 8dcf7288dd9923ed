"""What is in the library, from which bytes: the pipeline's side of the tables `creators` and `documents`.

A document's life: `pending` is written before its passages go into the index, `ready` after they are published. So a
process that is killed in between leaves only documents that do not answer, and the next run does them again. A document
that is being replaced stays `ready`, answering from its old passages, until the new ones are published.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.elements import KeyedColumnElement

from backend.database import transaction
from backend.knowledge.catalogue import creators, documents
from backend.knowledge.models import Creator, Document

PIPELINE_VERSION = 1  # raised when the same bytes would give other passages: everything is then done again
AT_ONCE = 500  # documents in one statement

Status = Literal["pending", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger knows of a document."""

    fingerprint: str
    version: int
    status: Status
    reason: str | None
    is_deleted: bool

    def is_current(self, fingerprint: str) -> bool:
        """Whether these bytes, read by this pipeline, are what answers, and nothing is held against them."""
        known = self.status, self.fingerprint, self.version, self.reason
        return known == ("ready", fingerprint, PIPELINE_VERSION, None)


@dataclass(frozen=True, slots=True)
class Record:
    """A document and the bytes that it was made from."""

    document: Document
    fingerprint: str
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that could not be ingested, or not anew."""

    creator: str
    source_uri: str
    reason: str


@dataclass(frozen=True, slots=True)
class CreatorCount:
    """What the library has of a creator: documents by status, and the passages of those that answer."""

    slug: str
    name: str
    documents: Counter[str]
    chunks: int


class Ledger:
    """Reads and writes it; every call is a transaction of its own, so none is held while a model runs."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def keep_creator(self, creator: Creator, *, is_described: bool) -> None:
        """Adds the creator; one who is there already is changed only where there is a description."""
        values = {
            "slug": creator.slug,
            "name": creator.name,
            "bio": creator.bio,
            "voice": creator.voice,
            "topics": list(creator.topics),
            "links": [{"label": link.label, "url": link.url} for link in creator.links],
            "questions": list(creator.questions),
        }
        statement = insert(creators).values(values)
        if is_described:
            statement = statement.on_conflict_do_update(index_elements=["slug"], set_=values)
        else:
            statement = statement.on_conflict_do_nothing()
        async with transaction(self._engine) as connection:
            await connection.execute(statement)

    async def entries(self, creator: str) -> dict[str, Entry]:
        """Everything that is known of the creator's documents, by source URI."""
        query = select(documents).where(documents.c.creator == creator)
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(query)).mappings().all()
        return {
            row["source_uri"]: Entry(
                row["content_hash"],
                row["pipeline_version"],
                row["status"],
                row["reason"],
                row["deleted_at"] is not None,
            )
            for row in rows
        }

    async def announce(self, records: Iterable[Record]) -> None:
        """Says that their passages are about to be published. Documents that answer already are left as they are."""
        rows = [_row(record, status="pending", reason=None) for record in records]
        async with transaction(self._engine) as connection:
            for part in _parts(rows):
                statement = insert(documents).values(part)
                await connection.execute(
                    statement.on_conflict_do_update(
                        index_elements=["id"], set_=_excluded(statement.excluded), where=documents.c.status != "ready"
                    )
                )

    async def finish(self, records: Sequence[Record]) -> None:
        """Lets the documents answer, all at once. Call it when their passages are published."""
        rows = [_row(record, status="ready", reason=None) for record in records]
        async with transaction(self._engine) as connection:
            for part in _parts(rows):
                statement = insert(documents).values(part)
                changed = {**_excluded(statement.excluded), "ingested_at": func.now()}
                await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed))

    async def fail(self, record: Record, reason: str) -> None:
        """Keeps the reason. A document that answers goes on answering from what it was before."""
        statement = insert(documents).values(_row(record, status="failed", reason=reason))
        ready = documents.c.status == "ready"
        async with transaction(self._engine) as connection:
            answering = await connection.execute(
                update(documents).where(documents.c.id == record.document.id, ready).values(reason=reason)
            )
            if not answering.rowcount:
                await connection.execute(
                    statement.on_conflict_do_update(index_elements=["id"], set_=_excluded(statement.excluded))
                )

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

    async def failures(self) -> list[Failure]:
        """Every document with a reason why it, or its newest version, is not in."""
        query = (
            select(documents.c.creator, documents.c.source_uri, documents.c.reason)
            .where(documents.c.reason.is_not(None), documents.c.deleted_at.is_(None))
            .order_by(documents.c.creator, documents.c.source_uri)
        )
        async with transaction(self._engine) as connection:
            return [Failure(*row) for row in (await connection.execute(query)).all()]


def _row(record: Record, *, status: Status, reason: str | None) -> dict[str, object]:
    document = record.document
    return {
        "id": document.id,
        "creator": document.creator,
        "title": document.title,
        "kind": document.kind,
        "source_uri": document.source_uri,
        "url": document.url,
        "published_at": document.published_at,
        "duration_s": document.duration_s,
        "topics": list(document.topics),
        "content_hash": record.fingerprint,
        "pipeline_version": PIPELINE_VERSION,
        "status": status,
        "reason": reason,
        "chunks": record.chunks,
    }


def _excluded(excluded: ReadOnlyColumnCollection[str, KeyedColumnElement[object]]) -> dict[str, object]:
    """The new values of every column that an upsert may change."""
    kept = {"id", "creator", "source_uri", "ingested_at", "deleted_at"}
    return {column.name: excluded[column.name] for column in documents.c if column.name not in kept}


def _parts(rows: Sequence[dict[str, object]]) -> Iterator[Sequence[dict[str, object]]]:
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))
