"""A connection that an upstream closes just as a question goes out on it costs that question nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from backend.llm import deadlines
from backend.llm.agent_tier import AgentTier
from backend.llm.openai_tier import OpenAITier
from backend.llm.tier import Finish, Tier, TierFailure, Token
from tests.agent_server import RememberedSessions
from tests.backend.llm.test_openai_tier import PATIENT, PROMPT

OPENAI = b'data: {"choices": [{"delta": {"content": "Hello"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
AGENT = b'data: {"type": "text_delta", "text": "Hello"}\n\ndata: {"type": "done", "text": "Hello"}\n\n'


@dataclass
class Upstream:
    """Answers so many requests of a connection; the next one it reads, and then closes without a word. With `ending_s`
    the end of an answer comes so long after the rest."""

    answers: int
    ending_s: float | None = None
    port: int = 0
    requests: int = 0
    connections: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        for number in range(self.answers + 1):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            self.requests += 1
            if number < self.answers:
                body = OPENAI if b"/chat/completions" in head else AGENT
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
                if self.ending_s is None:
                    writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
                else:
                    writer.write(b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(body), body))
                    await asyncio.sleep(self.ending_s)
                    writer.write(b"0\r\n\r\n")
        writer.close()


@asynccontextmanager
async def upstream_of(answers: int, ending_s: float | None = None) -> AsyncIterator[Upstream]:
    upstream = Upstream(answers, ending_s)
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    upstream.port = server.sockets[0].getsockname()[1]
    async with server:
        yield upstream
        for writer in upstream.connections:
            writer.close()


@asynccontextmanager
async def tier_of(kind: str, port: int) -> AsyncIterator[Tier]:
    base_url = f"http://127.0.0.1:{port}/v1"
    tier: Tier
    if kind == "openai":
        tier = OpenAITier(
            "fast", base_url=base_url, model="test", api_key=None, connect_timeout_s=5, deadlines=PATIENT,
            max_response_bytes=1 << 20, max_line_bytes=1 << 16,
        )  # fmt: skip
    else:
        tier = AgentTier(
            "bridge", base_url=base_url, api_key=None, connect_timeout_s=5, deadlines=PATIENT,
            max_response_bytes=1 << 20, max_line_bytes=1 << 16, sessions=RememberedSessions(),
        )  # fmt: skip
    try:
        yield tier
    finally:
        await tier.close()


async def read(tier: Tier) -> str:
    async with aclosing(tier.stream(PROMPT)) as stream:
        events = [event async for event in stream]
    assert isinstance(events[-1], Finish)
    return "".join(event.text for event in events if isinstance(event, Token))


@pytest.mark.parametrize("kind", ["openai", "agent"])
async def test_a_kept_connection_that_is_closed_just_then_is_replaced(kind: str) -> None:
    async with upstream_of(answers=1) as upstream, tier_of(kind, upstream.port) as tier:
        assert [await read(tier) for _ in range(3)] == ["Hello"] * 3
    assert len(upstream.connections) == 3
    assert upstream.requests == 5  # the second and the third question were each read twice, and answered once


@pytest.mark.parametrize("kind", ["openai", "agent"])
async def test_many_that_are_closed_at_once_are_all_replaced(kind: str) -> None:
    async with upstream_of(answers=1) as upstream, tier_of(kind, upstream.port) as tier:
        for _ in range(2):
            assert await asyncio.gather(*(read(tier) for _ in range(20))) == ["Hello"] * 20


@pytest.mark.parametrize("kind", ["openai", "agent"])
async def test_a_new_connection_that_is_closed_without_a_word_is_a_failure(kind: str) -> None:
    async with upstream_of(answers=0) as upstream, tier_of(kind, upstream.port) as tier:
        with pytest.raises(TierFailure) as failed:
            await read(tier)
    assert failed.value.outcome == "unreachable"
    assert upstream.requests == 1


@pytest.mark.parametrize("kind", ["openai", "agent"])
async def test_an_upstream_that_is_gone_since_is_a_failure(kind: str) -> None:
    async with AsyncExitStack() as stack:
        async with upstream_of(answers=1) as upstream:
            tier = await stack.enter_async_context(tier_of(kind, upstream.port))
            await read(tier)
        with pytest.raises(TierFailure) as failed:
            await read(tier)
    assert failed.value.outcome == "unreachable"


@pytest.mark.parametrize("kind", ["openai", "agent"])
async def test_a_connection_is_kept_though_the_end_of_an_answer_comes_by_itself(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "END_S", 5.0)  # the machine may be busy with something else for a moment
    async with upstream_of(answers=5, ending_s=0.002) as upstream, tier_of(kind, upstream.port) as tier:
        assert [await read(tier) for _ in range(3)] == ["Hello"] * 3
    assert len(upstream.connections) == 1


@pytest.mark.parametrize("kind", ["openai", "agent"])
async def test_an_end_that_does_not_come_is_not_waited_for(kind: str) -> None:
    async with upstream_of(answers=5, ending_s=60) as upstream, tier_of(kind, upstream.port) as tier:
        async with asyncio.timeout(5):
            assert await read(tier) == "Hello"
