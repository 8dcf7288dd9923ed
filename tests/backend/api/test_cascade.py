"""The cascade through the whole service: who is asked first, side by side or not at all, and what it costs."""

import logging
from typing import Any

import pytest
from sqlalchemy import select

from backend.conversations.models import messages
from backend.database import open_database
from backend.settings import Settings
from backend.settings_tiers import BreakerSettings, OpenAITierSettings
from tests.model_server import SOURCE, ModelServer, cite_sources
from tests.service import QUESTION, Answer, Visitor, running

COMPARISON = "What is the difference between a dynamic and a condenser microphone?"


def settings_with(library: Settings, tiers: dict[str, dict[str, Any]], **cascade: Any) -> Settings:
    """The library's settings with these tiers in this order, before the extractive one."""
    sections = {name: OpenAITierSettings(kind="openai", model=name, **fields) for name, fields in tiers.items()}
    changed = library.cascade.model_copy(update={"order": (*tiers, "extractive"), **cascade})
    return library.model_copy(update={"tiers": {**library.tiers, **sections}, "cascade": changed})


async def ask(settings: Settings, query: str = QUESTION) -> Answer:
    async with running(settings) as address, Visitor(address) as visitor:
        return (await visitor.ask(query)).checked()


def tried(answer: Answer) -> list[tuple[str, str]]:
    return [(entry["cascade_tier"], entry["outcome"]) for entry in answer.last.json["tiers_tried"]]


async def test_a_comparison_starts_at_the_strong_tier_and_other_questions_at_the_first(library: Settings) -> None:
    async with ModelServer() as quick, ModelServer() as strong:
        tiers = {"quick": {"base_url": quick.base_url}, "strong": {"base_url": strong.base_url}}
        settings = settings_with(library, tiers, strong="strong")
        assert tried(await ask(settings, COMPARISON)) == [("strong", "answered")]
        assert tried(await ask(settings)) == [("quick", "answered")]
        strong.fault = "refuse_500"
        assert tried(await ask(settings, COMPARISON)) == [("strong", "refused"), ("quick", "answered")]


async def test_the_next_tier_answers_where_the_first_is_silent_and_the_first_is_let_go_of(library: Settings) -> None:
    async with ModelServer(fault="silent") as silent, ModelServer(tokens_per_s=100) as quick:
        tiers = {"silent": {"base_url": silent.base_url}, "quick": {"base_url": quick.base_url}}
        settings = settings_with(library, tiers, hedge_after_s=0.1)
        async with running(settings) as address, Visitor(address) as visitor:
            begun = await visitor.ask(stop_after=3)
            assert begun.events[1].event == "token"
            assert await silent.no_stream_open(within_s=1)
            answer = (await visitor.follow(begun.run_id)).checked()
        assert tried(answer) == [("silent", "stopped"), ("quick", "answered")]
        assert "reset" not in [event.event for event in answer.events]


async def test_a_question_that_no_tier_may_be_asked_is_told_when_to_come_back(library: Settings) -> None:
    async with ModelServer(fault="refuse_500") as down:
        settings = settings_with(
            library,
            {"down": {"base_url": down.base_url}},
            breaker=BreakerSettings(threshold=2, window_s=30, cooldown_s=30),
        )
        settings = settings.model_copy(update={"cascade": settings.cascade.model_copy(update={"order": ("down",)})})
        async with running(settings) as address, Visitor(address) as visitor:
            told = [(await visitor.ask()).checked().last.json.get("retry_after") for _ in range(3)]
            visitor.http.headers["Accept"] = "application/json"
            collected = await visitor.post("/api/v1/chat", {"query": QUESTION})
    assert told[0] is None  # it may be asked again at once
    assert all(25 < seconds <= 30 for seconds in told[1:])
    assert len(down.requests) == 2
    assert (collected.status_code, collected.headers["retry-after"]) == (503, str(collected.json()["retry_after"]))


async def test_each_tier_gets_a_prompt_of_its_size_and_its_markers_point_to_the_sources_in_it(
    library: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """The small tier speaks and breaks off; the large one has more sources, and cites one that the small had not."""

    def last_source(prompt: str) -> str:
        index, text = SOURCE.findall(prompt)[-1]
        return f"{text.split('. ')[0]} [{index}]. Nothing is said in [9]."

    async with ModelServer(fault="close_unfinished") as small, ModelServer(last_source) as large:
        tiers = {
            "small": {"base_url": small.base_url, "context_tokens": 1300, "max_answer_tokens": 300},
            "large": {"base_url": large.base_url},
        }
        answer = await ask(settings_with(library, tiers))
        few = [index for index, _ in SOURCE.findall(small.requests[0].prompt)]
        many = [index for index, _ in SOURCE.findall(large.requests[0].prompt)]
        assert (small.requests[0].body["max_tokens"], large.requests[0].body["max_tokens"]) == (300, 800)
    assert 0 < len(few) < len(many) == len(answer.sources)
    assert f"[{many[-1]}]" in answer.text
    assert "[9]" not in answer.text
    assert [citation["index"] for citation in answer.last.json["citations"]] == [int(many[-1])]
    assert tried(answer) == [("small", "broken_stream"), ("large", "answered")]


@pytest.mark.parametrize("usage", [True, False])
async def test_what_an_answer_costs_is_logged_and_kept_and_not_told(
    library: Settings, caplog: pytest.LogCaptureFixture, usage: bool
) -> None:
    caplog.set_level(logging.INFO, "backend")
    async with ModelServer(cite_sources, usage=usage) as server:
        fields = {"base_url": server.base_url, "prompt_price": 2_000_000.0, "completion_price": 3_000_000.0}
        answer = await ask(settings_with(library, {"dear": fields}))
    kept = await cost_of(library, answer.last.json["message_id"])
    counts = answer.last.json["usage"]
    if usage:
        assert kept == 2 * counts["prompt_tokens"] + 3 * counts["completion_tokens"]
    else:
        assert counts == {"prompt_tokens": None, "completion_tokens": None}
        assert kept is not None
        assert kept > 2 * 100
    assert f"tier dear takes {kept:.6f} for the answer" in caplog.text
    assert b"cost" not in answer.raw


async def test_an_answer_without_a_price_has_no_cost(library: Settings) -> None:
    async with ModelServer() as server:
        answer = await ask(settings_with(library, {"free": {"base_url": server.base_url}}))
    assert await cost_of(library, answer.last.json["message_id"]) is None


async def test_an_endless_answer_ends_at_the_cap_of_its_tier(library: Settings) -> None:
    async with ModelServer(fault="endless_answer") as server:
        answer = await ask(
            settings_with(library, {"talkative": {"base_url": server.base_url, "max_answer_tokens": 40}})
        )
        assert await server.no_stream_open()
    assert answer.last.json["finish_reason"] == "length"
    assert 20 < len(answer.text.split()) <= 40


async def cost_of(settings: Settings, message_id: str) -> float | None:
    engine = open_database(settings.database.url, pool_size=1)
    try:
        async with engine.connect() as connection:
            query = select(messages.c.cost).where(messages.c.id == message_id)
            return (await connection.execute(query)).scalar_one()
    finally:
        await engine.dispose()
