"""Following a run of another worker while the database hangs, or is away for a moment."""

import asyncio
from collections.abc import Collection
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from redis.asyncio import Redis

from backend.cancelling import AGAIN_S, cancelled
from backend.chat.events import KEEPALIVE
from backend.chat.journal import JournalReader
from backend.chat.pulse import Pulse
from backend.chat.remote import RemoteRuns
from backend.conversations.models import Message, RunRecord
from backend.errors import Unavailable
from tests.sse import read_all, text_of

NOW = datetime.now(UTC)
RUN = RunRecord(uuid4(), uuid4(), uuid4(), 1, "me", running=False, heartbeat_at=NOW)
DONE: dict[str, Any] = {"run_id": str(RUN.id), "finish_reason": "stop"}
ANSWER = Message(
    RUN.message_id, 2, "assistant", "Loud [1].", "complete", [], [], "fast", "stop", NOW - timedelta(minutes=1), DONE
)


class Store:
    """A database that has the answer, and takes its time."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    async def find_answer(self, run_id: UUID, owner: str) -> Message | None:
        await asyncio.sleep(self.seconds)
        return ANSWER


class Catalogue:
    """Of a database that is away so many times."""

    def __init__(self, times: int = 0) -> None:
        self.times = times

    async def find_documents(self, ids: Collection[UUID]) -> dict[UUID, Any]:
        if self.times:
            self.times -= 1
            raise Unavailable("The service cannot reach its database; try again shortly.")
        return {}


def remote(redis: Redis, store: Any, catalogue: Any) -> RemoteRuns:
    journal = JournalReader(redis)
    return RemoteRuns(store, catalogue, journal, Pulse(store, journal), keepalive_s=0.3)


async def test_a_reader_hears_comments_also_while_the_database_hangs(redis: Redis) -> None:
    runs = remote(redis, Store(seconds=2.0), Catalogue())
    pieces = [piece async for piece in runs.follow(RUN, 0)]
    assert pieces[:5] == [KEEPALIVE] * 5


async def test_a_reader_who_leaves_while_the_database_hangs_also_in_being_given_up_has_only_left(redis: Redis) -> None:
    class Stubborn(Store):
        async def find_answer(self, run_id: UUID, owner: str) -> Message | None:
            try:
                return await super().find_answer(run_id, owner)
            finally:
                await asyncio.sleep(3 * AGAIN_S)

    runs = remote(redis, Stubborn(seconds=60.0), Catalogue())

    async def read() -> None:
        async with aclosing(runs.follow(RUN, 0)) as pieces:
            async for _ in pieces:
                pass

    reading = asyncio.create_task(read())
    await asyncio.sleep(0.2)
    await cancelled(reading)
    assert reading.cancelled()
    assert not runs.followed


async def test_a_saved_answer_is_told_also_where_the_database_is_away_just_before(redis: Redis) -> None:
    runs = remote(redis, Store(), Catalogue(times=1))
    told = b"".join([piece async for piece in runs.follow(RUN, 0)])
    events = read_all([told])
    assert (text_of(events), [event.event for event in events]) == (ANSWER.content, ["sources", "token", "done"])
