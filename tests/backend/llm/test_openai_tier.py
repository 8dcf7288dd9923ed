"""The tier `openai` against a real server: what it streams, how it fails, and that it lets go."""

import asyncio
import logging
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import anyio
import pytest

from backend.llm.deadlines import Deadlines
from backend.llm.openai_tier import OpenAITier
from backend.llm.responses import wait_asked_for
from backend.llm.tier import Blame, Finish, Message, Outcome, Prompt, TierFailure, Token
from tests.model_faults import CANARY, FAULTS, REFUSALS, Fault, nobody_accepting, nobody_listening
from tests.model_server import Chunking, ModelServer

PROMPT = Prompt(
    messages=(Message("system", "Be brief."), Message("user", "Hello?")),
    question="Hello?",
    sources=(),
    tokens=6,
    max_tokens=50,
)
SOON = Deadlines(first_token_s=0.3, idle_s=0.3, total_s=0.9)
PATIENT = Deadlines(first_token_s=30, idle_s=30, total_s=30)


@asynccontextmanager
async def tier_of(
    server: ModelServer | str, deadlines: Deadlines = PATIENT, **changes: float
) -> AsyncIterator[OpenAITier]:
    base_url = server if isinstance(server, str) else server.base_url
    limits: dict[str, Any] = {"connect_timeout_s": 10, "max_response_bytes": 1 << 23, "max_line_bytes": 1 << 20}
    tier = OpenAITier("fast", base_url=base_url, model="test", api_key="key", deadlines=deadlines, **limits | changes)
    try:
        yield tier
    finally:
        await tier.close()


async def read(tier: OpenAITier) -> tuple[str, Finish]:
    """The whole answer; the last event, and only the last, must be the finish."""
    async with aclosing(tier.stream(PROMPT)) as stream:
        events = [event async for event in stream]
    *tokens, finish = events
    assert isinstance(finish, Finish)
    assert all(isinstance(token, Token) and token.text for token in tokens)
    return "".join(token.text for token in tokens if isinstance(token, Token)), finish


async def listen(tier: OpenAITier, said: list[str]) -> None:
    """Notes the tokens down as they come."""
    async with aclosing(tier.stream(PROMPT)) as stream:
        async for event in stream:
            if isinstance(event, Token):
                said.append(event.text)


@pytest.mark.parametrize("chunking", ["whole", "token", "byte"])
@pytest.mark.parametrize("line_ending", ["\n", "\r\n", "\r"])
async def test_text_arrives_intact_however_it_is_cut(chunking: Chunking, line_ending: str) -> None:
    text = "Dés\u2028ordre 👩‍🚀 \u0085 naïve \x0c [1]\n\n- a\n- b "
    async with ModelServer(text, chunking, line_ending=line_ending) as server, tier_of(server) as tier:
        said, finish = await read(tier)
    assert said == text
    assert finish.prompt_tokens == 3


async def test_the_request_carries_prompt_model_key_and_limits() -> None:
    async with ModelServer("Hi") as server, tier_of(server) as tier:
        await read(tier)
        request = server.requests[0]
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer key"
    assert request.body == {
        "model": "test",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}],
        "max_tokens": 50,
        "temperature": 0.2,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_nothing_of_the_environment_goes_out_with_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, CANARY)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"Authorization: Bearer {CANARY}\nX-Gateway-Key: {CANARY}")
    async with ModelServer("Hi") as server, tier_of(server) as tier:
        await read(tier)
        headers = server.requests[0].headers
    assert headers["authorization"] == "Bearer key"
    assert CANARY not in str(headers)


async def test_usage_is_optional_length_is_told_and_reasoning_is_not_part_of_the_answer() -> None:
    async with (
        ModelServer("Hi", usage=False, finish_reason="length", reasoning=True) as server,
        tier_of(server) as tier,
    ):
        assert await read(tier) == ("Hi", Finish("length"))


async def test_an_answer_with_its_finish_reason_is_whole_even_if_the_stream_stays_open() -> None:
    async with ModelServer("Hi there you", fault="hang_after_finish") as server, tier_of(server) as tier:
        assert await read(tier) == ("Hi there you", Finish("stop"))


SAID: dict[Fault, Outcome] = {
    "stall": "timeout",
    "endless_answer": "timeout",
    "close_unfinished": "broken_stream",
    "done_unfinished": "broken_stream",
    "reset": "broken_stream",
    "error_in_band": "refused",
    "error_event": "refused",
    "broken_json": "broken_stream",
    "no_object": "broken_stream",
    "half_character": "broken_stream",
    "half_character_at_the_end": "broken_stream",
    "lone_surrogate": "broken_stream",
    "giant_line": "broken_stream",
    "content_filter": "refused",
    "aborted": "broken_stream",
}
UNSAID: dict[Fault, Outcome] = {
    **dict.fromkeys(REFUSALS, "refused"),
    "silent": "timeout",
    "slow_headers": "timeout",
    "reset_in_headers": "unreachable",
    "no_http": "unreachable",
    "error_in_200": "broken_stream",
    "html": "broken_stream",
    "gzip": "broken_stream",
    "image": "broken_stream",
    "nothing": "broken_stream",
    "hang": "timeout",
    "endless_comments": "timeout",
    "endless_blank_lines": "timeout",
    "endless_reasoning": "timeout",
    "done_only": "empty",
    "empty": "empty",
    "blank": "empty",
    "unseen": "empty",
    "markers_alone": "empty",
    "tool_calls": "empty",
}
ODD: tuple[Fault, ...] = ("hang_after_finish", "finish_twice")


def test_every_fault_is_tried() -> None:
    assert {*SAID, *UNSAID, *ODD} == set(FAULTS)
    assert len(FAULTS) >= 30


@pytest.mark.parametrize("fault", [*SAID, *UNSAID])
async def test_every_fault_is_a_failure_that_says_nothing_of_the_upstream(
    fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "openai")
    said: list[str] = []
    outcome, text = (SAID | UNSAID)[fault], "one two" if fault in SAID else ""
    deadlines = SOON if outcome == "timeout" else PATIENT
    async with ModelServer("one two three", fault=fault) as server, tier_of(server, deadlines) as tier:
        begun = time.monotonic()
        with pytest.raises(TierFailure) as failure:
            await listen(tier, said)
        assert time.monotonic() - begun < 10
        assert await server.no_stream_open()
    assert failure.value.outcome == outcome
    assert "".join(said) == text or (fault == "endless_answer" and "".join(said).startswith(text))
    assert CANARY not in "".join(traceback.format_exception(failure.value)) + caplog.text


async def test_what_follows_the_finish_is_no_part_of_the_answer() -> None:
    async with ModelServer("Hi there you", fault="finish_twice") as server, tier_of(server) as tier:
        assert await read(tier) == ("Hi there you", Finish("stop", 3, 3))


@pytest.mark.parametrize("fault", ["endless_comments", "endless_blank_lines", "endless_reasoning", "endless_answer"])
async def test_a_response_without_end_is_over_at_its_cap(fault: Fault) -> None:
    async with (
        ModelServer("one two three", fault=fault) as server,
        tier_of(server, max_response_bytes=2000) as tier,
    ):
        with pytest.raises(TierFailure) as failure:
            await listen(tier, [])
        assert await server.no_stream_open()
    assert failure.value.outcome == "broken_stream"


async def test_a_long_line_is_a_failure_at_its_own_cap() -> None:
    async with ModelServer("word " * 300, "whole") as server, tier_of(server, max_line_bytes=1024) as tier:
        with pytest.raises(TierFailure) as failure:
            await read(tier)
    assert failure.value.outcome == "broken_stream"


@pytest.mark.parametrize(
    ("fault", "blame", "seconds"),
    [
        ("refuse_500", "tier", None),
        ("refuse_400", "question", None),
        ("content_filter", "question", None),
        ("refuse_401", "key", None),
        ("refuse_403", "access", None),
        ("refuse_429", "tier", 7),
        ("refuse_429_date", "tier", 7),
        ("refuse_429_negative", "tier", None),
        ("refuse_429_absurd", "tier", 300),
        ("refuse_503", "tier", 7),
    ],
)
async def test_a_refusal_says_whom_it_is_to_be_blamed_on_and_how_long_to_wait(
    fault: Fault, blame: Blame, seconds: float | None
) -> None:
    async with ModelServer("one two three", fault=fault) as server, tier_of(server) as tier:
        with pytest.raises(TierFailure) as failure:
            await listen(tier, [])
    assert failure.value.blame == blame
    assert failure.value.retry_after_s == (seconds and pytest.approx(seconds, abs=2))


@pytest.mark.parametrize(
    "header", ["", "soon", "-1", "1.5", "٣", "9" * 5000, "Mon, 99 Nov 2026 00:00:00 GMT", "\x00", "Mon"]
)
def test_a_wait_that_makes_no_sense_is_none_or_the_longest(header: str) -> None:
    assert wait_asked_for(header) in (None, 300)


def test_a_date_that_has_passed_is_the_shortest_wait() -> None:
    assert wait_asked_for("Mon, 02 Nov 2020 00:00:00 GMT") == 1


async def test_nobody_listening_is_unreachable() -> None:
    with nobody_listening() as base_url:
        async with tier_of(base_url) as tier:
            with pytest.raises(TierFailure) as failure:
                await read(tier)
    assert failure.value.outcome == "unreachable"


async def test_a_connection_that_does_not_come_about_has_its_own_deadline() -> None:
    with nobody_accepting() as base_url:
        async with tier_of(base_url, connect_timeout_s=0.2) as tier:
            begun = time.monotonic()
            with pytest.raises(TierFailure) as failure:
                await read(tier)
    assert failure.value.outcome == "unreachable"
    assert time.monotonic() - begun < 5


async def test_closing_the_stream_closes_the_upstream_connection() -> None:
    async with ModelServer("one two three", fault="stall") as server, tier_of(server) as tier:
        async with aclosing(tier.stream(PROMPT)) as stream:
            first = await anext(stream)
            assert isinstance(first, Token)
            assert "one two".startswith(first.text)
            assert server.open_streams == 1
        assert await server.no_stream_open(within_s=0.2)


@pytest.mark.parametrize("fault", ["hang", "stall"])
async def test_cancelling_the_reader_closes_the_upstream_connection(fault: Fault) -> None:
    async with ModelServer("one two three", fault=fault) as server, tier_of(server) as tier:
        reading = asyncio.create_task(read(tier))
        await server.stream_open()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await server.no_stream_open(within_s=0.2)
        with anyio.move_on_after(0.1):
            await read(tier)
        assert await server.no_stream_open(within_s=0.2)


async def test_silence_is_measured_from_token_to_token_and_not_while_the_reader_is_slow() -> None:
    short = Deadlines(first_token_s=30, idle_s=0.5, total_s=30)
    async with ModelServer("one two three") as server, tier_of(server, short) as tier:
        stream = tier.stream(PROMPT)
        async for _ in stream:
            await asyncio.sleep(0.6)
