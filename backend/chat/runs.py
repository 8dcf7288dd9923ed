"""All runs: those of this worker in memory, those of others through the journal, ended ones from the database."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.chat.events import KEEPALIVE, ErrorEvent, frame_number
from backend.chat.journal import JournalGap, JournalReader, JournalWriter, readers_key, stop_key
from backend.chat.recovery import recover_run, recover_runs
from backend.chat.replay import error_data, is_terminal, replay
from backend.chat.run import Run
from backend.conversations.models import Message, RunRecord
from backend.conversations.store import ConversationStore
from backend.errors import FootnoteError, Interrupted, Unavailable

log = logging.getLogger(__name__)

KEEP_ENDED_S = 30  # an ended run stays in memory this long, for readers that are just reconnecting
HEARTBEAT_S = 3
STALE_S = 15  # five missed heartbeats: the worker is gone
STOP_POLL_S = 0.4


class Runs:
    """Starts, follows and stops runs. `open` and `close` belong to the lifespan."""

    def __init__(
        self,
        *,
        store: ConversationStore,
        redis: Redis,
        blocking_redis: Redis,
        journal_ttl_s: int,
        keepalive_s: float,
        grace_s: float,
    ) -> None:
        self._store = store
        self._redis = redis
        self._writer = JournalWriter(redis, journal_ttl_s)
        self._reader = JournalReader(blocking_redis)
        self._keepalive_s = keepalive_s
        self._grace_s = grace_s
        self._runs: dict[UUID, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._background: list[asyncio.Task[None]] = []
        self.draining = False

    def open(self) -> None:
        """Starts the background tasks: journal, heartbeat, and stops that other workers ask for."""
        for work in (self._writer.run(), self._beat(), self._watch_stops()):
            self._background.append(asyncio.create_task(work))

    async def close(self) -> None:
        """Ends what still runs, saved, and then the background tasks."""
        await self.drain(0)
        with suppress(RedisError, OSError, TimeoutError):
            await self._writer.flush()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    def start(self, record: RunRecord, answer: Callable[[Run], Awaitable[None]]) -> Run:
        """Starts the task that answers, detached from whoever asked."""
        run = Run(record, self._writer.changed, self._last_reader_left)
        self._runs[run.id] = run
        task = asyncio.create_task(self._drive(run, answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run

    async def follow(self, run_id: UUID, owner: str, after: int = 0) -> AsyncGenerator[bytes, None]:
        """The stream of a run after frame `after`, from wherever it is. Raises `NotFound` before the first byte only.

        One function serves the first reader, reconnects, second tabs and other workers.
        """
        local = self._runs.get(run_id)
        if local is not None and local.record.owner == owner:
            return local.follow(after, self._keepalive_s)
        record = await self._store.find_run(run_id, owner)
        return self._follow_remote(record, after)

    async def stop(self, run_id: UUID, owner: str) -> None:
        """Stops a run of this owner wherever it is; an ended one stays as it is. Raises `NotFound`."""
        local = self._runs.get(run_id)
        if local is not None and local.record.owner == owner:
            local.stop("stopped")
            return
        record = await self._store.find_run(run_id, owner)
        if record.running:
            await self._reader.request_stop(run_id)

    async def drain(self, seconds: float) -> None:
        """No new runs; running ones get `seconds` to finish and are then ended, saved, with a retryable error."""
        self.draining = True
        if self._tasks and seconds > 0:
            await asyncio.wait(self._tasks, timeout=seconds)
        for run in self._runs.values():
            run.stop("shutdown")
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def redis_ready(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(await self._redis.ping())
        except (RedisError, OSError, TimeoutError):
            return False

    async def _drive(self, run: Run, answer: Callable[[Run], Awaitable[None]]) -> None:
        try:
            await answer(run)
        finally:
            if not run.ended:
                run.append(ErrorEvent(error_data(Interrupted(), run.record, saved=False)))
            asyncio.get_running_loop().call_later(KEEP_ENDED_S, self._forget, run.id)

    def _forget(self, run_id: UUID) -> None:
        self._runs.pop(run_id, None)
        self._writer.forget(run_id)

    def _last_reader_left(self, run: Run) -> None:
        asyncio.get_running_loop().call_later(self._grace_s, self._end_if_abandoned, run)

    def _end_if_abandoned(self, run: Run) -> None:
        if run.readers or run.ended:
            return
        task = asyncio.create_task(self._check_remote_readers(run))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _check_remote_readers(self, run: Run) -> None:
        with suppress(RedisError, OSError, TimeoutError):
            if await self._redis.exists(readers_key(run.id)):
                self._last_reader_left(run)
                return
        if not run.readers:
            run.stop("abandoned")

    async def _follow_remote(self, record: RunRecord, after: int) -> AsyncGenerator[bytes, None]:
        """Frames through the journal; where it has lost some, the saved answer."""
        position, silent_since = after, time.monotonic()
        if record.running:
            with suppress(JournalGap):
                async with aclosing(self._reader.follow(record.id, after)) as batches:
                    async for frames in batches:
                        if frames:
                            position, silent_since = frame_number(frames[-1]), time.monotonic()
                            yield b"".join(frames)
                            if is_terminal(frames[-1]):
                                return
                        elif await self._has_ended(record):
                            break
                        elif time.monotonic() - silent_since >= self._keepalive_s:
                            silent_since = time.monotonic()
                            yield KEEPALIVE
        rest = [frame for frame in await self._reader.read(record.id) if frame_number(frame) > position]
        if rest and frame_number(rest[0]) == position + 1 and is_terminal(rest[-1]):
            yield b"".join(rest)
            return
        while (message := await self._saved(record)) is None:
            yield KEEPALIVE
            await asyncio.sleep(1)
        yield b"".join(replay(message, position))

    async def _has_ended(self, record: RunRecord) -> bool:
        """Whether the run is over; one whose heart has stopped is ended here and now."""
        try:
            now = await self._store.find_run(record.id, record.owner)
            if now.running and now.heartbeat_age_s > STALE_S:
                await recover_run(self._store, self._reader, record)
                return True
        except Unavailable:
            return False
        except FootnoteError:
            return True  # the conversation was deleted meanwhile
        return not now.running

    async def _saved(self, record: RunRecord) -> Message | None:
        try:
            return await self._store.find_answer(record.id)
        except Unavailable:
            return None

    async def _beat(self) -> None:
        while True:
            running = [run.id for run in self._runs.values() if not run.ended]
            try:
                if running:
                    await self._store.beat(running)
                await recover_runs(self._store, self._reader, STALE_S)
            except Unavailable:
                log.warning("the database is away; heartbeats wait for it")
            await asyncio.sleep(HEARTBEAT_S)

    async def _watch_stops(self) -> None:
        while True:
            await asyncio.sleep(STOP_POLL_S)
            running = [run for run in self._runs.values() if not run.ended]
            if not running:
                continue
            with suppress(RedisError, OSError, TimeoutError):
                asked = await self._redis.mget([stop_key(run.id) for run in running])
                for run, flag in zip(running, asked, strict=True):
                    if flag:
                        run.stop("stopped")
