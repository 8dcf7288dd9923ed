"""What readers think of the answers, for the curators.

It is read from the conversations themselves, so a conversation that is deleted takes it along.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, true
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.conversations.models import Rating, conversations, messages, runs
from backend.database import autocommit


@dataclass(frozen=True, slots=True)
class Rated:
    """A rating of an answer, the question that it answers, and the creator who was asked (None: everybody)."""

    question: str
    creator: str | None
    rating: Rating
    comment: str | None
    rated_at: datetime


async def list_feedback(engine: AsyncEngine, *, creator: str | None, limit: int) -> list[Rated]:
    """The ratings of answers, the newest first; only those of answers to what was asked of `creator` if given."""
    async with autocommit(engine) as connection:
        rows = (await connection.execute(feedback(creator, limit))).all()
    return [Rated(row.content, row.creator, row.rating, row.comment, row.rated_at) for row in rows]


def feedback(creator: str | None, limit: int) -> Select[Any]:
    """The statement that lists them, which looks at nothing but answers that were rated."""
    question = messages.alias("question")
    asked = select(question.c.content).where(
        question.c.conversation_id == messages.c.conversation_id, question.c.seq == messages.c.seq - 1
    )
    return (
        select(
            asked.scalar_subquery().label("content"),
            runs.c.creator,
            messages.c.rating,
            messages.c.comment,
            messages.c.rated_at,
        )
        .select_from(messages)
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .join(runs, runs.c.id == messages.c.run_id)
        .where(conversations.c.deleted_at.is_(None), messages.c.rated_at.is_not(None))
        .where(true() if creator is None else runs.c.creator == creator)
        .order_by(messages.c.rated_at.desc())
        .limit(limit)
    )
