"""The questions that nothing answered, for the curators, who can publish what is missing.

They are read from the conversations themselves, so a conversation that is deleted takes its questions along.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, exists, func, select, true
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.conversations.models import UNANSWERED, asked_of, conversations, messages, runs
from backend.database import autocommit


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question that was asked `times` times of `creator` (None: of everybody): as it was searched, or as it was asked
    where others were asked in its conversation before.

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
    async with autocommit(engine) as connection:
        rows = (await connection.execute(unanswered(creator, limit))).all()
    return [Unanswered(row.query, row.creator, row.times, int(row.elsewhere), row.asked_at) for row in rows]


def unanswered(creator: str | None, limit: int) -> Select[Any]:
    """The statement that lists them, which looks at nothing but what it lists."""
    answer = (
        select(
            messages.c.conversation_id,
            messages.c.seq,
            messages.c.created_at,
            messages.c.finish_reason,
            messages.c.terminal["standalone_query"].astext.label("searched"),
            asked_of.label("creator"),
        )
        .where(UNANSWERED)
        .where(true() if creator is None else asked_of == creator)
        .subquery("answer")
    )
    question = messages.alias("question")
    asked = select(question.c.content).where(
        question.c.conversation_id == answer.c.conversation_id, question.c.seq == answer.c.seq - 1
    )
    # What was searched may hold words of earlier questions, which are no business of whoever looks after another
    # creator than these were asked of.
    asked_of_others = exists().where(
        runs.c.conversation_id == answer.c.conversation_id,
        runs.c.seq < answer.c.seq - 1,
        runs.c.creator.is_distinct_from(answer.c.creator),
    )
    found = (
        select(
            # Nothing is known of what was searched where a source of the conversation has been removed since.
            case(
                (asked_of_others | answer.c.searched.is_(None), asked.scalar_subquery()), else_=answer.c.searched
            ).label("query"),
            answer.c.creator,
            answer.c.finish_reason,
            answer.c.created_at,
        )
        .join(conversations, conversations.c.id == answer.c.conversation_id)
        .where(conversations.c.deleted_at.is_(None))
        .subquery("found")
    )
    last = func.max(found.c.created_at)
    return (
        select(
            func.max(found.c.query).label("query"),
            found.c.creator,
            func.count().label("times"),
            func.sum(case((found.c.finish_reason == "abstained", 0), else_=1)).label("elsewhere"),
            last.label("asked_at"),
        )
        .group_by(func.lower(found.c.query), found.c.creator)
        .order_by(func.count().desc(), last.desc())
        .limit(limit)
    )
