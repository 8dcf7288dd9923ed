"""Ending the run of a worker that is gone."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from redis.asyncio import Redis

from backend.chat.events import ErrorEvent, SourcesEvent, TokenEvent, encode
from backend.chat.journal import JournalReader, JournalWriter
from backend.chat.pulse import Pulse
from backend.chat.replay import error_data
from backend.chat.saving import NOT_SAVED
from backend.conversations.models import Answer, RunRecord
from backend.errors import Unavailable

RUN = RunRecord(uuid4(), uuid4(), uuid4(), 1, "me", running=True, heartbeat_at=datetime.now(UTC))


@dataclass
class Store:
    """A database that is back."""

    saved: Answer | None = None

    async def finish(self, run: RunRecord, answer: Answer) -> bool:
        self.saved = answer
        return True


@dataclass(eq=False)
class Written:
    """A run as its worker has written it."""

    frames: list[bytes]
    id = RUN.id


async def test_a_run_whose_end_was_told_before_its_worker_died_is_not_ended_a_second_time(redis: Redis) -> None:
    told = error_data(Unavailable(NOT_SAVED, retry_after=2), RUN, saved=False)
    events = (SourcesEvent([]), TokenEvent("Loud"), ErrorEvent(told))
    run = Written([encode(number, event) for number, event in enumerate(events, 1)])
    writer, store = JournalWriter(redis, 60), Store()
    writer.changed(run)
    await writer.flush()
    await Pulse(store, JournalReader(redis)).end(RUN)  # type: ignore[arg-type]
    assert not await anext(JournalReader(redis).rest(RUN.id, len(run.frames)), [])
    assert store.saved is not None
    assert (store.saved.content, store.saved.status) == ("Loud", "interrupted")
    assert (store.saved.terminal, store.saved.frames) == (told, len(run.frames))
