"""Where documents have left traces in conversations: the answers that were given from them, found and rewritten."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, and_, bindparam, case, delete, func, literal, select, true, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.conversations.models import Message, agent_sessions, messages, runs
from backend.conversations.rows import heartbeat_age, message_columns, message_from
from backend.database import autocommit, transaction

WINDOW = 5000  # messages looked at by one statement, so that each takes a moment however many there are
PAGE = 100  # answers in memory at a time

SOURCE = func.jsonb_array_elements(messages.c.sources, type_=JSONB).column_valued("source")
SHOWN = messages.join(SOURCE.scalar_alias, true())  # one row for each source of each message


@dataclass(frozen=True, slots=True)
class Shown:
    """A passage that a conversation was shown as a source. `snippet` is empty once it has been removed from there."""

    document_id: UUID
    chunk_id: UUID
    snippet: str


class Traces:
    """Reads and rewrites answers; every call is short and holds no lock between pages."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def conversations(self, documents: Collection[UUID]) -> AsyncIterator[UUID]:
        """Every conversation with an answer from these documents, also where that is removed already.

        One of many messages may come several times.
        """
        async for first, last in self._windows():
            query = select(messages.c.conversation_id).select_from(SHOWN).where(within(first, last), is_of(documents))
            async with autocommit(self._engine) as connection:
                found = (await connection.execute(query.distinct())).scalars().all()
            for conversation_id in found:
                yield conversation_id

    async def shown(self, conversation_id: UUID, documents: Collection[UUID]) -> list[Shown]:
        """What a conversation was shown of these documents."""
        fields = (SOURCE[name].astext for name in ("document_id", "chunk_id", "snippet"))
        is_there = messages.c.conversation_id == conversation_id
        query = select(*fields).select_from(SHOWN).where(is_there, is_of(documents))
        async with autocommit(self._engine) as connection:
            rows = await connection.execute(query.distinct())
            return [Shown(UUID(document), UUID(chunk), snippet) for document, chunk, snippet in rows]

    async def answers(self, conversation_id: UUID) -> AsyncIterator[list[Message]]:
        """The answers of a conversation in order, a page at a time."""
        after = 0
        while True:
            query = (
                select(*message_columns)
                .where(
                    messages.c.conversation_id == conversation_id,
                    messages.c.role == "assistant",
                    messages.c.seq > after,
                )
                .order_by(messages.c.seq)
                .limit(PAGE)
            )
            async with autocommit(self._engine) as connection:
                rows = (await connection.execute(query)).all()
            if not rows:
                return
            yield list(map(message_from, rows))
            after = rows[-1].seq

    async def runs(self, conversation_id: UUID) -> list[tuple[UUID, datetime | None]]:
        """The runs of a conversation, also those whose answers were made anew since, and when they ended."""
        query = select(runs.c.id, runs.c.ended_at).where(runs.c.conversation_id == conversation_id)
        async with autocommit(self._engine) as connection:
            return [(run_id, ended_at) for run_id, ended_at in await connection.execute(query)]

    async def rewrite(self, answers: Sequence[Message]) -> None:
        """Replaces what these answers say, show and cite, and what their readers said of them."""
        async with transaction(self._engine) as connection:
            for answer in answers:
                values = {name: getattr(answer, name) for name in ("content", "sources", "citations", "terminal")}
                if answer.feedback is not None:  # unless it was taken back meanwhile
                    values["comment"] = case((messages.c.rating.is_not(None), literal(answer.feedback.comment, Text)))
                await connection.execute(update(messages).where(messages.c.id == answer.id).values(values))

    async def forget_upstream(self, conversation_id: UUID) -> None:
        """Deletes what upstreams sent for the answers of a conversation, and the names of sessions that have read them:
        the next question begins a new one."""
        there = and_(messages.c.conversation_id == conversation_id, messages.c.upstream_events.is_not(None))
        async with transaction(self._engine) as connection:
            await connection.execute(update(messages).where(there).values(upstream_events=None))
            await connection.execute(delete(agent_sessions).where(agent_sessions.c.conversation_id == conversation_id))

    async def count(self, documents: Collection[UUID]) -> int:
        """How many answers still show something of these documents."""
        total = 0
        async for first, last in self._windows():
            query = (
                select(func.count(messages.c.id.distinct()))
                .select_from(SHOWN)
                .where(within(first, last), is_of(documents), ~SOURCE.has_key("removed"))
            )
            async with autocommit(self._engine) as connection:
                total += (await connection.execute(query)).scalar_one()
        return total

    async def now(self) -> datetime:
        """The database's clock, by which messages and runs are dated."""
        async with autocommit(self._engine) as connection:
            return (await connection.execute(select(func.now()))).scalar_one()

    async def running(self, begun_before: datetime, beating_within_s: float) -> int:
        """How many runs that had begun by then are still answering, and are alive."""
        query = select(func.count()).where(
            runs.c.state == "running", runs.c.created_at <= begun_before, heartbeat_age <= beating_within_s
        )
        async with autocommit(self._engine) as connection:
            return (await connection.execute(query)).scalar_one()

    async def _windows(self) -> AsyncIterator[tuple[UUID, UUID]]:
        """The ids of all messages in stretches (after the first, up to the last)."""
        first = UUID(int=0)
        while True:
            ids = select(messages.c.id).where(messages.c.id > first).order_by(messages.c.id).limit(WINDOW).subquery()
            async with autocommit(self._engine) as connection:
                query = select(ids.c.id).order_by(ids.c.id.desc()).limit(1)
                last = (await connection.execute(query)).scalar()
            if last is None:
                return
            yield first, last
            first = last


def within(first: UUID, last: UUID) -> ColumnElement[bool]:
    """The condition that a message is in a stretch."""
    return and_(messages.c.id > first, messages.c.id <= last)


def is_of(documents: Collection[UUID]) -> ColumnElement[bool]:
    """The condition that a source is of one of these documents. They are looked up in a hash table: compared one after
    the other, as `= ANY` does, 5,000 of them take a minute for every 50,000 messages."""
    ids = bindparam("documents", [str(document) for document in documents], type_=ARRAY(Text))
    condition: ColumnElement[bool] = SOURCE["document_id"].astext.in_(select(func.unnest(ids)))
    return condition
