"""The cascade with tiers that do as they are told: falling over, voiding what was said, giving up, and racing."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from backend.llm.breaker import Admission
from backend.llm.budget import Budget, Prices
from backend.llm.cascade import Cascade, CascadeEvent, Finished, NoTierAnswered, Reset, Started, Usage
from backend.llm.openai_tier import OpenAITier
from backend.llm.opening import open_cascade
from backend.llm.race import TierTried
from backend.llm.tier import Finish, Prompt, TierFailure, Token
from backend.llm.tokens import TokenCounter, exact_counter
from backend.settings import load
from tests.backend.llm.scripted_tier import (
    LETTERS,
    PROMPT,
    ScriptedTier,
    cascade_of,
    collect,
    events_of,
    member,
    outcomes,
    prompt_for,
)
from tests.model_server import ModelServer


async def test_the_first_tier_that_answers_is_told_with_its_usage() -> None:
    unused = ScriptedTier("b", Token("no"), Finish("stop"))
    started, token, finished = await events_of(ScriptedTier("a", Token("yes"), Finish("length", 3, 4)), unused)
    assert (started, token) == ("a", Token("yes"))
    assert isinstance(finished, Finished)
    assert (finished.tier, finished.finish_reason, finished.usage) == ("a", "length", Usage(3, 4))
    assert outcomes(finished.tiers_tried) == [("a", "answered")]
    assert unused.closed == 0


async def test_falling_over_before_the_first_token_is_silent() -> None:
    *events, finished = await events_of(
        ScriptedTier("a", TierFailure("timeout")), ScriptedTier("b", Token("yes"), Finish("stop"))
    )
    assert events == ["b", Token("yes")]
    assert isinstance(finished, Finished)
    assert outcomes(finished.tiers_tried) == [("a", "timeout"), ("b", "answered")]


async def test_falling_over_within_an_answer_voids_it_once_another_has_begun() -> None:
    *events, finished = await events_of(
        ScriptedTier("a", Token("half"), TierFailure("broken_stream")),
        ScriptedTier("b", TierFailure("refused")),
        ScriptedTier("c", Token("whole"), Finish("stop")),
    )
    assert events == ["a", Token("half"), Reset("a", "broken_stream"), "c", Token("whole")]
    assert isinstance(finished, Finished)
    assert outcomes(finished.tiers_tried) == [("a", "broken_stream"), ("b", "refused"), ("c", "answered")]


async def test_no_tier_left_is_one_error_that_says_what_was_tried() -> None:
    events: list[CascadeEvent | str] = []
    tiers = [ScriptedTier("a", Token("half"), TierFailure("timeout")), ScriptedTier("b", TierFailure("unreachable"))]
    with pytest.raises(NoTierAnswered) as error:
        await collect(cascade_of(*tiers), events)
    assert events == ["a", Token("half")]
    assert (error.value.code, error.value.status, error.value.retryable) == ("unavailable", 503, True)
    assert outcomes(error.value.tiers_tried) == [("a", "timeout"), ("b", "unreachable")]


async def test_a_reader_who_stops_closes_the_tier_at_once() -> None:
    tier = ScriptedTier("a", Token("one"), Token("two"), Finish("stop"))
    async with aclosing(cascade_of(tier).answer(prompt_for)) as answer:
        started, token = await anext(answer), await anext(answer)
        assert isinstance(started, Started)
        assert token == Token("one")
    assert tier.closed == 1


async def test_a_stream_that_ends_without_a_finish_is_broken() -> None:
    *events, finished = await events_of(ScriptedTier("a", Token("half")), ScriptedTier("b", Token("w"), Finish("stop")))
    assert events == ["a", Token("half"), Reset("a", "broken_stream"), "b", Token("w")]
    *events, finished = await events_of(
        ScriptedTier("a", Finish("stop")), ScriptedTier("b", Token("w"), Finish("stop"))
    )
    assert outcomes(finished.tiers_tried) == [("a", "empty"), ("b", "answered")]


async def test_an_answer_ends_at_its_cap_with_length_and_closes_the_upstream(counter: TokenCounter) -> None:
    endless = ScriptedTier("a", *[Token(" and")] * 1000)
    cascade = Cascade([member(endless, budget=Budget(counter.for_model("unknown"), 1000, 50))])
    events: list[Any] = []
    await collect(cascade, events)
    text = "".join(event.text for event in events if isinstance(event, Token))
    assert exact_counter().count(text) == 50
    assert (events[-1].finish_reason, endless.closed) == ("length", 1)
    assert outcomes(events[-1].tiers_tried) == [("a", "answered")]


async def test_an_answer_in_one_piece_is_cut_at_its_cap(counter: TokenCounter) -> None:
    events: list[Any] = []
    giant = ScriptedTier("a", Token("word " * 5000), Finish("stop"))
    await collect(Cascade([member(giant, budget=Budget(counter, 1000, 20))]), events)
    assert exact_counter().count(events[1].text) == 20
    assert events[-1].finish_reason == "length"


async def test_an_answer_within_its_cap_is_left_whole(counter: TokenCounter) -> None:
    words = [Token(f"word{number} ") for number in range(100)]
    events: list[Any] = []
    budget = Budget(counter, 1000, exact_counter().count("".join(token.text for token in words)) + 10)
    await collect(Cascade([member(ScriptedTier("a", *words, Finish("stop")), budget=budget)]), events)
    assert events[1:-1] == words
    assert events[-1].finish_reason == "stop"


async def test_each_tier_gets_the_prompt_that_fits_it_when_its_turn_has_come() -> None:
    asked: list[int] = []

    def made(budget: Budget) -> Prompt:
        asked.append(budget.prompt_tokens)
        return PROMPT

    small = member(ScriptedTier("a", TierFailure("timeout")), budget=Budget(LETTERS, 1, 1000))
    large = member(ScriptedTier("b", Token("yes"), Finish("stop")), budget=Budget(LETTERS, 2, 1000))
    unused = member(ScriptedTier("c"), budget=Budget(LETTERS, 3, 1000))
    async with aclosing(Cascade([small, large, unused]).answer(made)) as answer:
        started = await anext(answer)
    assert isinstance(started, Started)
    assert (started.tier, asked) == ("b", [1, 2])


async def test_hard_questions_start_at_the_strong_tier_and_go_on_in_the_order() -> None:
    def tiers() -> tuple[ScriptedTier, ...]:
        return tuple(ScriptedTier(name, TierFailure("timeout")) for name in ("quick", "strong", "last"))

    for hard, order in ((False, ["quick", "strong", "last"]), (True, ["strong", "quick", "last"])):
        members = [member(tier) for tier in tiers()]
        with pytest.raises(NoTierAnswered) as error:
            await collect(Cascade(members, strong=members[1]), [], hard=hard)
        assert [tried.cascade_tier for tried in error.value.tiers_tried] == order


async def test_a_strong_tier_beside_the_order_is_for_hard_questions_alone() -> None:
    strong = member(ScriptedTier("strong", TierFailure("timeout")))
    cascade = Cascade([member(ScriptedTier("quick", TierFailure("timeout")))], strong=strong)
    for hard, order in ((False, ["quick"]), (True, ["strong", "quick"])):
        with pytest.raises(NoTierAnswered) as error:
            await collect(cascade, [], hard=hard)
        assert [tried.cascade_tier for tried in error.value.tiers_tried] == order


class OpenBreaker:
    """Keeps a tier out for so many seconds; None: for ever."""

    def __init__(self, wait: float | None) -> None:
        self.wait = wait

    async def wait_s(self) -> float | None:
        return self.wait

    async def admit(self) -> Admission | None:
        return None


async def test_a_tier_whose_breaker_is_open_is_skipped_and_said() -> None:
    resting = member(ScriptedTier("a", Token("no")), breaker=OpenBreaker(9.0))
    events: list[Any] = []
    await collect(Cascade([resting, member(ScriptedTier("b", Token("yes"), Finish("stop")))]), events)
    assert events[-1].tiers_tried[0] == TierTried("a", "skipped", 0)
    assert outcomes(events[-1].tiers_tried) == [("a", "skipped"), ("b", "answered")]


@pytest.mark.parametrize(
    ("waits", "retry_after"),
    [((40.2, 9.4), 10), ((None, 0.2), 1), ((None,), None), ((9.0, 0.0), None)],
    ids=["the shortest wait", "a key that is refused", "nothing but refused keys", "one that may be asked at once"],
)
async def test_when_all_tiers_are_left_out_it_is_said_when_the_first_may_be_tried_again(
    waits: tuple[float | None, ...], retry_after: int | None
) -> None:
    members = [member(ScriptedTier(f"tier {wait}"), breaker=OpenBreaker(wait)) for wait in waits]
    with pytest.raises(NoTierAnswered) as error:
        await collect(Cascade(members), [])
    assert error.value.retry_after == retry_after


@asynccontextmanager
async def opened_with(servers: dict[str, ModelServer], counter: TokenCounter, **cascade: Any) -> AsyncIterator[Cascade]:
    """A cascade of model servers as it is opened from settings; Redis is away."""
    section = {"kind": "openai", "model": "test", "api_key": "secret"}
    tiers = {name: section | {"base_url": server.base_url} for name, server in servers.items()}
    defaults = load().cascade.model_dump()
    settings = load(tiers=tiers, cascade=defaults | {"order": list(servers)} | cascade)
    away = Redis.from_url("redis://127.0.0.1:1")
    opened = open_cascade(settings, None, None, counter, away)  # type: ignore[arg-type]
    try:
        yield opened
    finally:
        await opened.close()


async def test_a_tier_without_address_or_model_is_left_out(counter: TokenCounter) -> None:
    cascade = open_cascade(load(), None, None, counter, Redis())  # type: ignore[arg-type]
    assert [member.tier.name for member in cascade.members] == ["extractive"]


async def test_a_configured_tier_comes_in_its_order_and_answers(
    monkeypatch: pytest.MonkeyPatch, counter: TokenCounter
) -> None:
    async with ModelServer("Hello") as server:
        monkeypatch.setenv("FOOTNOTE_TIERS__FAST__BASE_URL", server.base_url)
        monkeypatch.setenv("FOOTNOTE_TIERS__FAST__MODEL", "test")
        monkeypatch.setenv("FOOTNOTE_TIERS__FAST__API_KEY", "secret")
        monkeypatch.setenv("FOOTNOTE_TIERS__FAST__CONTEXT_TOKENS", "3000")
        monkeypatch.setenv("FOOTNOTE_TIERS__FAST__MAX_ANSWER_TOKENS", "200")
        monkeypatch.setenv("FOOTNOTE_TIERS__FAST__COMPLETION_PRICE", "2.5")
        redis = Redis.from_url("redis://127.0.0.1:1")
        cascade = open_cascade(load(), None, None, counter, redis)  # type: ignore[arg-type]
        fast, extractive = cascade.members
        assert isinstance(fast.tier, OpenAITier)
        assert (fast.budget.prompt_tokens, fast.budget.answer_tokens, fast.prices) == (2800, 200, Prices(0, 2.5))
        assert (extractive.budget.prompt_tokens, extractive.budget.answer_tokens) == (6000, 800)
        events: list[Any] = []
        await collect(cascade, events)
        assert events[:2] == ["fast", Token("Hello")]
        assert server.requests[0].headers["authorization"] == "Bearer secret"
        await cascade.close()
