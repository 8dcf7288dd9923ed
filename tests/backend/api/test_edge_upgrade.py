"""Clients that would rather go on in another protocol: Java's own and curl --http2 ask so with every request."""

import asyncio

import pytest

from tests.backend.api.test_edge_connection import LIVE, assert_refused, question, request
from tests.wire import Wire, exchange


@pytest.mark.parametrize("protocol", ["websocket", "h2c"])
async def test_a_client_that_would_rather_speak_another_protocol_is_answered_in_this_one(
    service: str, protocol: str
) -> None:
    upgrade = ("Connection: Upgrade", f"Upgrade: {protocol}", "Sec-WebSocket-Version: 13")
    async with await Wire.to(service) as wire:
        await wire.send(request("GET", "/health/live", *upgrade) + b"\0\1\2" * 1000)
        assert (await wire.reply()).status == 200
        assert await wire.closed()


@pytest.mark.parametrize(
    "upgrade",
    [
        ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAA"),
        ("Connection: upgrade", "Connection: keep-alive", "Upgrade: TLS/1.2"),
    ],
    ids=["h2c", "two lines"],
)
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("pieces", [1, 2, 7])
async def test_its_body_is_read_all_the_same_and_the_connection_serves_on(
    service: str, upgrade: tuple[str, ...], chunked: bool, pieces: int
) -> None:
    asked = question()
    sent = request("POST", "/api/v1/chat", *upgrade, body=asked)
    if chunked:
        head = request("POST", "/api/v1/chat", *upgrade, "Content-Type: application/json", "Transfer-Encoding: chunked")
        sent = head + f"{len(asked):x}\r\n".encode() + asked + b"\r\n0\r\n\r\n"
    size = len(sent) // pieces + 1
    async with await Wire.to(service) as wire, asyncio.timeout(20):
        for start in range(0, len(sent), size):
            await wire.send(sent[start : start + size])
            await asyncio.sleep(0.02)
        reply = await wire.reply()
        assert (reply.status, reply.body.count(b"event: done")) == (200, 1)
        await wire.send(LIVE)
        assert (await wire.reply()).status == 200


@pytest.mark.parametrize("upgrade", [(), ("Connection: Upgrade", "Upgrade: h2c")], ids=["alone", "with another"])
async def test_nobody_is_given_a_tunnel(service: str, upgrade: tuple[str, ...]) -> None:
    reply = await exchange(service, request("CONNECT", "example.org:443", *upgrade) + LIVE)
    assert 400 <= reply.status < 500
    assert reply.json["error"].endswith(".")


async def test_a_body_of_two_lengths_is_refused_whatever_protocol_is_wished_for(service: str) -> None:
    upgrade = ("Connection: Upgrade", "Upgrade: h2c", "Transfer-Encoding: chunked")
    assert_refused(
        await exchange(service, request("POST", "/api/v1/chat", *upgrade, body=b"0\r\n\r\n")), 400, "invalid_request"
    )
