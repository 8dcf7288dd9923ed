"""What is in the library, from which bytes: the pipeline's side of the tables `creators` and `documents`.

A document's life: `pending` is written before its passages go into the index, `ready` after they are published. So a
process that is killed in between leaves only documents that do not answer, and the next run does them again. A document
that is being replaced stays `ready`, answering from its old passages, until the new ones are published.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import UUID as SqlUUID
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.database import transaction, translated
from backend.errors import Unavailable
from backend.knowledge.catalogue import creators, documents
from backend.knowledge.models import Creator
from pipeline.engines.engine import Record
from pipeline.entries import Aside, Entries, Entry
from pipeline.find import Owner
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


class Ledger:
    """Reads and writes it; every call is a transaction of its own, so none is held while a model runs."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

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
            yield
        finally:
            await connection.invalidate()  # the lock ends with its connection, however this block ended
            await connection.close()

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

    async def entries(self, owners: Iterable[Owner], sources: Iterable[Source], searched: Collection[str]) -> Entries:
        """Everything that is known of these creators' documents, and of what came from the same places."""
        slugs = bindparam("slugs", [owner.creator.slug for owner in owners], type_=ARRAY(Text))
        origins = bindparam("origins", [source.origin for source in sources], type_=ARRAY(Text))
        below = [documents.c.origin.startswith(f"{target}/", autoescape=True) for target in searched]
        targets = bindparam("targets", list(searched), type_=ARRAY(Text))
        query = select(documents).where(
            or_(
                documents.c.creator == any_(slugs),
                documents.c.origin == any_(origins),
                documents.c.request["target"].astext == any_(targets),
                *below,
            )
        )
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(query)).mappings().all()
        return Entries(entry_from(row) for row in rows)

    async def announce(self, records: Iterable[Record], model: str) -> None:
        """Says that their passages are about to be published. Documents that answer already are left as they are."""
        named = {record.document.creator: record.creator_name for record in records if record.creator_name}
        for slug, name in named.items():
            await self.keep_creator(Creator(slug, name or slug), is_described=False)
        rows = [record_row(record, "pending", model) for record in records]
        async with transaction(self._engine) as connection:
            for part in in_parts(rows):
                statement = insert(documents).values(part)
                await connection.execute(
                    statement.on_conflict_do_update(
                        index_elements=["id"], set_=renewed(statement.excluded), where=documents.c.status != "ready"
                    )
                )

    async def finish(self, records: Iterable[Record], model: str) -> None:
        """Lets the documents answer, all at once. Call it when their passages are published."""
        rows = [record_row(record, "ready", model) for record in records]
        async with transaction(self._engine) as connection:
            for part in in_parts(rows):
                statement = insert(documents).values(part)
                changed = {**renewed(statement.excluded), "ingested_at": func.now()}
                await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed))

    async def relocate(self, found: Sequence[tuple[Source, Entry]]) -> None:
        """Keeps where unchanged documents are found now, and the paths by which they are known."""
        async with transaction(self._engine) as connection:
            for _, entry in found:  # paths may go from one document to another: first all are let go
                free = {"source_uri": str(entry.id)}
                await connection.execute(update(documents).where(documents.c.id == entry.id).values(free))
            for source, entry in found:
                values = {"source_uri": source.uri, "origin": source.origin, "request": request_row(source.request)}
                await connection.execute(update(documents).where(documents.c.id == entry.id).values(values))

    async def set_aside(self, aside: Aside) -> None:
        """Keeps why a document is not in. One that answers goes on answering from what it was before.

        Of a source that is nobody's nothing can be kept.
        """
        identity, creator = aside.identity, aside.source.creator
        values = aside_row(aside)
        async with transaction(self._engine) as connection:
            if identity is not None:
                one = update(documents).where(documents.c.id == identity)
                answering = one.where(documents.c.status == "ready", documents.c.deleted_at.is_(None))
                keeps = aside.status == "failed" and await connection.execute(answering.values(reason=aside.reason))
                if not keeps or not keeps.rowcount:
                    await connection.execute(one.values(values))
            elif creator is not None:
                statement = insert(documents).values(values | new_row(aside.source))
                await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))

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
