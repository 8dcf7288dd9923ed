"""A day's budget refuses nobody: it moves answers to cheaper tiers, at last to quotations, and says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any

import pytest

from backend.errors import ConfigurationError
from backend.settings import Settings, load
from backend.settings_access import SiteSettings
from backend.settings_limits import BudgetSettings, BudgetsSettings
from backend.settings_tiers import OpenAITierSettings
from tests.model_server import ModelServer
from tests.service import Visitor, running

NONE = BudgetSettings()
ORDER = ("dear", "cheap", "local", "extractive")


def tier(model: ModelServer, price: float) -> OpenAITierSettings:
    return OpenAITierSettings(
        kind="openai", base_url=model.base_url, model="m", prompt_price=price, completion_price=price
    )


@asynccontextmanager
async def asked_within(
    library: Settings, model: ModelServer, order: tuple[str, ...] = ORDER, **budgets: BudgetSettings
) -> AsyncIterator[Visitor]:
    """A visitor of a service with a dear, a cheap and a free model, and these budgets."""
    tiers: dict[str, Any] = {"dear": tier(model, 1000), "cheap": tier(model, 100), "local": tier(model, 0)}
    changed = {
        "tiers": {**library.tiers, **tiers},
        "cascade": library.cascade.model_copy(update={"order": order}),
        "budgets": BudgetsSettings(site=budgets.get("site", NONE), creator=budgets.get("creator", NONE)),
        "sites": {token_hex(4): SiteSettings(origins=("https://a.example",), budget=budgets.get("own"))},
    }
    async with running(library.model_copy(update=changed)) as address, Visitor(address) as visitor:
        visitor.http.headers["X-Footnote-Site"] = next(iter(changed["sites"]))
        yield visitor


async def answered_by(visitor: Visitor, count: int, **fields: Any) -> list[tuple[str, str]]:
    """The tier of each of so many answers, and what `done` says of the budget."""
    told = []
    for _ in range(count):
        done = (await visitor.ask(**fields)).checked().last.json
        told.append((done["cascade_tier"], done["budget"]))
    return told


async def test_money_that_runs_low_is_stretched_and_then_only_what_is_free_answers(
    library: Settings, model: ModelServer
) -> None:
    model.answer, model.usage = "Turn it down.[1]", {"prompt_tokens": 400, "completion_tokens": 100}
    # An answer of the dear model takes 0.5 of the currency, one of the cheap model 0.05.
    order = ("dear", "cheap", "extractive")
    async with asked_within(library, model, order, site=BudgetSettings(cost=1.1)) as visitor:
        assert await answered_by(visitor, 5) == [
            ("dear", "within"), ("dear", "within"), ("cheap", "near"), ("cheap", "near"), ("extractive", "spent"),
        ]  # fmt: skip
        done = (await visitor.ask()).checked().last.json
        outcomes = [(tried["cascade_tier"], tried["outcome"]) for tried in done["tiers_tried"]]
        assert outcomes == [("dear", "over_budget"), ("cheap", "over_budget"), ("extractive", "answered")]


async def test_a_model_without_a_price_goes_on_when_the_money_is_used_up(library: Settings, model: ModelServer) -> None:
    model.answer, model.usage = "Turn it down.[1]", {"prompt_tokens": 400, "completion_tokens": 100}
    async with asked_within(library, model, site=BudgetSettings(cost=0.4)) as visitor:
        assert await answered_by(visitor, 3) == [("dear", "within"), ("local", "spent"), ("local", "spent")]


async def test_when_the_tokens_are_used_up_the_sources_are_quoted(library: Settings, model: ModelServer) -> None:
    model.answer, model.usage = "Turn it down.[1]", {"prompt_tokens": 400, "completion_tokens": 100}
    async with asked_within(library, model, own=BudgetSettings(tokens=1200)) as visitor:
        assert await answered_by(visitor, 4) == [
            ("dear", "within"), ("dear", "within"), ("local", "near"), ("extractive", "spent"),
        ]  # fmt: skip


async def test_a_creators_budget_holds_for_that_creator_alone(library: Settings, model: ModelServer) -> None:
    model.answer, model.usage = "Turn it down.[1]", {"prompt_tokens": 400, "completion_tokens": 100}
    async with asked_within(library, model, ("local", "extractive"), creator=BudgetSettings(tokens=300)) as visitor:
        assert await answered_by(visitor, 2, creator="dex-morrowby") == [("local", "within"), ("extractive", "spent")]
        assert await answered_by(visitor, 1, creator="ana-velloret") == [("local", "within")]
        assert await answered_by(visitor, 1) == [("local", "within")]


async def test_a_prompt_that_a_model_has_read_is_counted_though_its_answer_was_stopped_unsaid(
    library: Settings, model: ModelServer
) -> None:
    model.first_token_delay_s = 30
    async with asked_within(library, model, ("dear", "extractive"), site=BudgetSettings(tokens=300)) as visitor:
        asked = await visitor.ask(stop_after=1)
        while not model.requests:
            await asyncio.sleep(0.01)
        await visitor.post(f"/api/v1/chat/runs/{asked.run_id}/stop")
        assert (await visitor.follow(asked.run_id)).checked().last.json["finish_reason"] == "stopped"
        model.first_token_delay_s = 0
        assert await answered_by(visitor, 1) == [("extractive", "spent")]


async def test_a_prompt_is_counted_where_its_answer_begins_and_then_breaks_off_with_an_error(
    library: Settings, model: ModelServer
) -> None:
    model.fault, model.fault_after = "error_event", 2
    async with asked_within(library, model, ("dear", "extractive"), site=BudgetSettings(tokens=300)) as visitor:
        assert await answered_by(visitor, 2) == [("extractive", "within"), ("extractive", "spent")]
        assert len(model.requests) == 1


def test_a_budget_of_money_wants_to_know_what_a_model_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_BUDGETS__CREATOR__COST", "5")
    monkeypatch.setenv("FOOTNOTE_TIERS__FAST__BASE_URL", "http://127.0.0.1:1/v1")
    with pytest.raises(ConfigurationError, match="does not say what it costs"):
        load()
    monkeypatch.setenv("FOOTNOTE_TIERS__FAST__PROMPT_PRICE", "0")
    monkeypatch.setenv("FOOTNOTE_TIERS__FAST__COMPLETION_PRICE", "0")
    load()


def test_a_budget_without_a_tier_that_quotes_would_refuse_and_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_BUDGETS__SITE__COST", "5")
    load()
    monkeypatch.setenv("FOOTNOTE_CASCADE__ORDER", '["fast"]')
    with pytest.raises(ConfigurationError, match="extractive"):
        load()
