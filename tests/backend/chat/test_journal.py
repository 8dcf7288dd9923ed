"""What the journal's writer holds of runs, and for how long."""

import asyncio
from contextlib import suppress
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.chat.events import TokenEvent, encode
from backend.chat.journal import JournalReader, JournalWriter, frames_key


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


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_a_journal_that_redis_has_lost_is_written_anew_unless_its_run_is_deleted(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, is_deleted: bool
) -> None:
    monkeypatch.setattr("backend.chat.journal.RETRY_S", 0.3)
    writer, run = JournalWriter(redis, 60), Frames()
    for number in range(2, 6):
        writer.changed(run)
        await writer.write()
        if number == 2:
            await redis.delete(frames_key(run.id))
        run.frames.append(encode(number, TokenEvent("and louder")))
    if is_deleted:
        writer.forget(run)
        await asyncio.sleep(0.4)
    else:
        with suppress(TimeoutError):
            await asyncio.wait_for(writer.write(), 3)
    written = await JournalReader(redis).read(run.id)
    assert written == ([] if is_deleted else run.frames)
    assert is_deleted or await redis.ttl(frames_key(run.id)) > 0
