"""Conversations that were deleted: what is left of them in Postgres, and how that is removed."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, delete, func, literal, select
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.conversations.models import Deleted, conversations, messages, runs
from backend.database import autocommit, transaction
from backend.residue import clear_conversations

CONVERSATIONS_AT_ONCE = 100
MESSAGES_AT_ONCE = 2000  # removed by one transaction, so that each takes a moment however long a conversation is


class DeletedConversations:
    """Rows that nobody can read any more. All methods raise `Unavailable` while the database is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def oldest(self, older_than_s: float) -> Deleted:
        """Some hundred at most that were deleted at least so many seconds ago, and all their runs."""
        age = func.extract("epoch", func.now() - conversations.c.deleted_at)
        due = (
            select(conversations.c.id)
            .where(conversations.c.deleted_at.is_not(None), age >= older_than_s)
            .order_by(conversations.c.deleted_at)
            .limit(CONVERSATIONS_AT_ONCE)
        )
        async with autocommit(self._engine) as connection:
            found = (await connection.execute(due)).scalars().all()
            theirs = select(runs.c.id).where(among(runs.c.conversation_id, found))
            return Deleted(found, (await connection.execute(theirs)).scalars().all(), [])

    async def remove(self, conversation_ids: Sequence[UUID]) -> int:
        """Removes the rows of these, as many as one transaction should; says how many messages and conversations.

        What another worker is removing just now is left to it.
        """
        wanted = among(conversations.c.id, conversation_ids)
        held = select(conversations.c.id).where(wanted, conversations.c.deleted_at.is_not(None))
        async with transaction(self._engine) as connection:
            locked = (await connection.execute(held.with_for_update(skip_locked=True))).scalars().all()
            some = select(messages.c.id).where(among(messages.c.conversation_id, locked)).limit(MESSAGES_AT_ONCE)
            removed = (await connection.execute(delete(messages).where(messages.c.id.in_(some)))).rowcount
            if removed < MESSAGES_AT_ONCE:
                await connection.execute(delete(conversations).where(among(conversations.c.id, locked)))
                removed += len(locked)
        return removed

    async def clear(self) -> None:
        """Has the database let go of what was removed, where that costs visitors next to nothing."""
        await clear_conversations(self._engine)


def among(column: ColumnElement[UUID], ids: Sequence[UUID]) -> ColumnElement[bool]:
    """The condition that a column is one of these, as one parameter however many they are."""
    return column == func.any(literal(ids, ARRAY(column.type)))
