"""The edge as a hostile client meets it on a connection: heads, bodies and pauses that no client library makes."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable

import pytest

from backend.settings import Settings
from tests.model_server import ModelServer
from tests.service import QUESTION, Visitor, running, with_model, with_section
from tests.wire import Reply, Wire, exchange

RECEIVE_TIMEOUT_S = 0.5
LARGEST = 32 * 1024
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
async def service(library: Settings, model: ModelServer) -> AsyncIterator[str]:
    """A service that soon has enough of slow senders."""
    hurried = with_section(with_model(library, model.base_url), "server", receive_timeout_s=RECEIVE_TIMEOUT_S)
    hurried = with_section(hurried, "chat", grace_s=0.2)
    async with running(hurried) as address:
        yield address


def request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    """A request as bytes, with a length where it has a body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: test", *headers]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def question(**fields: object) -> bytes:
    return json.dumps({"query": QUESTION, **fields}).encode()


LIVE = request("GET", "/health/live")


def assert_refused(reply: Reply, status: int, code: str) -> None:
    assert reply.status == status
    assert reply.json["code"] == code
    assert reply.json["error"].endswith(".")
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.alone
@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (lambda much: request("GET", "/health/live", f"X-Any: {'a' * much}"), 431, "invalid_request"),
        (lambda much: request("GET", f"/health/live?{'a' * much}"), 431, "invalid_request"),
        (lambda much: request("GET", "/health/live", *["X-Any: aaaaaaaaaa"] * (much // 10)), 431, "invalid_request"),
        (lambda much: request("GET", "/health/live", f"{'x' * much}: any"), 431, "invalid_request"),
        (lambda much: request("POST", "/api/v1/chat", f"X-Visitor-Token: {'a' * much}"), 401, "unauthenticated"),
        (lambda much: request("POST", "/api/v1/chat", f"Authorization: Bearer {'a' * much}"), 401, "unauthenticated"),
    ],
    ids=["header", "address", "many headers", "name", "visitor token", "credentials"],
)
@pytest.mark.parametrize("much", [LARGEST, MEGABYTE, 20 * MEGABYTE])
async def test_a_head_that_is_too_large_is_refused_with_a_status_at_once(
    service: str, head: Callable[[int], bytes], much: int, status: int, code: str
) -> None:
    sent = head(much)
    began = time.monotonic()
    assert_refused(await exchange(service, sent), status, code)
    assert time.monotonic() - began < 2


async def test_a_head_just_below_the_limit_is_read(service: str) -> None:
    assert (await exchange(service, request("GET", "/health/live", f"X-Any: {'a' * (LARGEST - 100)}"))).status == 200


async def test_an_endless_header_is_refused_while_it_comes_and_others_are_served(service: str) -> None:
    async with await Wire.to(service) as endless, await Wire.to(service) as other:
        begun = b"GET /health/live HTTP/1.1\r\nX-Endless: "
        pouring = asyncio.create_task(endless.pour(begun, b"a" * 65536))
        assert_refused(await endless.reply(), 431, "invalid_request")
        slowest = 0.0
        for _ in range(20):
            began = time.monotonic()
            await other.send(LIVE)
            assert (await other.reply()).status == 200
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 0.5
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(pouring, 10)


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"G",
        b"GET /health/live HTTP/1.1\r\nHost: te",
        b"\r\n",
        request("POST", "/api/v1/chat", body=question())[:-1],
        request("POST", "/api/v1/chat", "Content-Type: application/json", "Transfer-Encoding: chunked") + b'5\r\n{"que',
    ],
    ids=["nothing", "a letter", "half a head", "an empty line", "half a body", "half a chunk"],
)
async def test_a_client_that_stops_sending_is_cut(service: str, begun: bytes) -> None:
    async with await Wire.to(service) as wire:
        began = time.monotonic()
        await wire.send(begun)
        assert await wire.closed()
        assert RECEIVE_TIMEOUT_S * 0.8 < time.monotonic() - began < RECEIVE_TIMEOUT_S + 3


@pytest.mark.parametrize("before", [b"", LIVE], ids=["at first", "after a request"])
@pytest.mark.parametrize(
    "slowly",
    [
        b"GET /health/live HTTP/1.1\r\nHost: test\r\nX-Slow: " + b"a" * 1000,
        request("POST", "/api/v1/chat", body=question() + b" " * 1000),
        b"\r\n" * 500,
    ],
    ids=["head", "body", "empty lines"],
)
async def test_a_client_that_sends_byte_by_byte_is_cut(service: str, before: bytes, slowly: bytes) -> None:
    async with await Wire.to(service) as wire:
        if before:
            await wire.send(before)
            assert (await wire.reply()).status == 200

        async def drip() -> None:
            for byte in slowly:
                await wire.send(bytes([byte]))
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        began = time.monotonic()
        assert await wire.closed()
        assert time.monotonic() - began < RECEIVE_TIMEOUT_S + 3
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)


async def test_a_reader_is_not_cut_for_what_it_need_not_send(service: str, model: ModelServer) -> None:
    model.answer, model.tokens_per_s = "word " * 60, 40
    async with await Wire.to(service) as wire:
        await wire.send(request("POST", "/api/v1/chat", body=question()) + b"\r\n")
        await asyncio.sleep(RECEIVE_TIMEOUT_S / 2)
        await wire.send(b"\r\n")
        reply = await wire.reply()
    assert reply.status == 200
    assert b"event: done" in reply.body


async def test_a_body_in_pieces_that_is_too_large_is_413(service: str) -> None:
    head = request("POST", "/api/v1/chat", "Content-Type: application/json", "Transfer-Encoding: chunked")
    async with await Wire.to(service) as wire:
        await wire.send(head + b"10001\r\n" + b" " * 0x10001 + b"\r\n")
        assert_refused(await wire.reply(), 413, "body_too_large")


@pytest.mark.parametrize("path", ["/api/v1/chat/runs/4e6b8a26-58e3-4ed6-8f39-7d6f4cc3ab0b/events", "/api/v1/creators"])
async def test_a_large_body_is_413_also_where_none_is_read(service: str, path: str) -> None:
    sent = request("GET", path, body=b" " * 70_000)
    assert_refused(await exchange(service, sent), 413, "body_too_large")


async def test_a_stream_goes_on_whatever_its_reader_sends_beside_it(service: str, visitor: Visitor) -> None:
    run = (await visitor.ask()).run_id
    head = request(
        "GET", f"/api/v1/chat/runs/{run}/events", f"X-Visitor-Token: {visitor.token}", "Transfer-Encoding: chunked"
    )
    reply = await exchange(service, head + b"20000\r\n" + b" " * 0x20000 + b"\r\n0\r\n\r\n")
    assert reply.status == 200
    assert b"event: done" in reply.body


@pytest.mark.parametrize(
    "lying",
    [
        request("POST", "/api/v1/chat", "Content-Length: 10", "Content-Length: 20") + b"{}",
        request("POST", "/api/v1/chat", "Content-Length: 10", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
        request("POST", "/api/v1/chat", "Content-Length: -1"),
        request("POST", "/api/v1/chat", "Content-Length: 1e3"),
        request("POST", "/api/v1/chat", "Content-Length: " + "9" * 5000),
        request("POST", "/api/v1/chat", "Transfer-Encoding: gzip"),
        request("POST", "/api/v1/chat", "Transfer-Encoding: chunked") + b"xyz\r\n",
        request("GET", "/health/live", "X-Any: a\0b"),
        request("GET", "/health/live", "X-Any: a\rb"),
        b"NONSENSE\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: test\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nHost: test\r\n\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: test\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_what_is_no_request_is_refused_in_our_form_and_reaches_nobody(service: str, lying: bytes) -> None:
    async with await Wire.to(service) as wire:
        await wire.send(lying)
        assert_refused(await wire.reply(), 400, "invalid_request")
        assert await wire.closed()


async def test_a_length_that_is_too_small_makes_the_rest_no_part_of_the_question(service: str) -> None:
    body = question()
    head = request("POST", "/api/v1/chat", "Content-Type: application/json", f"Content-Length: {len(body)}")
    async with await Wire.to(service) as wire:
        await wire.send(head + body + b'{"query": "smuggled"}')
        assert (await wire.reply()).status == 200
        assert await wire.closed()


async def test_a_second_request_is_not_held_while_the_first_is_answered(service: str, model: ModelServer) -> None:
    model.answer, model.tokens_per_s = "word " * 30, 60
    async with await Wire.to(service) as wire:
        await wire.send(request("POST", "/api/v1/chat", body=question()) + LIVE * 2000)
        first = await wire.reply()
        assert first.status == 200
        assert first.body.count(b"event: done") == 1
        assert await wire.closed()


async def test_a_reader_who_sent_more_and_left_is_noticed(service: str, model: ModelServer) -> None:
    model.answer, model.tokens_per_s = "word " * 3000, 20
    async with await Wire.to(service) as wire:
        await wire.send(request("POST", "/api/v1/chat", body=question()))
        await wire.reader.readuntil(b"event: token")
        await wire.send(LIVE)
    assert await model.no_stream_open(within_s=5)


async def test_trailers_are_no_headers(service: str) -> None:
    head = request("POST", "/api/v1/chat", "Content-Type: application/json", "Transfer-Encoding: chunked")
    body = question()
    chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\nX-Visitor-Token: forged\r\n\r\n"
    assert (await exchange(service, head + chunk)).status == 200


@pytest.mark.parametrize("piece", [b"a" * 65536, b"X-Trailer: a\r\n" * 5000], ids=["one", "many"])
async def test_endless_trailers_are_refused(service: str, piece: bytes) -> None:
    head = request("POST", "/api/v1/chat", "Content-Type: application/json", "Transfer-Encoding: chunked")
    async with await Wire.to(service) as wire:
        pouring = asyncio.create_task(wire.pour(head + b"2\r\n{}\r\n0\r\nX-Endless: ", piece))
        assert_refused(await wire.reply(), 431, "invalid_request")
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(pouring, 10)
