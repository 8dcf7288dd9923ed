"""A visitor's conversations by last activity, the newest first, a page at a time.

A conversation moves up when it is answered in. So that a reader who pages meanwhile misses none and meets none twice,
all pages have the order of the moment in which the first was read: of a conversation that was answered in since, the
place it had then is known from its runs. Only one whose answer is being committed at that very moment may be missed: it
has a time before that moment, and cannot be seen yet.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Select, Subquery, and_, func, literal, select, tuple_, union_all

from backend.conversations.models import conversations, runs
from backend.errors import InvalidRequest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
CURSOR = re.compile(r"(\d{1,17})-(\d{1,17})-([0-9a-f]{32})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: the last activity of its last conversation as it was at `as_of`, and that conversation."""

    as_of: datetime
    active_at: datetime
    id: UUID

    @property
    def cursor(self) -> str:
        """The place as a client keeps it."""
        return f"{(self.as_of - EPOCH) // MICROSECOND}-{(self.active_at - EPOCH) // MICROSECOND}-{self.id.hex}"

    @classmethod
    def read(cls, cursor: str) -> Self:
        """The place that a cursor of ours stands for. Raises `InvalidRequest` for any other text."""
        found = CURSOR.fullmatch(cursor)
        if found is None:
            raise InvalidRequest("`cursor` is not one that this service gave.")
        as_of, active_at = (EPOCH + int(number) * MICROSECOND for number in found.groups()[:2])
        return cls(as_of, active_at, UUID(found[3]))


def page_behind(owner: str, place: Place | None, limit: int) -> Select[Any]:
    """The statement that reads `limit` conversations of this owner behind a place: their columns, and as `active_at`
    the last activity by which they are ordered."""
    own = and_(conversations.c.owner == owner, conversations.c.deleted_at.is_(None))
    rested = select(conversations, conversations.c.updated_at.label("active_at")).where(own)
    if place is None:
        return in_order(rested.subquery("page"), limit)
    end = tuple_(literal(place.active_at), literal(place.id))
    rested = rested.where(
        conversations.c.updated_at <= place.as_of, tuple_(conversations.c.updated_at, conversations.c.id) < end
    )
    # What an index gives in order is cut before it is put together with the few others.
    rested = rested.order_by(conversations.c.updated_at.desc(), conversations.c.id.desc()).limit(limit)
    answered_before = (
        select(func.max(runs.c.ended_at))
        .where(runs.c.conversation_id == conversations.c.id, runs.c.ended_at <= place.as_of)
        .scalar_subquery()
    )
    moved = (
        select(conversations, func.coalesce(answered_before, conversations.c.created_at).label("active_at"))
        .where(own, conversations.c.updated_at > place.as_of, conversations.c.created_at <= place.as_of)
        .subquery("moved")
    )
    both = union_all(
        select(rested.subquery("rested")), select(moved).where(tuple_(moved.c.active_at, moved.c.id) < end)
    )
    return in_order(both.subquery("page"), limit)


def in_order(page: Subquery, limit: int) -> Select[Any]:
    """The newest of these rows first, with the run that is answering there."""
    active = select(runs.c.id).where(runs.c.conversation_id == page.c.id, runs.c.state == "running").scalar_subquery()
    chosen = select(page, active.label("active_run_id"))
    return chosen.order_by(page.c.active_at.desc(), page.c.id.desc()).limit(limit)
