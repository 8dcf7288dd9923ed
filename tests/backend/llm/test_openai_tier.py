"""The tier `openai` against a real server: what it streams, how it fails, and that it lets go."""

import asyncio
import logging
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import anyio
import pytest

from backend.llm.deadlines import Deadlines
from backend.llm.openai_tier import OpenAITier
from backend.llm.tier import Finish, Message, Outcome, Prompt, TierFailure, Token
from tests.model_server import CANARY, Chunking, Fault, ModelServer

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
async def tier_of(server: ModelServer, deadlines: Deadlines = PATIENT) -> AsyncIterator[OpenAITier]:
    tier = OpenAITier("fast", base_url=server.base_url, model="test", api_key="key", deadlines=deadlines)
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


async def test_usage_is_optional_length_is_told_and_reasoning_is_not_part_of_the_answer() -> None:
    async with (
        ModelServer("Hi", usage=False, finish_reason="length", reasoning=True) as server,
        tier_of(server) as tier,
    ):
        assert await read(tier) == ("Hi", Finish("length"))


async def test_an_answer_with_its_finish_reason_is_whole_even_if_the_stream_stays_open() -> None:
    async with ModelServer("Hi there you", fault="hang_after_finish") as server, tier_of(server) as tier:
        assert await read(tier) == ("Hi there you", Finish("stop"))


@pytest.mark.parametrize(
    ("fault", "outcome", "text"),
    [
        ("refuse_500", "refused", ""),
        ("refuse_401", "refused", ""),
        ("refuse_429", "refused", ""),
        ("endless_refusal", "refused", ""),
        ("hang", "timeout", ""),
        ("endless_comments", "timeout", ""),
        ("error_in_200", "broken_stream", ""),
        ("html", "broken_stream", ""),
        ("empty", "empty", ""),
        ("blank", "empty", ""),
        ("done_only", "empty", ""),
        ("stall", "timeout", "one two"),
        ("endless_answer", "timeout", "one two"),
        ("close_unfinished", "broken_stream", "one two"),
        ("reset", "broken_stream", "one two"),
        ("error_in_band", "refused", "one two"),
        ("broken_json", "broken_stream", "one two"),
        ("half_character", "broken_stream", "one two"),
        ("lone_surrogate", "broken_stream", "one two"),
        ("giant_line", "broken_stream", "one two"),
    ],
)
async def test_every_fault_is_a_failure_that_says_nothing_of_the_upstream(
    fault: Fault, outcome: Outcome, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "openai")
    said: list[str] = []
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


async def test_nobody_listening_is_unreachable() -> None:
    server = ModelServer()
    async with server:
        pass
    async with tier_of(server) as tier:
        with pytest.raises(TierFailure) as failure:
            await read(tier)
    assert failure.value.outcome == "unreachable"


async def test_closing_the_stream_closes_the_upstream_connection() -> None:
    async with ModelServer("one two three", fault="stall") as server, tier_of(server) as tier:
        async with aclosing(tier.stream(PROMPT)) as stream:
            assert await anext(stream) == Token("one")
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
