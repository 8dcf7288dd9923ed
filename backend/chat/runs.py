"""All runs: those of this worker in memory, every other one through `remote`."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.cancelling import cancelled
from backend.chat import run as live
from backend.chat.events import ErrorEvent
from backend.chat.journal import JournalReader, JournalWriter, frames_key, readers_key, request_stop, stop_key
from backend.chat.pulse import HEARTBEAT_S, Pulse
from backend.chat.readers import Readers
from backend.chat.remote import RemoteRuns
from backend.chat.replay import RETOLD, error_data, has_all_retold
from backend.chat.run import Run
from backend.chat.saving import DRAINING_SAVE_S, LAST_FRAMES_S, save_late
from backend.conversations.models import Answer, Deleted, RunRecord
from backend.conversations.store import ConversationStore
from backend.errors import INTERNAL_SENTENCE, InternalError, NotFound, Unavailable
from backend.knowledge.catalogue import Catalogue

log = logging.getLogger(__name__)

STOP_POLL_S = 0.2
TELL_S = 1.0
CLOSING_S = 0.1
RETRY_S = 1.0


class Runs:
    """Starts, follows and stops runs. `open` and `close` belong to the lifespan."""

    def __init__(
        self,
        *,
        store: ConversationStore,
        catalogue: Catalogue,
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
        self._pulse = Pulse(store, self._reader)
        self._remote = RemoteRuns(store, catalogue, self._reader, self._pulse, keepalive_s)
        self._keepalive_s = keepalive_s
        self._grace_s = grace_s
        self._readers = Readers()
        self._runs: dict[UUID, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._background: list[asyncio.Task[None]] = []
        self.draining = False
        self._end: float | None = None
        self.drained = asyncio.Event()  # the drain time is over

    def open(self) -> None:
        """Starts the background tasks: journal, heartbeat, stops that others ask for, and readers to tell them of."""
        for work in (self._writer.write, self._beat, self._watch_stops, self._tell_of_readers):
            self._background.append(asyncio.create_task(self._again_and_again(work)))

    async def close(self) -> None:
        """Ends what still runs, saved, and then the background tasks."""
        await self.drain(0)
        with suppress(RedisError, OSError, TimeoutError):
            await self._writer.flush()
        # One that waits for a database that hangs closes its connection in grace first, unless it is told again.
        await asyncio.gather(*(cancelled(task, CLOSING_S) for task in self._background))

    def start(self, record: RunRecord, answer: Callable[[Run], Awaitable[None]]) -> None:
        """Starts the task that answers, detached from whoever asked."""
        run = Run(record, self._writer.changed, self._last_reader_left)
        self._runs[run.id] = run
        if self.drained.is_set():
            run.stop("shutdown")
        self._last_reader_left(run)  # who asked may be gone before reading begins
        self._spawn(self._drive(run, answer))

    def disown(self, run_id: UUID, owner: str) -> None:
        """Ends a run, should it be there after all, of which the database could not say whether it has begun: nobody
        drives it, and its conversation would be busy until somebody misses its heartbeat."""
        self._spawn(self._end_disowned(run_id, owner))

    def save_late(self, run: Run, answer: Answer) -> None:
        """Commits an answer for which its readers do not wait any more: until then its conversation is busy."""
        saving = asyncio.create_task(save_late(self._store, run, answer))
        self._background.append(saving)
        saving.add_done_callback(self._background.remove)

    async def follow(
        self, run_id: UUID, owner: str, after: int = 0, *, known: bool = False
    ) -> AsyncGenerator[bytes, None] | None:
        """The stream of a run after frame `after`, from wherever it is; None where there is nothing to come.

        One function serves the first reader, reconnects, second tabs and other workers. `known` says that the database
        has just told of the run: else it is asked whether the conversation is still there. Call it in the task in which
        the stream is read then. Raises `NotFound`, or `RateLimited` for an owner who reads too much at once; who has
        just asked is not refused for that.
        """
        local = self._runs.get(run_id)
        if known and local is not None and local.is_unread:
            local.is_unread = False
        else:
            self._readers.admit(owner)
        if local is not None and local.record.owner == owner and after < RETOLD:
            if not known:
                with suppress(Unavailable):  # an answer can be read on while the database is away
                    await self._store.find_run(run_id, owner)
            if local.ended and after >= len(local.frames):
                return None
            return local.follow(after, self._keepalive_s)
        record = await self._store.find_run(run_id, owner)
        if has_all_retold(after) or (record.frames is not None and record.frames <= after < RETOLD):
            return None
        if record.running:
            await self._tell_of([run_id])  # at once: its time of grace may be about to end
        return self._remote.follow(record, after)

    async def stop(self, run_id: UUID, owner: str) -> None:
        """Stops a run of this owner wherever it is; an ended one stays as it is. Raises `NotFound`."""
        local = self._runs.get(run_id)
        if local is not None and local.record.owner == owner:
            local.stop("stopped")
            with suppress(Unavailable):
                await self._store.find_run(run_id, owner)  # of a deleted conversation nothing is there
            return
        record = await self._store.find_run(run_id, owner)
        if record.running:
            await request_stop(self._redis, run_id)

    async def drop(self, gone: Deleted) -> None:
        """Ends the runs of deleted conversations, wherever they are, and forgets what this worker has of them."""
        for run_id in gone.runs:
            run = self._runs.get(run_id)
            if run is None:
                continue
            run.stop("stopped")  # when it is about to be saved it is found to be gone, and discarded
            if run.ended:
                self._forget(run)
        with suppress(Unavailable):  # their workers find out with the next heartbeat
            for run_id in gone.running:
                if run_id not in self._runs:
                    await request_stop(self._redis, run_id)

    async def drain(self, seconds: float) -> None:
        """No new runs; running ones get `seconds` to finish and are then ended, saved, with a retryable error.

        Called again it waits for the same end: the first call says when that is.
        """
        clock = asyncio.get_running_loop().time
        self.draining = True
        if self._end is None:
            self._end = clock() + seconds
        # One whose question was being committed at the first call begins meanwhile.
        while self._tasks and (left := self._end - clock()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
        self.drained.set()
        for run in self._runs.values():
            run.stop("shutdown")
        # They may wait for the database.
        if self._tasks and (left := self._end + DRAINING_SAVE_S + LAST_FRAMES_S - clock()) > 0:
            await asyncio.wait(self._tasks, timeout=left)

    async def redis_ready(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(await self._redis.ping())
        except (RedisError, OSError, TimeoutError):
            return False

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drive(self, run: Run, answer: Callable[[Run], Awaitable[None]]) -> None:
        """The edge of a run: whatever happens, it ends with a terminal frame."""
        try:
            await answer(run)
        except NotFound as error:  # the conversation was deleted meanwhile
            run.append(ErrorEvent(error_data(error, run.record, saved=False)))
            await self._discard(run)
        except Exception:
            log.exception("run %s failed", run.id)
        finally:
            if not run.ended:
                failure = error_data(InternalError(INTERNAL_SENTENCE), run.record, saved=False)
                run.append(ErrorEvent(failure))
            asyncio.get_running_loop().call_later(live.KEEP_ENDED_S, self._forget, run)

    async def _end_disowned(self, run_id: UUID, owner: str) -> None:
        while not self.drained.is_set():
            try:
                record = await self._store.find_run(run_id, owner)
                if record.running:
                    await self._pulse.end(record)
            except NotFound:
                return
            except Unavailable:
                await asyncio.sleep(RETRY_S)
            else:
                return

    def _forget(self, run: Run) -> None:
        self._runs.pop(run.id, None)
        self._writer.forget(run)

    async def _discard(self, run: Run) -> None:
        """Forgets a run of which nothing may be read any more, and what was written of it since it was dropped."""
        self._forget(run)
        with suppress(RedisError, OSError, TimeoutError):
            await self._redis.unlink(frames_key(run.id))

    def _last_reader_left(self, run: Run) -> None:
        self._await_readers(run, self._grace_s)

    def _await_readers(self, run: Run, seconds: float, *, again: bool = False) -> None:
        """Looks after so many seconds whether somebody reads again; an earlier appointment for that is void. `again`:
        nobody could say so before."""
        if run.grace is not None:
            run.grace.cancel()
        run.grace = asyncio.get_running_loop().call_later(seconds, self._end_if_abandoned, run, again)

    def _end_if_abandoned(self, run: Run, again: bool) -> None:
        if not run.readers and not run.ended:
            self._spawn(self._check_remote_readers(run, again))

    async def _check_remote_readers(self, run: Run, again: bool) -> None:
        """Stops a run that nobody reads. Where Redis, which knows of other workers' readers, is away, it may be back
        after a second time of grace."""
        try:
            left_s = await self._redis.pttl(readers_key(run.id)) / 1000
        except (RedisError, OSError, TimeoutError):
            left_s = 0 if again else self._grace_s
            again = True
        else:
            again = False
        if left_s > 0:
            self._await_readers(run, left_s, again=again)
        elif not run.readers:
            run.stop("abandoned")

    async def _again_and_again(self, work: Callable[[], Awaitable[None]]) -> None:
        """The edge of a background task: one round that fails is logged, and the next follows."""
        while True:
            try:
                await work()
            except Exception:
                log.exception("a background task failed and goes on")
                await asyncio.sleep(RETRY_S)

    async def _beat(self) -> None:
        running = [run.id for run in self._runs.values() if not run.ended]
        try:
            if running:
                alive = await self._store.beat(running)
                # Whoever has ended one could perhaps not tell: Redis may be away.
                for run_id in set(running) - alive:
                    if run_id in self._runs:
                        self._runs[run_id].stop("stopped")
            await self._pulse.recover()
        except Unavailable:
            self._pulse.forget()
            log.warning("the database is away; heartbeats wait for it")
        await asyncio.sleep(HEARTBEAT_S)

    async def _watch_stops(self) -> None:
        await asyncio.sleep(STOP_POLL_S)
        running = [run for run in self._runs.values() if not run.ended]
        if not running:
            return
        with suppress(RedisError, OSError, TimeoutError):
            asked = await self._redis.mget([stop_key(run.id) for run in running])
            for run, flag in zip(running, asked, strict=True):
                if flag:
                    run.stop("stopped")

    async def _tell_of_readers(self) -> None:
        """Tells other workers who is read here. What is told expires a time of grace after the last reader has left."""
        await asyncio.sleep(TELL_S)
        if self._remote.followed:
            await self._tell_of(self._remote.followed)

    async def _tell_of(self, run_ids: Iterable[UUID]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for run_id in run_ids:
            pipeline.set(readers_key(run_id), b"1", px=round((self._grace_s + TELL_S) * 1000))
        with suppress(RedisError, OSError, TimeoutError):
            await pipeline.execute()
