"""The frames of runs, carried to other workers by Redis Streams.

Frames are written in batches off the hot path. The id of an entry is the number of its last frame, so a reader that
has frame 57 asks for everything after `57-0`. Redis being away loses nothing: the frames stay with their run and are
written again, and the finished message is in Postgres.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.chat.events import Event, encode, frame_number, is_terminal, split_frames
from backend.errors import Unavailable

log = logging.getLogger(__name__)

JOURNALS = "footnote:run:*:frames"  # matches every `frames_key`
BATCH_S = 0.1  # frames of one batch; a remote reader sees a token at most this much later
RETRY_S = 1.0
BLOCK_MS = 1000
ENTRY_FRAMES = 256  # of one entry, some 15 kB; a batch is smaller unless Redis was away
PAGE_ENTRIES = 8  # read at once: a reader who does not read holds no more of a long answer


class Journaled(Protocol):
    """What the writer needs to know of a run."""

    id: UUID
    frames: list[bytes]


def frames_key(run_id: UUID) -> str:
    """The stream of a run's frames."""
    return f"footnote:run:{run_id}:frames"


def stop_key(run_id: UUID) -> str:
    """Set by a worker that wants a run of another worker to stop."""
    return f"footnote:run:{run_id}:stop"


def readers_key(run_id: UUID) -> str:
    """Set again and again by workers whose readers follow a run of another worker; expires with their time of grace."""
    return f"footnote:run:{run_id}:readers"


@dataclass(slots=True)
class Written:
    """How many frames of a run are in Redis, and when its time to live was set, by the monotonic clock."""

    frames: int = 0
    kept_at: float = 0.0


class JournalWriter:
    """Copies the frames of this worker's runs to Redis. `changed` may be called for every frame."""

    def __init__(self, redis: Redis, ttl_s: int) -> None:
        self._redis = redis
        self._ttl_s = ttl_s
        self._written: dict[Journaled, Written] = {}
        self._dirty: set[Journaled] = set()
        self._lost: set[Journaled] = set()
        self._wake = asyncio.Event()

    def changed(self, run: Journaled) -> None:
        """Says that a run has new frames; returns at once."""
        self._dirty.add(run)
        self._wake.set()

    async def write(self) -> None:
        """One round: waits for frames, gathers a batch and writes it. Call it again and again."""
        await self._wake.wait()
        await asyncio.sleep(BATCH_S)
        self._wake.clear()
        try:
            await self.flush()
        except (RedisError, OSError, TimeoutError):
            log.warning("Redis is away; other workers see running answers only when they are complete")
            self._written.clear()  # it may come back empty
            await asyncio.sleep(RETRY_S)
            self._wake.set()

    async def flush(self) -> None:
        """Writes what is new, in one round trip. Raises what Redis raises; nothing is forgotten then."""
        now = time.monotonic()
        pipeline = self._redis.pipeline(transaction=False)
        batch: list[tuple[Journaled, Written]] = []
        writing: list[Journaled | None] = []  # for each command the run that it writes frames of
        for run in self._dirty:
            before, count = self._written.setdefault(run, Written()), len(run.frames)
            if count == before.frames or run in self._lost:
                continue
            key = frames_key(run.id)
            if before.frames == 0:
                pipeline.delete(key)
                writing.append(None)
            for start in range(before.frames, count, ENTRY_FRAMES):
                last = min(start + ENTRY_FRAMES, count)
                entry: Any = {"frames": b"".join(run.frames[start:last])}
                # What was deleted meanwhile stays deleted, and nothing is there without a time to live.
                pipeline.xadd(key, entry, id=f"{last}-0", nomkstream=start > 0)
                writing.append(run)
            kept_at = before.kept_at
            # Not each time: a command costs more than a frame.
            if before.frames == 0 or now - kept_at > self._ttl_s / 4 or is_terminal(run.frames[count - 1]):
                pipeline.expire(key, self._ttl_s)
                writing.append(None)
                kept_at = now
            batch.append((run, Written(count, kept_at)))
        self._dirty &= self._lost
        try:
            answers = await pipeline.execute()
        except BaseException:
            self._dirty.update(run for run, _ in batch if run in self._written)
            raise
        # One that was forgotten meanwhile is not taken up again.
        self._written.update((run, written) for run, written in batch if run in self._written)
        for run in {run for run, answer in zip(writing, answers, strict=True) if run is not None and answer is None}:
            self._lost.add(run)
            asyncio.get_running_loop().call_later(RETRY_S, self._write_anew, run)

    def _write_anew(self, run: Journaled) -> None:
        """Of a run whose journal is not in Redis any more. Where somebody has deleted it, the run was stopped and
        forgotten meanwhile; else Redis was started anew in a moment in which nothing was written."""
        self._lost.discard(run)
        if run in self._written:
            self._written[run] = Written()
            self.changed(run)

    def forget(self, run: Journaled) -> None:
        """The run has ended and is written, or never will be."""
        self._written.pop(run, None)
        self._dirty.discard(run)


class JournalReader:
    """Reads the frames of runs that other workers write."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def follow(self, run_id: UUID, after: int) -> AsyncGenerator[list[bytes], None]:
        """Frames after number `after` as they come; an empty list each second in which none came.

        Ends by itself never: the caller knows the terminal frame. Raises `JournalGap` when frames are missing.
        """
        position = after
        while True:
            found = await self._read(run_id, position)
            frames = contiguous(found, position)
            if len(frames) < len(found) and not (frames and is_terminal(frames[-1])):
                raise JournalGap
            position += len(frames)
            yield frames

    async def has_rest(self, run_id: UUID, after: int) -> bool | None:
        """Whether all frames after number `after` are there, to the terminal one.

        False means that nothing of the run is there any more; None that it cannot be said, because Redis is away, or
        because frames are missing that may come.
        """
        key = frames_key(run_id)
        try:
            following: Any = await self._redis.xrange(key, min=f"{after + 1}-0", count=1)
            newest: Any = await self._redis.xrevrange(key, count=1)
        except (RedisError, OSError, TimeoutError):
            return None
        if not newest:
            return False
        whole = contiguous(frames_of(following), after) and is_terminal(frames_of(newest)[-1])
        return True if whole else None

    async def rest(self, run_id: UUID, after: int) -> AsyncGenerator[list[bytes], None]:
        """Frames after number `after`, as far as they are there now and follow on each other."""
        position = after
        while True:
            try:
                entries: Any = await self._redis.xrange(frames_key(run_id), min=f"{position + 1}-0", count=PAGE_ENTRIES)
            except (RedisError, OSError, TimeoutError):
                return
            frames = contiguous(frames_of(entries), position)
            if not frames:
                return
            position += len(frames)
            yield frames

    async def read(self, run_id: UUID) -> Sequence[bytes]:
        """All frames that are there now, up to the first gap; none where Redis is away."""
        try:
            entries: Any = await self._redis.xrange(frames_key(run_id))
        except (RedisError, OSError, TimeoutError):
            return []
        return contiguous(frames_of(entries), 0)

    async def conclude(self, run_id: UUID, after: int, event: Event) -> None:
        """Adds the terminal frame to a journal whose writer is dead, behind its last frame, which is number `after`.
        Nothing where that is not its last one, or Redis is away: followers are told the saved answer then."""
        if not after:
            return
        entry: Any = {"frames": encode(after + 1, event)}
        with suppress(RedisError, OSError, TimeoutError):
            await self._redis.xadd(frames_key(run_id), entry, id=f"{after + 1}-0", nomkstream=True)

    async def _read(self, run_id: UUID, position: int) -> list[bytes]:
        try:
            streams: Any = await self._redis.xread(
                {frames_key(run_id): f"{position}-0"}, count=PAGE_ENTRIES, block=BLOCK_MS
            )
        except (RedisError, OSError, TimeoutError):
            await asyncio.sleep(RETRY_S)
            return []
        frames = [frame for _name, entries in streams or [] for frame in frames_of(entries)]
        return [frame for frame in frames if frame_number(frame) > position]


async def request_stop(redis: Redis, run_id: UUID) -> None:
    """Asks the worker that has the run to stop it. Raises `Unavailable` where Redis is away."""
    try:
        await redis.set(stop_key(run_id), b"1", ex=60)
    except (RedisError, OSError, TimeoutError) as error:
        raise Unavailable("The answer cannot be stopped just now; try again shortly.", retry_after=1) from error


def frames_of(entries: Iterable[tuple[bytes, dict[bytes, bytes]]]) -> list[bytes]:
    """The frames in the entries of one stream, in order."""
    return [frame for _id, fields in entries for frame in split_frames(fields[b"frames"])]


def contiguous(frames: Iterable[bytes], after: int) -> list[bytes]:
    """Those frames that follow on number `after` without a gap, to the terminal one."""
    found: list[bytes] = []
    for frame in frames:
        number = frame_number(frame)
        if number <= after:
            continue
        if number != after + len(found) + 1:
            break
        found.append(frame)
        if is_terminal(frame):  # a worker that was taken for dead may go on writing behind it
            break
    return found


class JournalGap(Exception):
    """Frames between the reader's position and the next one are gone."""
