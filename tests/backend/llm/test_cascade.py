"""The cascade with tiers that do as they are told: falling over, voiding what was said, giving up, and racing."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Self

import pytest
from redis.asyncio import Redis

from backend.llm.breaker import Admission, Breaker
from backend.llm.budget import Budget, Prices
from backend.llm.cascade import Cascade, CascadeEvent, Finished, NoTierAnswered, Reset, Started, Usage
from backend.llm.circuit import Rules
from backend.llm.openai_tier import OpenAITier
from backend.llm.opening import open_cascade
from backend.llm.race import Member, TierTried
from backend.llm.tier import Finish, Prompt, TierFailure, Token
from backend.llm.tokens import TokenCounter
from backend.settings import load
from tests.model_server import ModelServer

PROMPT = Prompt(messages=(), question="?", sources=(), tokens=0, max_tokens=10)


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> TokenCounter:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
        return TokenCounter.open(Path(tmp_path_factory.getbasetemp().parent))


class ScriptedTier:
    """Yields its script; an exception in it is raised, and a number is a silence in seconds."""

    def __init__(self, name: str, *script: Token | Finish | TierFailure | float) -> None:
        self.name = name
        self.script = script
        self.closed = 0

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Token | Finish, None]:
        try:
            for step in self.script:
                if isinstance(step, TierFailure):
                    raise step
                if isinstance(step, float):
                    await asyncio.sleep(step)
                else:
                    yield step
        finally:
            self.closed += 1

    async def close(self) -> None: ...


def outcomes(tiers_tried: tuple[TierTried, ...]) -> list[tuple[str, str]]:
    assert all(entry.elapsed_ms >= 0 for entry in tiers_tried)
    return [(entry.cascade_tier, entry.outcome) for entry in tiers_tried]


class Letters:
    """Counts letters, which is enough where tokens do not matter."""

    def without_margin(self) -> Self:
        return self

    def count(self, text: str) -> int:
        return len(text)


LETTERS: Any = Letters()


def member(tier: ScriptedTier, **changes: Any) -> Member:
    """The tier with room for everything, no prices and no breaker."""
    return Member(
        **{"tier": tier, "budget": Budget(LETTERS, 1000, 1000), "prices": Prices(), "breaker": None} | changes
    )


def cascade_of(*tiers: ScriptedTier, **options: Any) -> Cascade:
    return Cascade([member(tier) for tier in tiers], **options)


def prompt_for(budget: Budget) -> Prompt:
    return PROMPT


async def collect(cascade: Cascade, events: list[CascadeEvent | str], *, hard: bool = False) -> None:
    """Notes the events down as they come; of `Started` only the name."""
    async with aclosing(cascade.answer(prompt_for, hard=hard)) as answer:
        async for event in answer:
            events.append(event.tier if isinstance(event, Started) else event)


async def events_of(*tiers: ScriptedTier, **options: Any) -> list[Any]:
    events: list[CascadeEvent | str] = []
    cascade = cascade_of(*tiers, **options)
    await collect(cascade, events)
    await cascade.close()
    return events


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
        assert started.tiers_tried == (TierTried("a", "stopped", 0),)
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
    assert counter.count(text) == 50
    assert (events[-1].finish_reason, endless.closed) == ("length", 1)
    assert outcomes(events[-1].tiers_tried) == [("a", "answered")]


async def test_an_answer_in_one_piece_is_cut_at_its_cap(counter: TokenCounter) -> None:
    events: list[Any] = []
    giant = ScriptedTier("a", Token("word " * 5000), Finish("stop"))
    await collect(Cascade([member(giant, budget=Budget(counter, 1000, 20))]), events)
    assert counter.count(events[1].text) == 20
    assert events[-1].finish_reason == "length"


async def test_an_answer_within_its_cap_is_left_whole(counter: TokenCounter) -> None:
    words = [Token(f"word{number} ") for number in range(100)]
    events: list[Any] = []
    budget = Budget(counter, 1000, counter.count("".join(token.text for token in words)) + 40)
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


class OpenBreaker:
    """Keeps a tier out."""

    async def admit(self) -> Admission | None:
        return None


async def test_a_tier_whose_breaker_is_open_is_skipped_and_said() -> None:
    resting = member(ScriptedTier("a", Token("no")), breaker=OpenBreaker())
    events: list[Any] = []
    await collect(Cascade([resting, member(ScriptedTier("b", Token("yes"), Finish("stop")))]), events)
    assert events[-1].tiers_tried[0] == TierTried("a", "skipped", 0)
    assert outcomes(events[-1].tiers_tried) == [("a", "skipped"), ("b", "answered")]


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
