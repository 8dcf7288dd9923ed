"""Clients of Redis that give up in time and raise what its absence is known by."""

from collections.abc import Iterable

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as ConnectionLost

from backend.settings import Settings


class LossTold(AbstractConnection):
    """A connection that is lost between two commands says so as one that is lost in the middle of one does. uvloop
    raises a bare RuntimeError for what is written to a closed transport, where asyncio's own loop raises an OSError."""

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        try:
            await super().send_packed_command(command, check_health)
        except RuntimeError as error:
            raise ConnectionLost("The connection was closed.") from error


def open_redis(settings: Settings, timeout_s: float, connections: int) -> Redis:
    """A client that connects on first use and gives up whatever takes longer than `timeout_s`: to connect, to be
    answered, and to have one of the connections, for which a burst of questions waits in turn. Raises a RedisError
    where Redis is away."""
    pool = BlockingConnectionPool.from_url(
        settings.redis.url,
        max_connections=connections,
        timeout=timeout_s,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=None,
    )
    kind = pool.connection_class  # as the URL says: TCP, TLS or a socket of the file system
    pool.connection_class = type("Connection", (LossTold, kind), {})
    return Redis.from_pool(pool)
