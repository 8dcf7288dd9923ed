"""What a day has taken: kept for all workers, for each site and creator, and forgotten at midnight."""

import asyncio
from datetime import date
from secrets import token_hex

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.database import open_database
from backend.limits import spending
from backend.limits.spending import Shares, Spending
from backend.settings import Settings
from backend.settings_limits import BudgetSettings, BudgetsSettings

BUDGETS = BudgetsSettings(site=BudgetSettings(tokens=1000), creator=BudgetSettings(cost=2.0))
OWN = {"own": BudgetSettings(tokens=100, cost=1.0)}


@pytest.fixture
def creator() -> str:
    """One of whom nobody has asked today."""
    return token_hex(4)


async def test_the_fullest_of_a_sites_and_a_creators_budget_counts(engine: AsyncEngine, creator: str) -> None:
    kept, site = Spending(engine, BUDGETS, OWN), token_hex(4)
    assert await kept.shares(site, creator) == Shares(0, 0)
    await kept.add(site, creator, 250, 1.0)
    assert await kept.shares(site, creator) == Shares(0.25, 0.5)
    assert await kept.shares(site, None) == Shares(0.25, 0)
    assert await kept.shares("another", creator) == Shares(0, 0.5)


async def test_a_site_may_have_a_budget_of_its_own(engine: AsyncEngine) -> None:
    kept = Spending(engine, BUDGETS, OWN)
    await kept.add("own", None, 50, 0.9)
    assert await kept.shares("own", None) == Shares(0.5, 0.9)


async def test_without_budgets_nothing_is_kept_or_read(engine: AsyncEngine, creator: str) -> None:
    free = BudgetsSettings(site=BudgetSettings(), creator=BudgetSettings())
    await Spending(engine, free, {}).add("", creator, 50, 1.0)
    assert await Spending(engine, free, {}).shares("", creator) == Shares()
    assert await Spending(engine, BUDGETS, {}).shares("nobody-asked", creator) == Shares(0, 0)


async def test_workers_count_together_and_see_each_others_spending_soon(
    engine: AsyncEngine, creator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = [Spending(engine, BUDGETS, {}) for _ in range(4)]
    for worker in workers:
        await worker.shares("", creator)
    await asyncio.gather(*(worker.add(creator, creator, 1, 0.01) for worker in workers for _ in range(25)))
    monkeypatch.setattr(spending, "FRESH_S", 0)
    for worker in workers:
        assert (await worker.shares(creator, creator)).cost == pytest.approx(0.5)
        assert (await worker.shares(creator, None)).tokens == pytest.approx(0.1)


async def test_a_new_day_has_a_new_budget(engine: AsyncEngine, creator: str) -> None:
    day = date(2026, 11, 21)
    kept = Spending(engine, BUDGETS, {}, lambda: day)
    await kept.add("", creator, 0, 2.0)
    assert (await kept.shares("", creator)).cost == 1
    day = date(2026, 11, 22)
    assert (await kept.shares("", creator)).cost == 0


async def test_while_the_database_is_away_the_last_that_was_known_holds(settings: Settings, creator: str) -> None:
    engine = open_database(settings.database.url, pool_size=1)
    kept = Spending(engine, BUDGETS, {})
    await kept.add("", creator, 0, 2.0)
    away = Spending(open_database("postgresql+asyncpg://nobody@127.0.0.1:1/none", pool_size=1), BUDGETS, {})
    assert await away.shares("", creator) == Shares(0, 0)
    away._sums = {
        subject: spending.Sum(known.day, 0.0, known.tokens, known.cost) for subject, known in kept._sums.items()
    }
    assert (await away.shares("", creator)).cost == 1
    await away.add("", creator, 1, 1.0)
    await engine.dispose()
