"""What an upstream may send in the head of a response: none of it may reach the next question, or stop the cascade."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from backend.llm.openai_tier import OpenAITier
from backend.llm.tier import TierFailure
from tests.backend.llm.test_openai_tier import PATIENT, listen

ANSWER = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


class Upstream:
    """Answers every request with the same bytes; `heads` are those of the requests."""

    def __init__(self, response: bytes) -> None:
        self.response = response
        self.heads: list[bytes] = []
        self.port = self.open = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head)
                await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
                writer.write(self.response)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def asked(response: bytes) -> AsyncIterator[tuple[Upstream, OpenAITier]]:
    upstream = Upstream(response)
    server = await asyncio.start_server(upstream.answer, "localhost", 0)
    upstream.port = server.sockets[0].getsockname()[1]
    tier = OpenAITier(
        "fast", base_url=f"http://localhost:{upstream.port}/v1", model="test", api_key="key", connect_timeout_s=10,
        deadlines=PATIENT, max_response_bytes=1 << 20, max_line_bytes=1 << 20,
    )  # fmt: skip
    try:
        yield upstream, tier
    finally:
        await tier.close()
        server.close()


def whole(status: bytes, *headers: bytes, body: bytes = ANSWER) -> bytes:
    lines = [b"HTTP/1.1 " + status, b"Content-Type: text/event-stream", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.mark.parametrize("cookie", [b"sess=visitor1", b"x\xff=1", b"sk-canary\xff"])
async def test_no_cookie_goes_out_with_the_next_question(cookie: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with asked(whole(b"200 OK", b"Set-Cookie: " + cookie)) as (upstream, tier):
        said: list[str] = []
        for _ in range(3):
            await listen(tier, said)
    assert said == ["Hi"] * 3
    assert len(upstream.heads) == 3
    assert not any(b"cookie" in head.lower() for head in upstream.heads)


async def test_a_reason_that_is_no_text_is_a_refusal_and_closes_the_connection() -> None:
    async with asked(b"HTTP/1.1 503 Service indisponible \xe9\r\nContent-Length: 5000\r\n\r\n") as (upstream, tier):
        for _ in range(2):
            with pytest.raises(TierFailure) as failure:
                await listen(tier, [])
            assert failure.value.outcome == "refused"
        async with asyncio.timeout(5):
            while upstream.open:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("rest", [b"data: {broken\n\n", b"data: []\n\n", b'data: {"error": {"message": "late"}}\n\n'])
async def test_what_comes_after_the_finish_takes_nothing_from_the_answer(rest: bytes) -> None:
    finished = ANSWER.replace(b"data: [DONE]\n\n", b"")
    async with asked(whole(b"200 OK", body=finished + rest)) as (_, tier):
        said: list[str] = []
        await listen(tier, said)
    assert said == ["Hi"]
