"""Rows of the table `documents`, and what the pipeline makes of them."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Literal

from sqlalchemy.engine import RowMapping
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.elements import KeyedColumnElement

from backend.knowledge.catalogue import documents
from pipeline.engines.engine import Record
from pipeline.entries import PIPELINE_VERSION, Aside, Entry
from pipeline.load import title_from
from pipeline.source import Request

AT_ONCE = 500  # documents in one statement

Row = dict[str, object]


def record_row(record: Record, status: Literal["pending", "ready"], model: str) -> Row:
    """A document that was read, with vectors of `model`."""
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
        "text_hash": record.text_hash,
        "pipeline_version": PIPELINE_VERSION,
        "model": model,
        "status": status,
        "reason": None,
        "duplicate_of": None,
        "chunks": record.chunks,
        "origin": record.source.origin,
        "request": request_row(record.source.request),
    }


def aside_row(aside: Aside) -> Row:
    """What changes in the row of a document that is set aside."""
    return {
        "content_hash": aside.fingerprint,
        "text_hash": aside.text_hash,
        "pipeline_version": PIPELINE_VERSION,
        "status": aside.status,
        "reason": aside.reason,
        "duplicate_of": aside.original,
        "chunks": 0,
        "origin": aside.source.origin,
        "request": request_row(aside.source.request),
    }


def new_row(aside: Aside) -> Row:
    """What else a row needs of a document of which nothing is known but its source."""
    source = aside.source
    return {
        "id": aside.identity,
        "creator": source.creator,
        "title": title_from(PurePath(source.uri)),
        "kind": "document",
        "source_uri": source.uri,
    }


def request_row(request: Request) -> Row:
    """A request as JSON."""
    return {"target": request.target, "creator": request.creator, "topics": list(request.topics)}


def entry_from(row: RowMapping) -> Entry:
    """The row as an `Entry`."""
    return Entry(
        id=row["id"],
        creator=row["creator"],
        uri=row["source_uri"],
        origin=row["origin"],
        target=row["request"].get("target", ""),
        fingerprint=row["content_hash"],
        text_hash=row["text_hash"],
        version=row["pipeline_version"],
        model=row["model"],
        status=row["status"],
        reason=row["reason"],
        duplicate_of=row["duplicate_of"],
        is_deleted=row["deleted_at"] is not None,
    )


def renewed(excluded: ReadOnlyColumnCollection[str, KeyedColumnElement[object]]) -> dict[str, object]:
    """The new values of every column that an upsert may change."""
    kept = {"id", "ingested_at", "deleted_at"}
    return {column.name: excluded[column.name] for column in documents.c if column.name not in kept}


def in_parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The rows, as many at a time as one statement takes."""
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))
