"""What the database says of the library, and which documents need somebody's hand."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.database import open_database, transaction
from backend.knowledge.catalogue import creators, documents
from pipeline.checks.finding import Finding
from pipeline.ledger import WRITER_LOCK

WRITERS = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = "
    "(SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND (classid::bigint << 32) + objid::bigint = :lock"
)


@dataclass(frozen=True, slots=True)
class Library:
    """Documents by status, how many creators, the chunks of documents that answer, and the ids of all others.

    `deleted` ones have not been emptied yet. `outdated` documents answer from an older version, because the newer one
    failed. `is_written` says whether a command is changing the library just now.
    """

    creators: int
    statuses: Mapping[str, int]
    outdated: int
    deleted: int
    chunks: int
    silent: frozenset[UUID]
    is_written: bool


async def read_library(url: str) -> Library:
    """Asks a database of today's schema. Raises what the database raises."""
    engine = open_database(url, pool_size=1)
    try:
        return await _read(engine)
    finally:
        await engine.dispose()


async def _read(engine: AsyncEngine) -> Library:
    living = documents.c.deleted_at.is_(None)
    answers = living & (documents.c.status == "ready")
    async with transaction(engine) as connection:
        grouped = select(documents.c.status, func.count().label("number")).where(living).group_by(documents.c.status)
        statuses = {row.status: row.number for row in await connection.execute(grouped)}
        outdated = select(func.count()).where(answers, documents.c.reason.is_not(None))
        chunks = select(func.coalesce(func.sum(documents.c.chunks), 0)).where(answers)
        silent = await connection.execute(select(documents.c.id).where(~answers))
        deleted = select(func.count()).where(documents.c.deleted_at.is_not(None), documents.c.title != "")
        return Library(
            creators=(await connection.execute(select(func.count()).select_from(creators))).scalar_one(),
            statuses=statuses,
            outdated=(await connection.execute(outdated)).scalar_one(),
            deleted=(await connection.execute(deleted)).scalar_one(),
            chunks=(await connection.execute(chunks)).scalar_one(),
            silent=frozenset(silent.scalars()),
            is_written=bool((await connection.execute(WRITERS, {"lock": WRITER_LOCK})).scalar_one()),
        )


def content(library: Library) -> list[Finding]:
    """How many documents answer, and what to do about those that do not and should."""
    counts = Counter(library.statuses)
    if not library.statuses:
        return [Finding("note", "library", "it is empty.", "`footnote ingest FOLDER` fills it.")]
    answering = f"{counts['ready']:,} documents of {library.creators:,} creators answer."
    found = [Finding("ok", "library", answering)]
    now = " A command is changing the library just now." if library.is_written else ""
    if counts["failed"] or library.outdated:
        says = f"{counts['failed']:,} documents failed"
        if library.outdated:
            says += f", {library.outdated:,} answer from an older version"
        advice = "`footnote status` says why, `footnote retry` tries again when they are mended."
        found.append(Finding("note", "library", f"{says}.", advice))
    if counts["pending"]:
        advice = now.strip() or "A command was ended amid them: run the same `footnote ingest` again."
        found.append(Finding("note", "library", f"{counts['pending']:,} documents are pending.", advice))
    if library.deleted:
        advice = now.strip() or "They do not answer; their passages go with the next `footnote delete`."
        found.append(Finding("note", "library", f"{library.deleted:,} documents are being deleted.", advice))
    return found
