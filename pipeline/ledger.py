"""What is in the library, from which bytes: the pipeline's side of the tables `creators` and `documents`.

A document's life: `pending` is written before its passages go into the index, `ready` after they are published. So a
process that is killed in between leaves only documents that do not answer, and the next run does them again. A document
that is being replaced stays `ready`, answering from its old passages, until the new ones are published.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, bindparam, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import UUID as SqlUUID
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.database import transaction, translated
from backend.errors import Unavailable
from backend.knowledge.catalogue import creators, documents
from backend.knowledge.models import Creator
from pipeline.creators import named_after
from pipeline.engines.engine import Record
from pipeline.entries import Aside, Entries, Entry
from pipeline.ledger_rows import (
    aside_row,
    entry_from,
    in_parts,
    new_row,
    record_row,
    renewed,
    request_row,
)
from pipeline.source import Source

WRITER_LOCK = 0x666F6F74  # a number for Postgres' advisory lock that is ours
FEW = 20  # targets that are looked for one by one

_IS_HELD = text(
    "SELECT EXISTS (SELECT FROM pg_locks "
    f"WHERE locktype = 'advisory' AND objid = {WRITER_LOCK} AND pid = pg_backend_pid() AND granted)"
)
_LET_GO = text(
    "UPDATE documents SET source_uri = documents.id::text "
    "FROM unnest(:ids, :creators, :paths) AS taken (id, creator, path) "
    "WHERE documents.creator = taken.creator AND documents.source_uri = taken.path AND documents.id <> taken.id"
).bindparams(
    bindparam("ids", type_=ARRAY(SqlUUID)),
    bindparam("creators", type_=ARRAY(Text)),
    bindparam("paths", type_=ARRAY(Text)),
)


class Ledger:
    """Reads and writes it; every call is a transaction of its own, so none is held while a model runs."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._lock: AsyncConnection | None = None

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Keeps every other writer of this library out, on whichever machine.

        Raises `Unavailable` where another one is at work.
        """
        with translated():
            connection = await self._engine.connect()
            lock = await connection.execute(select(func.pg_try_advisory_lock(WRITER_LOCK)))
            await connection.commit()
        try:
            if not lock.scalar():
                raise Unavailable("Another process is changing the library: wait until it has finished.")
            self._lock = connection
            yield
        finally:
            self._lock = None
            await connection.invalidate()  # the lock ends with its connection, however this block ended
            await connection.close()

    async def keep_writing(self) -> None:
        """Raises `Unavailable` where others are not kept out any more: the lock goes with its connection."""
        is_held = False
        with suppress(Unavailable), translated():
            if self._lock is not None:
                is_held = bool((await self._lock.execute(_IS_HELD)).scalar())
                await self._lock.commit()
        if not is_held:
            raise Unavailable("The connection that kept other writers out was lost: run the same command again.")

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
            "persona": creator.persona,
        }
        statement = insert(creators).values(values)
        if is_described:
            statement = statement.on_conflict_do_update(index_elements=["slug"], set_=values)
        else:
            statement = statement.on_conflict_do_nothing()
        async with transaction(self._engine) as connection:
            await connection.execute(statement)

    async def entries(self, creators: Collection[str], origins: Collection[str], searched: Collection[str]) -> Entries:
        """Everything that is known of these creators' documents, of what came from these places and of what was
        searched, and what repeats any of that."""
        # What cannot be shown is left out and never kept, and some of it has no UTF-8 to ask for it with.
        origins, searched = ([name for name in names if name.isprintable()] for names in (origins, searched))
        slugs = bindparam("slugs", list(creators), type_=ARRAY(Text))
        places = bindparam("origins", list(origins), type_=ARRAY(Text))
        below = [documents.c.origin.startswith(f"{folder}/", autoescape=True) for folder in _around(searched)]
        targets = bindparam("targets", list(searched), type_=ARRAY(Text))
        query = select(documents).where(
            or_(
                documents.c.creator == any_(slugs),
                documents.c.origin == any_(places),
                documents.c.request["target"].astext == any_(targets),
                *below,
            )
        )
        async with transaction(self._engine) as connection:
            rows = {row["id"]: row for row in (await connection.execute(query)).mappings()}
            originals = bindparam("originals", list(rows), type_=ARRAY(SqlUUID))
            repeating = select(documents).where(documents.c.duplicate_of == any_(originals))
            rows |= {row["id"]: row for row in (await connection.execute(repeating)).mappings()}
        return Entries(entry_from(row) for row in rows.values())

    async def announce(self, records: Sequence[Record], model: str) -> None:
        """Says that their passages are about to be published. Documents that answer already are left as they are."""
        rows = [record_row(record, "pending", model) for record in records]
        async with transaction(self._engine) as connection:
            await _add_creators(connection, {record.document.creator: record.creator_name for record in records})
            await _let_go(connection, [_path_of(record) for record in records])
            for part in in_parts(rows):
                statement = insert(documents).values(part)
                await connection.execute(
                    statement.on_conflict_do_update(
                        index_elements=["id"], set_=renewed(statement.excluded), where=documents.c.status != "ready"
                    )
                )

    async def finish(self, records: Sequence[Record], model: str) -> None:
        """Lets the documents answer, all at once. Call it when their passages are published."""
        rows = [record_row(record, "ready", model) for record in records]
        async with transaction(self._engine) as connection:
            await _let_go(connection, [_path_of(record) for record in records])
            for part in in_parts(rows):
                statement = insert(documents).values(part)
                changed = {**renewed(statement.excluded), "ingested_at": func.now()}
                await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed))

    async def relocate(self, found: Sequence[tuple[Source, Entry]]) -> None:
        """Keeps where unchanged documents are found now, and the paths by which they are known."""
        async with transaction(self._engine) as connection:
            await _let_go(connection, [(entry.id, entry.creator, source.uri) for source, entry in found])
            for source, entry in found:
                values = {"source_uri": source.uri, "origin": source.origin, "request": request_row(source.request)}
                await connection.execute(update(documents).where(documents.c.id == entry.id).values(values))

    async def set_aside(self, aside: Aside) -> None:
        """Keeps why a document is not in. One that answers goes on answering from what it was before, and one that was
        deleted stays as it is.

        Of a source that is nobody's nothing can be kept.
        """
        creator, values = aside.source.creator, aside_row(aside)
        is_deleted, is_ready = documents.c.deleted_at.is_not(None), documents.c.status == "ready"
        one = update(documents).where(documents.c.id == aside.identity, ~is_deleted)
        async with transaction(self._engine) as connection:
            if not aside.is_new:
                keeps = aside.status == "failed" and await connection.execute(
                    one.where(is_ready).values(reason=aside.reason)
                )
                if not keeps or not keeps.rowcount:
                    await connection.execute(one.values(values))
            elif creator is not None:
                await _add_creators(connection, {creator: None})
                await _let_go(connection, [(aside.identity, creator, aside.source.uri)])
                statement = insert(documents).values(values | new_row(aside))
                is_it = (documents.c.origin == statement.excluded.origin) & ~is_deleted & ~is_ready
                await connection.execute(
                    statement.on_conflict_do_update(index_elements=["id"], set_=values, where=is_it)
                )

    async def succeed(self, gone: UUID, heir: UUID) -> None:
        """Lets the document `gone` be the one that is found where `heir` is, which says the same and is forgotten. It
        is read anew when that place is ingested next: its title and link may be others there."""
        place = "creator", "source_uri", "origin", "request"
        async with transaction(self._engine) as connection:
            removed = delete(documents).where(documents.c.id == heir).returning(*(documents.c[name] for name in place))
            row = (await connection.execute(removed)).mappings().one()
            values = {**row, "pipeline_version": 0}
            await connection.execute(update(documents).where(documents.c.id == gone).values(values))

    async def withdraw(self, ids: Collection[UUID]) -> None:
        """Says that documents do not answer any more; call it before their passages leave the index."""
        is_one = documents.c.id == any_(bindparam("ids", list(ids), type_=ARRAY(SqlUUID)))
        async with transaction(self._engine) as connection:
            query = update(documents).where(is_one, documents.c.status == "ready")
            await connection.execute(query.values(status="pending"))

    async def restore(self, ids: Collection[UUID]) -> None:
        """Takes deleted documents up again, silent until they are finished."""
        is_one = documents.c.id == any_(bindparam("ids", list(ids), type_=ARRAY(SqlUUID)))
        async with transaction(self._engine) as connection:
            query = update(documents).where(is_one, documents.c.deleted_at.is_not(None))
            await connection.execute(query.values(deleted_at=None, status="pending"))

    async def silence(self, ids: Collection[UUID]) -> None:
        """Stops documents from answering, at once: their tombstones keep them out until they are gone."""
        is_one = documents.c.id == any_(bindparam("ids", list(ids), type_=ARRAY(SqlUUID)))
        async with transaction(self._engine) as connection:
            query = update(documents).where(is_one, documents.c.deleted_at.is_(None))
            await connection.execute(query.values(deleted_at=func.now()))

    async def remove(self, ids: Collection[UUID]) -> None:
        """Forgets documents; call it when the index has none of their passages any more."""
        is_one = documents.c.id == any_(bindparam("ids", list(ids), type_=ARRAY(SqlUUID)))
        async with transaction(self._engine) as connection:
            await connection.execute(delete(documents).where(is_one))


async def _add_creators(connection: AsyncConnection, names: Mapping[str, str | None]) -> None:
    """Adds those creators that are not there, by slug, under their names as far as these are known."""
    if not names:
        return
    rows = [{"slug": slug, "name": name or named_after(slug).name} for slug, name in names.items()]
    await connection.execute(insert(creators).values(rows).on_conflict_do_nothing())


async def _let_go(connection: AsyncConnection, taken: Sequence[tuple[UUID, str, str]]) -> None:
    """Takes paths, given with ids and creators, from whichever other documents have them. These are known by their ids
    alone until they are found again, which they are by their places."""
    if not taken:
        return
    ids, slugs, paths = zip(*taken, strict=True)
    await connection.execute(_LET_GO, {"ids": list(ids), "creators": list(slugs), "paths": list(paths)})


def _path_of(record: Record) -> tuple[UUID, str, str]:
    document = record.document
    return document.id, document.creator, document.source_uri


def _around(targets: Collection[str]) -> Collection[str]:
    """Folders below which everything lies that lies below these targets; the shell may have named every file of one."""
    return targets if len(targets) <= FEW else {target.rpartition("/")[0] for target in targets}
