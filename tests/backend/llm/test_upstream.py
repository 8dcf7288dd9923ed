"""An endpoint asked over a bare socket: what goes out, what counts as an answer, and what breaks off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from backend.errors import ConfigurationError
from backend.llm.openai_tier import address_of_completions
from backend.llm.tier import TierFailure
from backend.llm.upstream import Upstream

EVENT = b'data: {"text": "Hello"}\n\n'
HEAD = b"HTTP/1.1 %d X\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LATER_S = 0.05


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Endpoint:
    """Answers one request with these pieces, a moment apart, and keeps what was asked. `ended` comes a moment later."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces
        self.head = self.body = b""
        self.ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in self.head.lower().splitlines() if line.startswith(b"content-length:"))
        self.body = await reader.readexactly(int(length.partition(b":")[2]))
        for piece in self._pieces:
            writer.write(piece)
            await asyncio.sleep(LATER_S)
        self.ended.set()
        writer.close()


@asynccontextmanager
async def asked(endpoint: Endpoint, path: str = "/chat") -> AsyncIterator[Upstream]:
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    upstream = Upstream(f"http://127.0.0.1:{port}{path}", {}, connect_timeout_s=5, max_response_bytes=1 << 20)
    async with server:
        yield upstream
        await upstream.close()


async def read(upstream: Upstream, prompt: str = "Hello?", pausing: asyncio.Event | None = None) -> bytes:
    """The whole answer, by a reader who pauses behind its first piece until that has come about."""
    said = b""
    async with aclosing(upstream.stream({"prompt": prompt})) as pieces:
        async for piece in pieces:
            said += piece
            if pausing is not None:
                await pausing.wait()
    return said


async def test_a_question_goes_out_as_utf_8_and_an_address_as_addresses_are_written() -> None:
    endpoint = Endpoint(HEAD % 200 + chunk(EVENT) + chunk(b""))
    async with asked(endpoint, "/brücke/chat") as upstream:
        assert await read(upstream, "Почему? 👩‍🚀") == EVENT
    assert endpoint.body == '{"prompt":"Почему? 👩‍🚀"}'.encode()
    assert endpoint.head.startswith(b"POST /br%C3%BCcke/chat HTTP/1.1\r\n")
    assert b"aiohttp" not in endpoint.head
    assert b"Accept-Encoding: identity\r\n" in endpoint.head


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_any_success_with_content_is_an_answer(status: int) -> None:
    async with asked(Endpoint(HEAD % status + chunk(EVENT) + chunk(b""))) as upstream:
        assert await read(upstream) == EVENT


@pytest.mark.parametrize("status", [206, 301, 307, 400, 500])
async def test_any_other_status_is_a_refusal(status: int) -> None:
    async with asked(Endpoint(HEAD % status + chunk(EVENT) + chunk(b""))) as upstream:
        with pytest.raises(TierFailure) as failed:
            await read(upstream)
    assert failed.value.outcome == "refused"


async def test_what_is_no_chunk_breaks_an_answer_off_while_its_reader_is_slow() -> None:
    endpoint = Endpoint(HEAD % 200 + chunk(EVENT), b"upstream error\r\n")
    async with asked(endpoint) as upstream:
        with pytest.raises(TierFailure) as failed:
            await read(upstream, pausing=endpoint.ended)
    assert failed.value.outcome == "broken_stream"


async def test_an_upstream_that_was_closed_is_unreachable() -> None:
    async with asked(Endpoint(HEAD % 200 + chunk(EVENT) + chunk(b""))) as upstream:
        await read(upstream)
        await upstream.close()
        with pytest.raises(TierFailure) as failed:
            await read(upstream)
    assert failed.value.outcome == "unreachable"


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1/chat/completions"),
        ("http://127.0.0.1:11434/v1/", "http://127.0.0.1:11434/v1/chat/completions"),
        ("https://models.example.org", "https://models.example.org/chat/completions"),
        ("http://brücke.example/v1", "http://xn--brcke-lva.example/v1/chat/completions"),
    ],
)
def test_questions_go_where_the_openai_client_sends_them(base_url: str, address: str) -> None:
    assert address_of_completions("fast", base_url) == address


def test_a_base_url_that_cannot_be_read_is_said_with_its_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "ü")  # another program's
    assert address_of_completions("fast", "http://127.0.0.1/v1")
    with pytest.raises(ConfigurationError, match="tier fast"):
        address_of_completions("fast", "http://☃.com/v1")
