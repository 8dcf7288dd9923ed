"""Takes documents out of everything that the service keeps of them: answers, their sources, copies in Redis.

Call it when the documents answer no more (their tombstones are set) and while their passages are still in the index:
these tell where an answer quotes them. It may be killed at any point and run again.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.chat import run as live
from backend.chat.events import decode, split_frames
from backend.chat.journal import JOURNALS, frames_key
from backend.chat.pulse import STALE_S
from backend.chat.redaction import redacted
from backend.conversations.cached import COPIES
from backend.conversations.traces import Traces
from backend.database import open_database
from backend.errors import Unavailable
from backend.knowledge.index import Index
from backend.knowledge.opening import open_index
from backend.residue import clear_cache, clear_database
from backend.settings import Settings

EVERY_PASSAGE = 2**31 - 1
RUNS_END_S = 300  # an answer that takes longer than all tiers may together is taken for one that will not end
POLL_S = 0.25
SETTLE_S = 1.0  # after its commit a run still writes the copy of its conversation's history
KEYS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Erased:
    """How many answers were rewritten, and how many journals of their streams deleted."""

    answers: int
    journals: int


async def erase(settings: Settings, documents: Collection[UUID], *, with_creator: bool = False) -> Erased:
    """Rewrites every answer that was given from these documents, and deletes what Redis has of them.

    Their sources stay as empty entries (`with_creator`: without the creator's name too); what answers say from them or
    quote of them, and what a reader's comment quotes, is replaced by a note; the questions of visitors stay. Waits
    until answers that had begun before are complete, which may have the documents in hand, and until no worker holds
    one for a reader who reconnects: up to half a minute after the last of them. Memory is bounded by a conversation's
    sources and a page of its answers.

    Raises `Unavailable` where the database, Redis or the index is away, or an answer does not end.
    """
    if not documents:
        return Erased(0, 0)
    async with _opened(settings) as (traces, redis):
        index = open_index(settings)
        try:
            eraser = _Eraser(traces, redis, index, frozenset(documents), with_creator)
            await eraser.sweep()
            await eraser.wait_for_runs()
            await eraser.sweep()
            await eraser.wait_for_memory()
            await eraser.sweep()  # while Redis was slow, a worker may have written late what it still held
            return Erased(eraser.answers, eraser.journals)
        finally:
            await index.close()


async def remaining(settings: Settings, documents: Collection[UUID]) -> dict[str, int]:
    """Where the service still has something of these documents, and how often; empty where it has nothing."""
    async with _opened(settings) as (traces, redis):
        gone = frozenset(map(str, documents))
        journals = 0
        async for keys in _scan(redis, JOURNALS):
            journals += len([key for key in keys if await _shows(redis, key, gone)])
        found = {"answers": await traces.count(documents), "copies of answers in Redis": journals}
        return {place: count for place, count in found.items() if count}


async def clear_residue(settings: Settings) -> None:
    """Makes Postgres and Redis let go of what was deleted; see `backend.residue`. Call it when everything is."""
    await clear_database(settings)
    async with _redis(settings) as redis:
        await clear_cache(redis)


class _Eraser:
    """One erasure. `latest` is when the newest answer was given that may hold something of the documents."""

    def __init__(
        self, traces: Traces, redis: Redis, index: Index, documents: frozenset[UUID], with_creator: bool
    ) -> None:
        self._traces = traces
        self._redis = redis
        self._index = index
        self._documents = documents
        self._with_creator = with_creator
        self._gone = frozenset(map(str, documents))
        self._latest: datetime | None = None
        self.answers = 0
        self.journals = 0

    async def sweep(self) -> None:
        """Everything that there is now. The database first: what is copied from it afterwards is clean."""
        async for conversation_id in self._traces.conversations(self._documents):
            await self._rewrite(conversation_id)
        async for keys in _scan(self._redis, COPIES):
            await self._redis.unlink(*keys)
        async for keys in _scan(self._redis, JOURNALS):
            await self._unlink([key for key in keys if await _shows(self._redis, key, self._gone)])

    async def wait_for_runs(self) -> None:
        """Until every run has ended that may have read the documents, or a history that quotes them."""
        now = await self._traces.now()
        for _ in range(round(RUNS_END_S / POLL_S)):
            if not await self._traces.running(now, STALE_S):
                await asyncio.sleep(SETTLE_S)
                return
            await asyncio.sleep(POLL_S)
        raise Unavailable("An answer that was begun before is still being given: run the same command again.")

    async def wait_for_memory(self) -> None:
        """Until the worker that gave the newest of the answers has forgotten its frames."""
        if self._latest is not None:
            until = self._latest + timedelta(seconds=live.KEEP_ENDED_S + SETTLE_S)
            await asyncio.sleep(max(0.0, (until - await self._traces.now()).total_seconds()))

    async def _rewrite(self, conversation_id: UUID) -> None:
        lost = await self._lost(conversation_id)
        await self._traces.forget_upstream(conversation_id)
        async for page in self._traces.answers(conversation_id):
            rewritten = [redacted(answer, self._gone, lost, self._with_creator) for answer in page]
            changed = [new for new, answer in zip(rewritten, page, strict=True) if new != answer]
            if changed:
                await self._traces.rewrite(changed)
            self.answers += len(changed)
        known = await self._traces.runs(conversation_id)
        self._latest = max((ended_at for ended_at in (self._latest, *dict(known).values()) if ended_at), default=None)
        await self._unlink([frames_key(run_id) for run_id, _ in known])

    async def _lost(self, conversation_id: UUID) -> str:
        """What the conversation was shown of the documents, as far as that is still known."""
        shown = await self._traces.shown(conversation_id, self._documents)
        texts = [one.snippet for one in shown]
        chunks = {one.chunk_id for one in shown}
        for document in {one.document_id for one in shown}:
            passages = await self._index.passages(document, 0, EVERY_PASSAGE)
            texts += [chunk.text for chunk in passages if chunk.id in chunks]
        return "\n".join(texts)

    async def _unlink(self, keys: Collection[str | bytes]) -> None:
        if keys:
            self.journals += await self._redis.unlink(*keys)


async def _shows(redis: Redis, key: str | bytes, gone: Collection[str]) -> bool:
    """Whether a journal tells of one of the documents, or cannot tell because its beginning is missing."""
    entries: Any = await redis.xrange(key, count=1)
    if not entries:
        return False
    name, data = decode(split_frames(entries[0][1][b"frames"])[0])
    return name != "sources" or any(source["document_id"] in gone for source in data)


async def _scan(redis: Redis, pattern: str) -> AsyncIterator[list[str | bytes]]:
    """The keys that match, some hundred at a time."""
    cursor = 0
    while True:
        cursor, keys = await redis.scan(cursor, match=pattern, count=KEYS_AT_ONCE)
        if keys:
            yield keys
        if cursor == 0:
            return


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[Traces, Redis]]:
    engine = open_database(settings.database.url, pool_size=2)
    try:
        async with _redis(settings) as redis:
            yield Traces(engine), redis
    finally:
        await engine.dispose()


@asynccontextmanager
async def _redis(settings: Settings) -> AsyncIterator[Redis]:
    redis = Redis.from_url(settings.redis.url)
    try:
        with _translated():
            yield redis
    finally:
        await redis.aclose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise Unavailable("Redis cannot be reached: run the same command again when it can.") from error
