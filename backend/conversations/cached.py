"""A conversation's history in Redis. Every failure means "miss": slower, never broken."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.absence import Absence, comes
from backend.conversations.models import RunRecord, Turn
from backend.conversations.store import ConversationStore

log = logging.getLogger(__name__)

COPIES = "footnote:history:*"  # matches every `key`
PATIENCE_S = 0.1  # the database has the same in less


class CachedHistory:
    """Reads history through the cache. `store` is the truth; `ttl_s` says how long a copy is kept, and `absence` when
    others on the way of a question have found Redis away."""

    def __init__(self, store: ConversationStore, redis: Redis, ttl_s: int, limit: int, absence: Absence) -> None:
        self._store = store
        self._redis = redis
        self._ttl_s = ttl_s
        self._limit = limit
        self._absence = Absence(absence)

    async def read(self, run: RunRecord) -> list[Turn]:
        """The newest messages before the question of a run, oldest first.

        A copy names the run whose answer is its last turn, so that one which missed a write, or has an answer that was
        made anew since, is not believed.
        """
        if run.seq <= 1:
            return []
        cached = None
        if run.previous is not None:
            cached = await self._attempt(self._redis.get(key(run.conversation_id)))
        if isinstance(cached, bytes):
            with suppress(ValueError, KeyError, TypeError):  # not what we wrote
                copy = json.loads(cached)
                if copy["last_run"] == str(run.previous):
                    return [Turn(role, content) for role, content in copy["turns"]]
        return await self._store.history(run.conversation_id, run.seq, self._limit)

    async def write(self, run: RunRecord, turns: Sequence[Turn]) -> None:
        """Keeps what the next question of the conversation will read: `turns` end with the answer of this run."""
        newest = turns[-self._limit :] if self._limit else []
        value = json.dumps({"last_run": str(run.id), "turns": [(turn.role, turn.content) for turn in newest]})
        await self._attempt(self._redis.set(key(run.conversation_id), value, ex=self._ttl_s))

    async def _attempt(self, command: Awaitable[object]) -> object:
        if self._absence.lasts:
            discard(command)
            return None
        asking = asyncio.ensure_future(command)
        try:
            if not await comes(asking, PATIENCE_S):
                raise TimeoutError
            return asking.result()
        except (RedisError, OSError, TimeoutError):
            log.warning("Redis is away; histories are read from the database")
            self._absence.begin()
            return None
        finally:
            asking.cancel()


def key(conversation_id: UUID) -> str:
    """Where the history of a conversation lies."""
    return f"footnote:history:{conversation_id}"


def discard(command: Awaitable[object]) -> None:
    """Closes a coroutine that will not be awaited."""
    close = getattr(command, "close", None)
    if close is not None:
        close()
