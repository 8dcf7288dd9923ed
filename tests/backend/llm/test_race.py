"""Tiers side by side: the first token wins, the others are let go of, and the breaker hears of who is always silent."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from redis.asyncio import Redis

from backend.llm.breaker import Admission, Breaker
from backend.llm.cascade import Cascade, Reset, Started
from backend.llm.circuit import Rules
from backend.llm.race import Member
from backend.llm.tier import Finish, TierFailure, Token
from backend.llm.tokens import TokenCounter
from tests.backend.llm.scripted_tier import (
    ScriptedTier,
    collect,
    events_of,
    member,
    outcomes,
    prompt_for,
)
from tests.backend.llm.test_cascade import opened_with
from tests.model_server import ModelServer


async def test_a_silent_tier_is_raced_by_the_next_and_let_go_of_when_that_speaks_first() -> None:
    silent = ScriptedTier("a", 30.0, Token("late"), Finish("stop"))
    *events, finished = await events_of(
        silent, ScriptedTier("b", Token("first"), Finish("stop")), ScriptedTier("c"), hedge_after_s=0.02
    )
    assert events == ["b", Token("first")]
    assert outcomes(finished.tiers_tried) == [("a", "stopped"), ("b", "answered")]
    assert silent.closed == 1


async def test_the_first_tier_wins_a_race_when_it_speaks_first_after_all() -> None:
    slow, slower = ScriptedTier("a", 0.1, Token("mine"), Finish("stop")), ScriptedTier("b", 30.0, Token("no"))
    *events, finished = await events_of(slow, slower, hedge_after_s=0.02)
    assert events == ["a", Token("mine")]
    assert outcomes(finished.tiers_tried) == [("a", "answered"), ("b", "stopped")]
    assert slower.closed == 1


async def test_a_quick_tier_is_not_raced_and_a_failing_one_is_followed_at_once() -> None:
    unused = ScriptedTier("b")
    *_, finished = await events_of(ScriptedTier("a", Token("yes"), Finish("stop")), unused, hedge_after_s=5.0)
    assert (outcomes(finished.tiers_tried), unused.closed) == ([("a", "answered")], 0)
    async with asyncio.timeout(3):
        *_, finished = await events_of(
            ScriptedTier("a", TierFailure("refused")), ScriptedTier("b", Token("y"), Finish("stop")), hedge_after_s=5.0
        )
    assert outcomes(finished.tiers_tried) == [("a", "refused"), ("b", "answered")]


async def test_the_winner_of_a_race_that_breaks_off_is_followed_by_those_not_yet_asked() -> None:
    *events, finished = await events_of(
        ScriptedTier("a", 30.0),
        ScriptedTier("b", Token("half"), TierFailure("timeout")),
        ScriptedTier("c", Token("whole"), Finish("stop")),
        hedge_after_s=0.02,
    )
    assert events == ["b", Token("half"), Reset("b", "timeout"), "c", Token("whole")]
    assert outcomes(finished.tiers_tried) == [("a", "stopped"), ("b", "timeout"), ("c", "answered")]


async def test_a_reader_who_leaves_a_race_ends_it_for_all() -> None:
    tiers = [ScriptedTier(name, 30.0) for name in "abc"]
    reading = asyncio.create_task(events_of(*tiers, hedge_after_s=0.01))
    await asyncio.sleep(0.1)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert [tier.closed for tier in tiers] == [1, 1, 1]


async def test_the_loser_of_a_race_has_its_upstream_closed_within_a_second(counter: TokenCounter) -> None:
    async with (
        ModelServer(fault="silent") as silent,
        ModelServer("Hello there", tokens_per_s=20) as quick,
        opened_with({"silent": silent, "quick": quick}, counter, hedge_after_s=0.05) as cascade,
        aclosing(cascade.answer(prompt_for)) as answer,
    ):
        started = await anext(answer)
        assert isinstance(started, Started)
        assert started.tier == "quick"
        assert await silent.no_stream_open(within_s=1)
        assert quick.open_streams == 1


def breaker_alone(threshold: int, cooldown_s: float) -> Breaker:
    """A breaker that counts in this process."""
    rules = Rules(threshold=threshold, window_s=60, cooldown_s=cooldown_s, probe_s=60)
    return Breaker("a", "test", Redis.from_url("redis://127.0.0.1:1"), rules)


async def raced(silent: Member) -> list[tuple[str, str]]:
    """One question for which a tier that speaks at once is asked as well; everything has ended when it returns."""
    events: list[Any] = []
    cascade = Cascade([silent, member(ScriptedTier("b", Token("yes"), Finish("stop")))], hedge_after_s=0.02)
    await collect(cascade, events)
    await cascade.close()
    return outcomes(events[-1].tiers_tried)


async def test_a_tier_that_is_silent_in_every_race_is_left_out_after_the_threshold() -> None:
    silent = member(ScriptedTier("a", 30.0), breaker=breaker_alone(3, 60))
    told = [(await raced(silent))[0] for _ in range(5)]
    assert told == [("a", "stopped")] * 3 + [("a", "skipped")] * 2


async def test_a_probe_that_is_silent_and_beaten_leaves_the_tier_out_anew() -> None:
    breaker = breaker_alone(1, 0.5)
    await breaker.failed(Admission(), TierFailure("timeout"))
    await asyncio.sleep(0.6)
    silent = member(ScriptedTier("a", 30.0), breaker=breaker)
    assert [(await raced(silent))[0] for _ in range(2)] == [("a", "stopped"), ("a", "skipped")]


async def test_a_loser_that_was_asked_only_just_before_is_not_blamed() -> None:
    late = member(ScriptedTier("b", 30.0), breaker=breaker_alone(1, 60))
    cascade = Cascade([member(ScriptedTier("a", 0.6, Token("yes"), Finish("stop"))), late], hedge_after_s=0.5)
    events: list[Any] = []
    await collect(cascade, events)
    await cascade.close()
    assert outcomes(events[-1].tiers_tried) == [("a", "answered"), ("b", "stopped")]
    assert await late.breaker.state() == "closed"  # type: ignore[union-attr]


async def test_a_reader_who_leaves_a_race_blames_no_tier() -> None:
    breakers = [breaker_alone(1, 60) for _ in "ab"]
    cascade = Cascade(
        [member(ScriptedTier(name, 30.0), breaker=breaker) for name, breaker in zip("ab", breakers, strict=True)],
        hedge_after_s=0.01,
    )
    reading = asyncio.create_task(collect(cascade, []))
    await asyncio.sleep(0.1)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await cascade.close()
    assert [await breaker.state() for breaker in breakers] == ["closed", "closed"]
