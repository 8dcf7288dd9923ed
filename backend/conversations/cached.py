"""A conversation's history in Redis. Every failure means "miss": slower, never broken."""

import json
import logging
import time
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.conversations.models import Turn
from backend.conversations.store import ConversationStore

log = logging.getLogger(__name__)

COPIES = "footnote:history:*"  # matches every `key`
PAUSE_S = 1.0  # after a failure Redis is left alone for this long, so that its absence costs each question little


class CachedHistory:
    """Reads history through the cache. `store` is the truth; `ttl_s` says how long a copy is kept."""

    def __init__(self, store: ConversationStore, redis: Redis, ttl_s: int, limit: int) -> None:
        self._store = store
        self._redis = redis
        self._ttl_s = ttl_s
        self._limit = limit
        self._paused_until = 0.0

    async def read(self, conversation_id: UUID, before: int) -> list[Turn]:
        """The newest messages with a number under `before`, oldest first.

        A copy says up to which number it is complete, so that one which missed a write is not believed.
        """
        if before <= 1:
            return []
        cached = await self._attempt(self._redis.get(key(conversation_id)))
        if isinstance(cached, bytes):
            with suppress(ValueError, KeyError, TypeError):  # not what we wrote
                copy = json.loads(cached)
                if copy["before"] == before:
                    return [Turn(role, content) for role, content in copy["turns"]]
        return await self._store.history(conversation_id, before, self._limit)

    async def write(self, conversation_id: UUID, before: int, turns: Sequence[Turn]) -> None:
        """Keeps what the next question of the conversation, whose number will be `before`, will read."""
        newest = turns[-self._limit :] if self._limit else []
        value = json.dumps({"before": before, "turns": [(turn.role, turn.content) for turn in newest]})
        await self._attempt(self._redis.set(key(conversation_id), value, ex=self._ttl_s))

    async def _attempt(self, command: Awaitable[object]) -> object:
        if time.monotonic() < self._paused_until:
            discard(command)
            return None
        try:
            return await command
        except (RedisError, OSError, TimeoutError):
            log.warning("Redis is away; histories are read from the database")
            self._paused_until = time.monotonic() + PAUSE_S
            return None


def key(conversation_id: UUID) -> str:
    """Where the history of a conversation lies."""
    return f"footnote:history:{conversation_id}"


def discard(command: Awaitable[object]) -> None:
    """Closes a coroutine that will not be awaited."""
    close = getattr(command, "close", None)
    if close is not None:
        close()
