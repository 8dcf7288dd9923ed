"""Conversations that nobody has gone on with for so long that they are forgotten."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.conversations.deleted import among
from backend.conversations.models import conversations, runs
from backend.database import autocommit, transaction

CONVERSATIONS_AT_ONCE = 100

IS_THERE = conversations.c.deleted_at.is_(None)
IS_ANSWERING = exists().where(runs.c.conversation_id == conversations.c.id, runs.c.state == "running")

# The sites of all conversations. Each is found in the index behind the one before, however many conversations it has.
FIRST = select(func.min(conversations.c.site).label("site")).where(IS_THERE).cte("sites", recursive=True)
NEXT = select(func.min(conversations.c.site)).where(IS_THERE, conversations.c.site > FIRST.c.site).scalar_subquery()
SITES = FIRST.union_all(select(NEXT).where(FIRST.c.site.is_not(None)))
SITES_THERE = select(SITES.c.site).where(SITES.c.site.is_not(None))


class ExpiredConversations:
    """Knows how many days after its last answer a conversation is kept: `days`, unless its site has a number of its own
    in `own_days`. A site that is not configured any more has none."""

    def __init__(self, engine: AsyncEngine, days: int, own_days: Mapping[str, int]) -> None:
        self._engine = engine
        self._days = days
        self._own_days = own_days

    async def delete(self) -> None:
        """Marks all that have expired as deleted, which is the end of them for every reader.

        Several workers may do it at once: what one is at the others leave alone. A conversation that is answering just
        now has not expired. Raises `Unavailable` while the database is away.
        """
        async with autocommit(self._engine) as connection:
            sites = (await connection.execute(SITES_THERE)).scalars().all()
        for site in sites:
            while await self._delete_some(site, timedelta(days=self._own_days.get(site, self._days))):
                pass

    async def _delete_some(self, site: str, age: timedelta) -> int:
        """The oldest of a site, as many as one transaction should; how many it has looked at."""
        expired = (
            select(conversations.c.id)
            .where(conversations.c.site == site, conversations.c.updated_at < func.now() - age, IS_THERE, ~IS_ANSWERING)
            .order_by(conversations.c.updated_at)
            .limit(CONVERSATIONS_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        async with transaction(self._engine) as connection:
            locked = (await connection.execute(expired)).scalars().all()
            # A statement of its own sees the run of a question that was asked between our look and our lock.
            marked = update(conversations).where(among(conversations.c.id, locked), ~IS_ANSWERING)
            await connection.execute(marked.values(deleted_at=func.now()))
        return len(locked)
