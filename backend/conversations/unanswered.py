"""The questions that nothing answered, for the curators, who can publish what is missing.

They are read from the conversations themselves, so a conversation that is deleted takes its questions along.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.conversations.models import conversations, messages
from backend.database import autocommit


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question, as it was searched, that was asked `times` times of `creator` (None: of everybody).

    `elsewhere` of these times others than the creator answered; the other times nobody did. `asked_at` is the last.
    """

    query: str
    creator: str | None
    times: int
    elsewhere: int
    asked_at: datetime


async def list_unanswered(engine: AsyncEngine, *, creator: str | None, limit: int) -> list[Unanswered]:
    """The unanswered questions, the most asked first and of those the latest; only those asked of `creator` if given.

    A question counts where nothing answered it, and where it was asked of a creator and only others answered it. The
    same words are one question, whatever their case.
    """
    asked_of = messages.c.terminal["creator"].astext
    searched = messages.c.terminal["standalone_query"].astext
    scope = messages.c.terminal["scope"].astext
    abstained = messages.c.finish_reason == "abstained"
    by_others = and_(
        asked_of.is_not(None), scope.in_(("topic", "global")), messages.c.finish_reason.in_(("stop", "length"))
    )
    last = func.max(messages.c.created_at)
    query = (
        select(
            func.max(searched).label("query"),
            asked_of.label("creator"),
            func.count().label("times"),
            func.sum(case((abstained, 0), else_=1)).label("elsewhere"),
            last.label("asked_at"),
        )
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .where(conversations.c.deleted_at.is_(None), messages.c.role == "assistant", abstained | by_others)
        .group_by(func.lower(searched), asked_of)
        .order_by(func.count().desc(), last.desc())
        .limit(limit)
    )
    if creator is not None:
        query = query.where(asked_of == creator)
    async with autocommit(engine) as connection:
        rows = (await connection.execute(query)).all()
    return [Unanswered(row.query, row.creator, row.times, int(row.elsewhere), row.asked_at) for row in rows]
