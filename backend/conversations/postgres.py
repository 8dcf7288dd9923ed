"""Conversations in Postgres: the truth."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, func, literal, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.conversations.deleted import among
from backend.conversations.listing import Place, page_behind
from backend.conversations.models import (
    Answer,
    Conversation,
    Deleted,
    Message,
    Question,
    RunRecord,
    Turn,
    conversations,
    messages,
    runs,
)
from backend.conversations.rows import (
    active_run,
    conversation_from,
    heartbeat_age,
    message_columns,
    message_from,
    run_columns,
    run_from,
)
from backend.conversations.statements import (
    END_RUN,
    INSERT_CONVERSATION,
    INSERT_RUN_ANEW,
    INSERT_TURN,
    LAST_MESSAGE,
    NAMED_RUN,
    run_values,
    turn_values,
)
from backend.database import autocommit, transaction
from backend.errors import ConversationBusy, InvalidRequest, NotFound

TITLE_LENGTH = 80
CONVERSATIONS_AT_ONCE = 2000  # marked by one transaction, which takes some tenths of a second
NO_CONVERSATION = "There is no such conversation."
NO_RUN = "There is no such run."
BUSY = "The conversation is still answering the last question: wait for it, or stop it."


class PostgresConversations:
    """Implements `ConversationStore`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def begin(self, question: Question) -> tuple[RunRecord, bool]:
        try:
            return await self._begin_new(question), True
        except (IntegrityError, ConversationBusy) as error:
            # Somebody was faster: with the same key, or in the same conversation.
            existing = await self.find_repeated(question.owner, question.idempotency_key, question.body_hash)
            if existing:
                return existing, False
            raise ConversationBusy(BUSY) from error

    async def _begin_new(self, question: Question) -> RunRecord:
        if question.conversation_id:
            conversation_id = question.conversation_id
            async with transaction(self._engine) as connection:
                await self._lock_conversation(connection, conversation_id, question.owner)
                last = (await connection.execute(LAST_MESSAGE, {"there": conversation_id})).one()
                if question.replaces is None:
                    run = new_run(question, conversation_id, last.seq + 1, previous=last.run_id)
                    await connection.execute(INSERT_TURN, turn_values(question, run))
                elif question.replaces == last.id:
                    run = new_run(question, conversation_id, last.seq - 1)
                    await connection.execute(INSERT_RUN_ANEW, run_values(question, run))
                else:  # since it was looked for, somebody has asked on, or has had it made anew
                    raise ConversationBusy(BUSY)
            return run
        run = new_run(question, uuid4(), 1)
        conversation = {"creator": question.creator, "site": question.site, "title": title_of(question.query)}
        # One statement is one transaction, and one round trip before the first source instead of five.
        async with autocommit(self._engine) as connection:
            await connection.execute(INSERT_CONVERSATION, turn_values(question, run) | conversation)
        return run

    async def find_repeated(self, owner: str, idempotency_key: str | None, body_hash: str) -> RunRecord | None:
        if idempotency_key is None:
            return None
        values = {"named_owner": owner, "named_key": idempotency_key}
        async with autocommit(self._engine) as connection:
            row = (await connection.execute(NAMED_RUN, values)).first()
        if row is None:
            return None
        if row.body_hash != body_hash:
            raise InvalidRequest("This Idempotency-Key was used with another request: send a new key.")
        if row.deleted_at is not None:
            raise NotFound(NO_CONVERSATION)
        return run_from(row)

    async def history(self, conversation_id: UUID, before: int, limit: int) -> list[Turn]:
        query = (
            select(messages.c.role, messages.c.content)
            .where(
                messages.c.conversation_id == conversation_id,
                messages.c.seq < before,
                messages.c.status != "failed",
            )
            .order_by(messages.c.seq.desc())
            .limit(limit)
        )
        async with autocommit(self._engine) as connection:
            rows = (await connection.execute(query)).all()
        return [Turn(row.role, row.content) for row in reversed(rows)]

    async def finish(self, run: RunRecord, answer: Answer) -> bool:
        is_left = run.replaces is not None and not answer.may_replace and answer.finish_reason == "stopped"
        values = {
            "ended_id": run.id,
            "ended_state": "stopped" if is_left else "ended",
            "ended_frames": answer.frames,
            "answer_id": run.message_id,
            "answer_conversation_id": run.conversation_id,
            "answer_seq": run.seq + 1,
            "answer_content": answer.content,
            "answer_status": answer.status,
            "answer_sources": answer.sources,
            "answer_citations": answer.citations,
            "answer_cascade_tier": answer.cascade_tier,
            "answer_finish_reason": answer.finish_reason,
            "answer_terminal": answer.terminal,
            "answer_upstream_events": answer.upstream_events,
            "answer_cost": answer.cost,
            "answer_replaces": run.replaces is not None and answer.may_replace,
        }
        async with autocommit(self._engine) as connection:
            return (await connection.execute(END_RUN, values)).first() is not None

    async def find_run(self, run_id: UUID, owner: str) -> RunRecord:
        query = (
            select(*run_columns)
            .join(conversations, conversations.c.id == runs.c.conversation_id)
            .where(
                runs.c.id == run_id,
                runs.c.owner == owner,
                runs.c.state != "replaced",
                conversations.c.deleted_at.is_(None),
            )
        )
        async with autocommit(self._engine) as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            raise NotFound(NO_RUN)
        return run_from(row)

    async def find_answer(self, run_id: UUID, owner: str) -> Message | None:
        query = (
            select(*message_columns)
            .join(conversations, conversations.c.id == messages.c.conversation_id)
            .where(
                messages.c.run_id == run_id,
                messages.c.role == "assistant",
                conversations.c.owner == owner,
                conversations.c.deleted_at.is_(None),
            )
        )
        async with autocommit(self._engine) as connection:
            row = (await connection.execute(query)).first()
        return message_from(row) if row else None

    async def find_conversation(self, conversation_id: UUID, owner: str) -> Conversation:
        query = select(conversations, active_run).where(owned(conversation_id, owner))
        async with autocommit(self._engine) as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            raise NotFound(NO_CONVERSATION)
        return conversation_from(row)

    async def list_conversations(
        self, owner: str, behind: Place | None, limit: int
    ) -> tuple[list[Conversation], Place | None]:
        async with autocommit(self._engine) as connection:
            rows = (await connection.execute(page_behind(owner, behind, limit + 1))).all()
        if len(rows) <= limit:
            return list(map(conversation_from, rows)), None
        as_of = behind.as_of if behind else rows[0].active_at
        last = rows[limit - 1]
        return list(map(conversation_from, rows[:limit])), Place(as_of, last.active_at, last.id)

    async def rename(self, conversation_id: UUID, owner: str, title: str) -> Conversation:
        renamed = update(conversations).where(owned(conversation_id, owner)).values(title=title)
        async with autocommit(self._engine) as connection:
            row = (await connection.execute(renamed.returning(*conversations.c, active_run))).first()
        if row is None:
            raise NotFound(NO_CONVERSATION)
        return conversation_from(row)

    async def delete(self, owner: str, conversation_id: UUID) -> Deleted:
        gone = await self._delete(owned(conversation_id, owner))
        if not gone.conversations:
            raise NotFound(NO_CONVERSATION)
        return gone

    async def delete_all(self, owner: str) -> AsyncGenerator[Deleted, None]:
        async with autocommit(self._engine) as connection:
            begun = (await connection.execute(select(func.now()))).scalar_one()
        own = and_(conversations.c.owner == owner, conversations.c.deleted_at.is_(None))
        # One that is answered in meanwhile moves on in this order, and nobody's place goes back.
        place = conversations.c.updated_at, conversations.c.id
        following = select(*place).where(own, conversations.c.created_at <= begun).order_by(*place)
        some = following
        while True:
            async with autocommit(self._engine) as connection:
                found = (await connection.execute(some.limit(CONVERSATIONS_AT_ONCE))).all()
            if not found:
                return
            yield await self._delete(and_(among(conversations.c.id, [row.id for row in found]), own))
            last = found[-1]
            some = following.where(tuple_(*place) > tuple_(literal(last.updated_at, place[0].type), literal(last.id)))

    async def _delete(self, which: ColumnElement[bool]) -> Deleted:
        async with transaction(self._engine) as connection:
            marked = update(conversations).where(which).values(deleted_at=func.now()).returning(conversations.c.id)
            gone = (await connection.execute(marked)).scalars().all()
            there = among(runs.c.conversation_id, gone)
            # A statement of its own sees the run of a question that the lock has waited for.
            ended = update(runs).where(there, runs.c.state == "running").values(state="ended").returning(runs.c.id)
            running = (await connection.execute(ended)).scalars().all()
            every = (await connection.execute(select(runs.c.id).where(there))).scalars().all()
        return Deleted(gone, every, running)

    async def list_messages(self, conversation_id: UUID, owner: str, after: int, limit: int) -> list[Message]:
        query = (
            select(*message_columns)
            .where(messages.c.conversation_id == conversation_id, messages.c.seq > after)
            .order_by(messages.c.seq)
            .limit(limit)
        )
        async with autocommit(self._engine) as connection:
            found = await connection.execute(select(conversations.c.id).where(owned(conversation_id, owner)))
            if found.first() is None:
                raise NotFound(NO_CONVERSATION)
            rows = (await connection.execute(query)).all()
        return [message_from(row) for row in rows]

    async def beat(self, run_ids: list[UUID]) -> set[UUID]:
        running = update(runs).where(runs.c.id.in_(run_ids), runs.c.state == "running")
        async with transaction(self._engine) as connection:
            beaten = await connection.execute(running.values(heartbeat_at=func.now()).returning(runs.c.id))
            return set(beaten.scalars())

    async def stale_runs(self, older_than_s: float) -> list[RunRecord]:
        query = select(*run_columns).where(runs.c.state == "running", heartbeat_age > older_than_s)
        async with autocommit(self._engine) as connection:
            return [run_from(row) for row in await connection.execute(query)]

    async def _lock_conversation(self, connection: AsyncConnection, conversation_id: UUID, owner: str) -> None:
        query = select(conversations.c.id).where(owned(conversation_id, owner)).with_for_update()
        if (await connection.execute(query)).first() is None:
            raise NotFound(NO_CONVERSATION)


def new_run(question: Question, conversation_id: UUID, seq: int, *, previous: UUID | None = None) -> RunRecord:
    """A run that is about to begin; `seq` is the number of its question, `previous` the run of the answer before."""
    return RunRecord(
        question.run_id,
        conversation_id,
        uuid4(),
        seq,
        question.owner,
        running=True,
        heartbeat_at=datetime.now(UTC),
        replaces=question.replaces,
        creator=question.creator,
        previous=previous,
    )


def owned(conversation_id: UUID, owner: str) -> ColumnElement[bool]:
    """The condition under which a conversation is this owner's to see."""
    return and_(
        conversations.c.id == conversation_id, conversations.c.owner == owner, conversations.c.deleted_at.is_(None)
    )


def title_of(query: str) -> str:
    """The first question, on one line, cut at a word."""
    line = " ".join(query.split())
    if len(line) <= TITLE_LENGTH:
        return line
    return line[: TITLE_LENGTH - 1].rsplit(" ", 1)[0] + "…"
