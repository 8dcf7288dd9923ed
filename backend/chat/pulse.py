"""Finds runs whose worker is gone, and ends them."""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from backend.chat.journal import JournalReader
from backend.chat.replay import ending, recovered
from backend.conversations.models import RunRecord
from backend.conversations.store import ConversationStore

log = logging.getLogger(__name__)

HEARTBEAT_S = 3
STALE_S = 15  # five missed heartbeats


class Pulse:
    """Watches heartbeats. A run is dead when its heartbeat has not changed for 15 s of our own watching: age alone says
    nothing, because after an outage of the database every heartbeat is old."""

    def __init__(
        self, store: ConversationStore, journal: JournalReader, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock
        self._seen: dict[UUID, tuple[datetime, float]] = {}

    def is_dead(self, record: RunRecord) -> bool:
        """Takes note of a running run's heartbeat, and judges."""
        now = self._clock()
        beat, since = self._seen.get(record.id, (None, now))
        if beat != record.heartbeat_at:
            self._seen[record.id] = (record.heartbeat_at, now)
            return False
        return now - since >= STALE_S

    def forget(self) -> None:
        """The database was away: what has been seen before says nothing any more."""
        self._seen.clear()

    async def recover(self) -> None:
        """Ends every run that is dead, each for itself."""
        late = await self._store.stale_runs(2 * HEARTBEAT_S)
        self._seen = {record.id: self._seen[record.id] for record in late if record.id in self._seen}
        for record in late:
            if self.is_dead(record):
                log.warning("run %s has lost its worker and is ended", record.id)
                await self.end(record)

    async def end(self, record: RunRecord) -> None:
        """Saves a run as interrupted, with what its journal still holds; nothing where somebody has ended it before."""
        frames = await self._journal.read(record.id)
        answer = recovered(frames, record)
        if await self._store.finish(record, answer) and answer.frames is None:
            # Who has followed the journal to its end has what is saved, and lacks only this.
            await self._journal.conclude(record.id, len(frames), ending(answer.terminal))

    async def end_all(self) -> None:
        """Ends whatever still counts as running. Only for a start at which nobody else can be serving."""
        for record in await self._store.stale_runs(-1):
            await self.end(record)
