"""What the journal's writer holds of runs, and for how long."""

import asyncio
from contextlib import suppress
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.chat.events import TokenEvent, encode
from backend.chat.journal import JournalWriter


class Frames:
    """A run of one frame."""

    def __init__(self) -> None:
        self.id = uuid4()
        self.frames = [encode(1, TokenEvent("Loud"))]


@pytest.mark.parametrize("is_away", [False, True])
async def test_a_run_that_is_forgotten_just_while_it_is_written_is_held_no_longer(redis: Redis, is_away: bool) -> None:
    connection = Redis.from_url("redis://127.0.0.1:1/0") if is_away else redis
    writer = JournalWriter(connection, 60)
    run = Frames()
    writer.changed(run)
    writing = asyncio.create_task(writer.flush())
    await asyncio.sleep(0)
    writer.forget(run)
    with suppress(RedisError):
        await writing
    assert (writer._written, writer._dirty) == ({}, set())
    await connection.aclose()
