"""The cascade with tiers that do as they are told: falling over, voiding what was said, and giving up."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from backend.llm.cascade import (
    Cascade,
    CascadeEvent,
    Finished,
    NoTierAnswered,
    Reset,
    Started,
    TierTried,
    Usage,
    open_cascade,
)
from backend.llm.openai_tier import OpenAITier
from backend.llm.tier import Finish, Prompt, TierFailure, Token
from backend.settings import load
from tests.agent_server import RememberedSessions
from tests.model_server import ModelServer

PROMPT = Prompt(messages=(), question="?", sources=(), tokens=0, max_tokens=10)


class ScriptedTier:
    """Yields its script; an exception in it is raised."""

    def __init__(self, name: str, *script: Token | Finish | TierFailure) -> None:
        self.name = name
        self.script = script
        self.closed = 0

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Token | Finish, None]:
        try:
            for step in self.script:
                if isinstance(step, TierFailure):
                    raise step
                yield step
        finally:
            self.closed += 1

    async def close(self) -> None: ...


def outcomes(tiers_tried: tuple[TierTried, ...]) -> list[tuple[str, str]]:
    assert all(entry.elapsed_ms >= 0 for entry in tiers_tried)
    return [(entry.cascade_tier, entry.outcome) for entry in tiers_tried]


async def collect(cascade: Cascade, events: list[CascadeEvent]) -> None:
    async with aclosing(cascade.answer(PROMPT)) as answer:
        async for event in answer:
            events.append(event)


async def events_of(*tiers: ScriptedTier) -> list[CascadeEvent]:
    events: list[CascadeEvent] = []
    await collect(Cascade(tiers), events)
    return events


async def test_the_first_tier_that_answers_is_told_with_its_usage() -> None:
    unused = ScriptedTier("b", Token("no"), Finish("stop"))
    started, token, finished = await events_of(ScriptedTier("a", Token("yes"), Finish("length", 3, 4)), unused)
    assert (started, token) == (Started("a"), Token("yes"))
    assert isinstance(finished, Finished)
    assert (finished.tier, finished.finish_reason, finished.usage) == ("a", "length", Usage(3, 4))
    assert outcomes(finished.tiers_tried) == [("a", "answered")]
    assert unused.closed == 0


async def test_falling_over_before_the_first_token_is_silent() -> None:
    *events, finished = await events_of(
        ScriptedTier("a", TierFailure("timeout")), ScriptedTier("b", Token("yes"), Finish("stop"))
    )
    assert events == [Started("b"), Token("yes")]
    assert isinstance(finished, Finished)
    assert outcomes(finished.tiers_tried) == [("a", "timeout"), ("b", "answered")]


async def test_falling_over_within_an_answer_voids_it_once_another_has_begun() -> None:
    *events, finished = await events_of(
        ScriptedTier("a", Token("half"), TierFailure("broken_stream")),
        ScriptedTier("b", TierFailure("refused")),
        ScriptedTier("c", Token("whole"), Finish("stop")),
    )
    assert events == [Started("a"), Token("half"), Reset("a", "broken_stream"), Started("c"), Token("whole")]
    assert isinstance(finished, Finished)
    assert outcomes(finished.tiers_tried) == [("a", "broken_stream"), ("b", "refused"), ("c", "answered")]


async def test_no_tier_left_is_one_error_that_says_what_was_tried() -> None:
    events: list[CascadeEvent] = []
    tiers = [ScriptedTier("a", Token("half"), TierFailure("timeout")), ScriptedTier("b", TierFailure("unreachable"))]
    with pytest.raises(NoTierAnswered) as error:
        await collect(Cascade(tiers), events)
    assert events == [Started("a"), Token("half")]
    assert (error.value.code, error.value.status, error.value.retryable) == ("unavailable", 503, True)
    assert outcomes(error.value.tiers_tried) == [("a", "timeout"), ("b", "unreachable")]


async def test_a_reader_who_stops_closes_the_tier_at_once() -> None:
    tier = ScriptedTier("a", Token("one"), Token("two"), Finish("stop"))
    async with aclosing(Cascade([tier]).answer(PROMPT)) as answer:
        assert [await anext(answer), await anext(answer)] == [Started("a"), Token("one")]
    assert tier.closed == 1


async def test_a_tier_without_address_or_model_is_left_out() -> None:
    cascade = open_cascade(load(), None, RememberedSessions())
    assert [tier.name for tier in cascade.tiers] == ["extractive"]


async def test_a_configured_tier_comes_in_its_order_and_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ModelServer("Hello") as server:
        monkeypatch.setenv("FOOTNOTE_TIERS__FAST__BASE_URL", server.base_url)
        monkeypatch.setenv("FOOTNOTE_TIERS__FAST__MODEL", "test")
        monkeypatch.setenv("FOOTNOTE_TIERS__FAST__API_KEY", "secret")
        cascade = open_cascade(load(), None, RememberedSessions())
        assert [tier.name for tier in cascade.tiers] == ["fast", "extractive"]
        assert isinstance(cascade.tiers[0], OpenAITier)
        assert [event async for event in cascade.answer(PROMPT)][:2] == [Started("fast"), Token("Hello")]
        assert server.requests[0].headers["authorization"] == "Bearer secret"
        await cascade.close()
