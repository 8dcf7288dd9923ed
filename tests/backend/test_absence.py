"""A Redis that does not answer: what one has learnt holds for the others, and a burst waits for connections."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.absence import ALONE_S, Absence
from backend.conversations.cached import CachedHistory
from backend.conversations.models import Question, RunRecord, Turn
from backend.conversations.postgres import PostgresConversations
from backend.database import open_database
from backend.llm.breaker import Admission, Breaker
from backend.llm.circuit import Rules
from backend.redis_client import open_redis
from backend.settings import Settings
from tests.service import with_section


class Silent:
    """A Redis that hears everything and says nothing."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            self.heard.append(data)
        writer.close()

    def was_asked(self) -> bool:
        """Since this was asked last."""
        heard, self.heard = self.heard, []
        return bool(heard)


@pytest.fixture
async def silent() -> Silent:
    return Silent()


@pytest.fixture
async def redis(settings: Settings, silent: Silent) -> AsyncIterator[Redis]:
    """A client of the silent one."""
    server = await asyncio.start_server(silent.listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = open_redis(with_section(settings, "redis", url=f"redis://127.0.0.1:{port}/0"), 0.25, connections=5)
    yield client
    await client.aclose()
    server.close()


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[PostgresConversations]:
    engine = open_database(settings.database.url, pool_size=2)
    yield PostgresConversations(engine)
    await engine.dispose()


def breaker_on(redis: Redis, found: Absence) -> Breaker:
    return Breaker("fast", "a", redis, Rules(threshold=3, window_s=60, cooldown_s=60, probe_s=60), found)


async def begin(store: PostgresConversations) -> RunRecord:
    """A question with one before it."""
    run, _ = await store.begin(Question(str(uuid4()), "How loud?", None, None, 0.0, None, None, "hash"))
    return replace(run, seq=2, previous=uuid4())


async def test_a_history_is_read_from_the_database_where_redis_is_silent(
    store: PostgresConversations, redis: Redis, silent: Silent
) -> None:
    run = await begin(store)
    history = CachedHistory(store, redis, 60, 10, Absence())
    for is_asked in (True, False):
        assert await history.read(run) == [Turn("user", "How loud?")]
        assert silent.was_asked() is is_asked
    await asyncio.sleep(ALONE_S)
    await history.read(run)
    assert silent.was_asked()


async def test_what_the_limiter_has_found_holds_for_histories_and_breakers(
    store: PostgresConversations, redis: Redis, silent: Silent
) -> None:
    run, found = await begin(store), Absence()
    found.begin()
    assert await CachedHistory(store, redis, 60, 10, found).read(run) == [Turn("user", "How loud?")]
    assert await breaker_on(redis, found).admit() == Admission(clean=True)
    assert not silent.was_asked()


async def test_what_a_breaker_has_found_does_not_make_limits_stricter(redis: Redis, silent: Silent) -> None:
    found = Absence()
    breaker = breaker_on(redis, found)
    await breaker.admit()
    assert silent.was_asked()
    assert not found.lasts


@pytest.mark.alone
async def test_a_burst_waits_in_turn_for_a_connection_and_no_longer_than_for_an_answer(settings: Settings) -> None:
    client = open_redis(settings, 0.5, connections=2)
    assert all(await asyncio.gather(*(client.ping() for _ in range(50))))  # type: ignore[misc]
    await client.client_pause(1200)  # milliseconds
    started = time.monotonic()
    answers = await asyncio.gather(*(client.ping() for _ in range(50)), return_exceptions=True)  # type: ignore[misc]
    assert all(isinstance(answer, RedisError) for answer in answers)
    assert time.monotonic() - started < 1.1
    await client.aclose()
