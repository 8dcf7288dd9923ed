"""The tier `agent` against a real bridge: what it reads, how it fails, and that it lets go."""

import asyncio
import logging
import traceback
from contextlib import aclosing
from typing import Any, get_args

import pytest

from backend.llm.agent_stream import AgentStream
from backend.llm.kept_events import MAX_BYTES
from backend.llm.tier import Outcome, TierFailure
from tests.agent_server import AgentFault, AgentServer, Odd, RememberedSessions, event
from tests.backend.llm.bridge import PATIENT, PROMPT, SOON, listen, read, tier_of
from tests.model_server import CANARY


@pytest.mark.parametrize("chunking", ["token", "byte"])
async def test_text_arrives_intact_however_it_is_cut(chunking: Any) -> None:
    text = "Dés\u2028ordre 👩‍🚀 \u0085 naïve \x0c [1]\n\n- a\n- b "
    async with AgentServer(text, chunking) as server, tier_of(server) as tier:
        said, _ = await read(tier)
    assert said == text


@pytest.mark.parametrize(
    ("fault", "outcome", "text"),
    [
        ("refuse_500", "refused", ""),
        ("refuse_401", "refused", ""),
        ("redirect", "refused", ""),
        ("no_content", "refused", ""),
        ("endless_refusal", "refused", ""),
        ("html", "broken_stream", ""),
        ("json", "broken_stream", ""),
        ("hang", "timeout", ""),
        ("endless_comments", "timeout", ""),
        ("endless_thoughts", "timeout", ""),
        ("error", "refused", ""),
        ("empty", "empty", ""),
        ("blank", "empty", ""),
        ("error_after", "refused", "one two"),
        ("error_event", "refused", "one two"),
        ("error_without_type", "refused", "one two"),
        ("no_done", "broken_stream", "one two"),
        ("reset", "broken_stream", "one two three"),
        ("stall", "timeout", "one two"),
        ("endless_answer", "timeout", "one two"),
        ("broken_json", "broken_stream", "one two"),
        ("no_object", "broken_stream", "one two"),
        ("no_type", "broken_stream", "one two"),
        ("text_is_a_number", "broken_stream", "one two"),
        ("half_character", "broken_stream", "one two"),
        ("lone_surrogate", "broken_stream", "one two"),
        ("giant_line", "broken_stream", "one two"),
    ],
)
async def test_every_fault_is_a_failure_that_says_nothing_of_the_upstream(
    fault: AgentFault, outcome: Outcome, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "backend")
    said: list[str] = []
    sessions = RememberedSessions()
    deadlines = SOON if outcome == "timeout" else PATIENT
    async with (
        AgentServer("one two three", failing=fault) as server,
        tier_of(server, deadlines, sessions=sessions) as tier,
    ):
        with pytest.raises(TierFailure) as failure:
            await listen(tier, said)
        assert await server.no_stream_open()
        assert len(server.requests) == 1
    assert failure.value.outcome == outcome
    assert "".join(said) == text or (fault == "endless_answer" and "".join(said).startswith(text))
    assert CANARY not in "".join(traceback.format_exception(failure.value)) + caplog.text + str(sessions.kept)
    assert [number for _, _, number in sessions.kept.values()] == ([-1] if text else [])


def test_what_was_said_before_a_fault_is_delivered_however_the_bytes_were_cut() -> None:
    said, broken = event(type="text_delta", text="one"), event(type="error", message=CANARY)
    stream = AgentStream(max_line_bytes=1 << 20)
    assert stream.feed(said + broken + said) == "one"
    assert stream.failure is not None
    assert stream.failure.outcome == "refused"
    with pytest.raises(TierFailure, match="refused"):
        AgentStream(max_line_bytes=1 << 20).feed(broken + said)


async def test_an_answer_without_end_is_cut_off_at_its_bytes() -> None:
    async with (
        AgentServer("one two three", failing="endless_answer") as server,
        tier_of(server, max_response_bytes=10_000) as tier,
    ):
        with pytest.raises(TierFailure) as failure:
            await read(tier)
        assert failure.value.outcome == "broken_stream"
        assert await server.no_stream_open()


@pytest.mark.parametrize("fault", ["hang", "stall"])
async def test_leaving_closes_the_upstream_connection_at_once(fault: AgentFault) -> None:
    async with AgentServer("one two three", failing=fault) as server, tier_of(server) as tier:
        reading = asyncio.create_task(read(tier))
        await server.stream_open()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await server.no_stream_open()
        if fault == "stall":
            async with aclosing(tier.stream(PROMPT)) as stream:
                assert (await anext(stream)).text.startswith("one")
                assert server.open_streams == 1
            assert await server.no_stream_open()


@pytest.mark.parametrize("fault", get_args(Odd))
async def test_odd_answers_are_whole_and_read_as_they_were_delivered(fault: AgentFault) -> None:
    async with AgentServer("one two three", failing=fault) as server, tier_of(server) as tier:
        said, kept = await read(tier)
        assert await server.no_stream_open()
    assert said == "one two three"
    assert 0 < len(kept.encode()) <= MAX_BYTES


async def test_a_name_that_is_no_text_is_a_broken_stream() -> None:
    async with AgentServer("Hi", name={"value": "one"}) as server, tier_of(server) as tier:
        with pytest.raises(TierFailure, match="broken_stream"):
            await read(tier)
