"""Following a run of another worker, or one that has ended: through the journal, else from the saved answer."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from backend.cancelling import cancelled
from backend.chat import run as live
from backend.chat.draft import nothing_new
from backend.chat.events import KEEPALIVE, ErrorEvent, encode, frame_number, is_terminal
from backend.chat.journal import BATCH_S, JournalGap, JournalReader
from backend.chat.pulse import Pulse
from backend.chat.replay import RETOLD, error_data, retold
from backend.chat.sources import hide_removed
from backend.conversations.models import Message, RunRecord
from backend.conversations.store import ConversationStore
from backend.errors import INTERNAL_SENTENCE, InternalError, NotFound, Unavailable
from backend.knowledge.catalogue import Catalogue

log = logging.getLogger(__name__)

Item = TypeVar("Item")

POLL_S = 1.0
WRITTEN_S = 1.0  # so long after an answer was saved its frames are in Redis, unless that is away


class RemoteRuns:
    """Follows runs that are not in this process's memory.

    Frames that are not in Redis may come yet for `KEEP_ENDED_S` after the answer was saved: from the memory of the
    worker whose run it was, which writes them again when Redis came back.
    """

    def __init__(
        self,
        store: ConversationStore,
        catalogue: Catalogue,
        journal: JournalReader,
        pulse: Pulse,
        keepalive_s: float,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._journal = journal
        self._pulse = pulse
        self._keepalive_s = keepalive_s
        self.followed: Counter[UUID] = Counter()  # the runs that somebody reads here just now, and how many do

    async def follow(self, record: RunRecord, after: int) -> AsyncGenerator[bytes, None]:
        """The frames after number `after`; whatever goes wrong, the stream ends with a terminal frame."""
        position = after
        self.followed[record.id] += 1
        try:
            async with aclosing(with_pauses(self._frames(record, after), self._keepalive_s)) as batches:
                async for frames in batches:
                    if frames is not None:
                        position = frame_number(frames[-1])
                        yield b"".join(frames)
                    else:
                        yield KEEPALIVE
        except NotFound as error:  # the conversation was deleted meanwhile
            yield encode(position + 1, ErrorEvent(error_data(error, record, saved=False)))
        except Exception:
            log.exception("run %s cannot be followed", record.id)
            failure = ErrorEvent(error_data(InternalError(INTERNAL_SENTENCE), record, saved=False))
            yield encode(position + 1, failure)
        finally:
            self.followed[record.id] -= 1
            if not self.followed[record.id]:
                del self.followed[record.id]

    async def _frames(self, record: RunRecord, after: int) -> AsyncGenerator[list[bytes], None]:
        """Batches of frames, none of them empty."""
        position = after
        if record.running and after < RETOLD:
            with suppress(JournalGap):
                async with aclosing(self._journal.follow(record.id, after)) as batches:
                    async for frames in batches:
                        if frames:
                            position = frame_number(frames[-1])
                            yield frames
                            if is_terminal(frames[-1]):
                                return
                        elif await self._has_ended(record):
                            break
        there = after < RETOLD and await self._has_rest(record, position)
        if there:
            async with aclosing(self._journal.rest(record.id, position)) as batches:
                async for frames in batches:
                    position = frame_number(frames[-1])
                    yield frames
                    if is_terminal(frames[-1]):
                        return
        message = await self._shown(record)
        is_forgotten = datetime.now(UTC) - message.created_at >= timedelta(seconds=live.KEEP_ENDED_S)
        yield retold(message, message.sources, position, expired=there is False and is_forgotten)

    async def _has_rest(self, record: RunRecord, position: int) -> bool | None:
        """See `JournalReader.has_rest`; waits where the answer was saved just now, for its last frames are written
        behind that."""
        until = time.monotonic() + WRITTEN_S
        while True:
            there = await self._journal.has_rest(record.id, position)
            if there or time.monotonic() > until:
                return there
            message = await self._saved(record)
            if message is None or datetime.now(UTC) - message.created_at > timedelta(seconds=WRITTEN_S):
                return there
            await asyncio.sleep(BATCH_S)

    async def _has_ended(self, record: RunRecord) -> bool:
        """Whether the run is over; one whose heart has stopped is ended here and now."""
        try:
            now = await self._store.find_run(record.id, record.owner)
            if now.running and self._pulse.is_dead(now):
                await self._pulse.end(now)
                return True
        except Unavailable:
            self._pulse.forget()
            return False
        return not now.running

    async def _shown(self, record: RunRecord) -> Message:
        """The answer with its sources as they may be shown now, as soon as it is there."""
        while True:
            with suppress(Unavailable):
                if (message := await self._saved(record)) is not None:
                    return replace(message, sources=await living_sources(self._catalogue, message.sources))
            await asyncio.sleep(POLL_S)

    async def _saved(self, record: RunRecord) -> Message | None:
        """The answer, or None while the database is away or the run goes on. Raises `NotFound` once it is deleted."""
        try:
            message = await self._store.find_answer(record.id, record.owner)
            if message is None and await self._has_ended(record):
                message = await self._store.find_answer(record.id, record.owner)
                if message is None and record.replaces is not None:
                    return nothing_new(await self._store.find_run(record.id, record.owner))
                if message is None:
                    raise NotFound("The answer is gone.")
        except Unavailable:
            return None
        return message


async def with_pauses(items: AsyncGenerator[Item, None], longest_s: float) -> AsyncGenerator[Item | None, None]:
    """The items as they come, and None whenever none came for so long, whatever they wait for."""
    while True:
        coming = asyncio.ensure_future(anext(items, None))
        coming.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be left to ask for it
        try:
            while not (await asyncio.wait({coming}, timeout=longest_s))[0]:
                yield None
            if (item := coming.result()) is None:
                return
            yield item
        except BaseException:  # the reader has left
            if coming.done():
                await items.aclose()
            else:
                await cancelled(coming)  # which closes the items from within
            raise


async def living_sources(catalogue: Catalogue, snapshot: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A message's sources as they may be shown now: those of deleted documents without their text."""
    (shown,) = await living_snapshots(catalogue, [snapshot])
    return shown


async def living_snapshots(
    catalogue: Catalogue, snapshots: Collection[list[dict[str, Any]]]
) -> list[list[dict[str, Any]]]:
    """The same for several messages, with one question to the catalogue."""
    documents = {UUID(source["document_id"]) for snapshot in snapshots for source in snapshot}
    living = {str(document_id) for document_id in await catalogue.find_documents(documents)}
    return [hide_removed(snapshot, living) for snapshot in snapshots]
