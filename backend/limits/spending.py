"""What models have taken today, in tokens and in money, for each site and creator; and what is left of their budgets.

A day is one of UTC. The sums are kept in the database, as money is not to be forgotten when a cache is; a worker reads
them anew every few seconds and adds what it has spent itself, so that several workers together may go over a budget
by what they have running, and by what was spent in these seconds.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import BigInteger, Column, Date, Float, Table, Text, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.database import autocommit, metadata
from backend.errors import Unavailable
from backend.settings_limits import BudgetSettings, BudgetsSettings

spending = Table(
    "spending",
    metadata,
    Column("day", Date, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("tokens", BigInteger, nullable=False),
    Column("cost", Float, nullable=False),
)

FRESH_S = 2.0


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of a day's budgets is used, from 0 on; 1 and more is all of it. The fullest counts, 0 without any."""

    tokens: float = 0.0
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Sum:
    """What was spent of one budget on a day, as it was known at a moment of the monotonic clock."""

    day: date
    known_at: float
    tokens: int = 0
    cost: float = 0.0


class Spending:
    """Keeps the sums. While the database is away the last that was known holds, and what is spent is not counted."""

    def __init__(
        self,
        engine: AsyncEngine,
        budgets: BudgetsSettings,
        sites: Mapping[str, BudgetSettings],
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        """`sites` are those with a budget of their own."""
        self._engine = engine
        self._budgets = budgets
        self._sites = sites
        self._today = today
        self._sums: dict[str, Sum] = {}

    async def shares(self, site: str, creator: str | None) -> Shares:
        """How much of the budgets of this site and this creator is used."""
        budgets = self._limited(site, creator)
        if not budgets:
            return Shares()
        await self._read([subject for subject in budgets if not self._is_known(subject)])
        tokens, cost = 0.0, 0.0
        for subject, budget in budgets.items():
            used = self._sums[subject]
            tokens = max(tokens, used.tokens / budget.tokens if budget.tokens else 0.0)
            cost = max(cost, used.cost / budget.cost if budget.cost else 0.0)
        return Shares(tokens, cost)

    async def add(self, site: str, creator: str | None, tokens: int, cost: float) -> None:
        """Counts what an answer has taken. Nothing is kept of who has no budget."""
        subjects = sorted(self._limited(site, creator))  # all in one order, so that no two wait for each other
        if not subjects or not (tokens or cost):
            return
        day = self._today()
        rows = [{"day": day, "subject": subject, "tokens": tokens, "cost": cost} for subject in subjects]
        added = insert(spending).values(rows)
        statement = added.on_conflict_do_update(
            index_elements=["day", "subject"],
            set_={
                "tokens": spending.c.tokens + added.excluded.tokens,
                "cost": spending.c.cost + added.excluded.cost,
            },
        ).returning(spending.c.subject, spending.c.tokens, spending.c.cost)
        with suppress(Unavailable):
            async with autocommit(self._engine) as connection:
                for row in await connection.execute(statement):
                    self._sums[row.subject] = Sum(day, time.monotonic(), row.tokens, row.cost)

    def is_limited(self, site: str, creator: str | None) -> bool:
        """Whether there is a budget for what is asked here."""
        return bool(self._limited(site, creator))

    def _limited(self, site: str, creator: str | None) -> dict[str, BudgetSettings]:
        """The budgets that hold for a question, by what they are kept under."""
        found = {f"site:{site}": self._sites.get(site, self._budgets.site)}
        if creator is not None:
            found[f"creator:{creator}"] = self._budgets.creator
        return {subject: budget for subject, budget in found.items() if budget.is_set}

    def _is_known(self, subject: str) -> bool:
        known = self._sums.get(subject)
        return known is not None and known.day == self._today() and time.monotonic() - known.known_at < FRESH_S

    async def _read(self, subjects: Sequence[str]) -> None:
        if not subjects:
            return
        day = self._today()
        query = select(spending).where(spending.c.day == day, spending.c.subject.in_(subjects))
        rows = {}
        with suppress(Unavailable):
            async with autocommit(self._engine) as connection:
                rows = {row.subject: row for row in await connection.execute(query)}
        for subject in subjects:
            row, known = rows.get(subject), self._sums.get(subject)
            if row is not None:
                self._sums[subject] = Sum(day, time.monotonic(), row.tokens, row.cost)
            elif known is None or known.day != day:
                self._sums[subject] = Sum(day, time.monotonic())
