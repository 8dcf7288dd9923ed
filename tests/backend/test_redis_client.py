"""What a client of Redis raises where Redis goes away."""

import socket
import struct
from collections.abc import Iterator
from threading import Thread

import pytest
import uvloop
from redis.exceptions import RedisError

from backend.redis_client import open_redis
from backend.settings import Settings
from tests.service import with_section

RESET = struct.pack("ii", 1, 0)  # for SO_LINGER: close() throws away and resets


@pytest.fixture
def resetting() -> Iterator[int]:
    """The port of a server that accepts each connection and resets it at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                connection.close()

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_connections_that_are_reset_at_once_are_a_redis_that_is_away(settings: Settings, resetting: int) -> None:
    away = with_section(settings, "redis", url=f"redis://127.0.0.1:{resetting}/0")

    async def ask_often() -> int:
        refused = 0
        for _ in range(200):
            client = open_redis(away, 1, connections=2)
            try:
                await client.ping()
            except RedisError:
                refused += 1
            await client.aclose()
        return refused

    assert uvloop.run(ask_often()) == 200
