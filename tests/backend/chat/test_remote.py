"""Following a run of another worker while the database is away for a moment."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from redis.asyncio import Redis

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
    """A database that has the answer."""

    async def find_answer(self, run_id: UUID, owner: str) -> Message | None:
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


async def test_a_saved_answer_is_told_also_where_the_database_is_away_just_before(redis: Redis) -> None:
    runs = remote(redis, Store(), Catalogue(times=1))
    told = b"".join([piece async for piece in runs.follow(RUN, 0)])
    events = read_all([told])
    assert (text_of(events), [event.event for event in events]) == (ANSWER.content, ["sources", "token", "done"])
