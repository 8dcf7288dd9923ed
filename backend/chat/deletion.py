"""Deleting conversations: gone for every reader at once, and soon afterwards from Postgres, Redis and their files."""

import asyncio
import logging
from contextlib import aclosing, suppress
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from backend.cancelling import cancelled
from backend.chat import run as live
from backend.chat.journal import frames_key
from backend.chat.runs import Runs
from backend.conversations.cached import key
from backend.conversations.deleted import DeletedConversations
from backend.conversations.expired import ExpiredConversations
from backend.conversations.models import Deleted
from backend.conversations.store import ConversationStore
from backend.errors import Unavailable
from backend.residue import clear_cache

log = logging.getLogger(__name__)

PURGE_EVERY_S = 60
# By then no worker holds anything of a deleted conversation that it might yet write to Redis.
PURGE_AFTER_S = 2 * live.KEEP_ENDED_S
KEYS_AT_ONCE = 500
# What was removed stands in the files of Redis and Postgres until they are written anew, which is not done each time.
CLEAR_EVERY_S = 1200
RESIDUE = "footnote:residue"  # there while something stands in them
CLEARING = "footnote:residue:clearing"  # there while a worker is at it, or has ended in the middle
CLEARED = "footnote:residue:cleared"  # there while that was lately


class Deletion:
    """Deletes, and purges what was deleted or has expired. `open` and `close` belong to the lifespan.

    Every worker purges: what is due is found in Postgres, so nothing is lost with a process, and what one removes the
    others leave alone.
    """

    def __init__(
        self,
        store: ConversationStore,
        expired: ExpiredConversations,
        deleted: DeletedConversations,
        runs: Runs,
        redis: Redis,
    ) -> None:
        self._store = store
        self._expired = expired
        self._deleted = deleted
        self._runs = runs
        self._redis = redis
        self._purging: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Starts to purge again and again."""
        self._purging = asyncio.create_task(self._purge_again_and_again())

    async def close(self) -> None:
        """Stops purging; what is left is due at the next start."""
        if self._purging is not None:
            await cancelled(self._purging)

    async def delete(self, owner: str, conversation_id: UUID | None = None) -> None:
        """Deletes one conversation of this owner, or all that there are now. What is answering there is stopped, on any
        worker, and its readers are told. Raises `NotFound`, or `Unavailable` while the database is away: some of many
        are deleted then, and the next attempt goes on."""
        if conversation_id is not None:
            await self._drop(await self._store.delete(owner, conversation_id))
            return
        async with aclosing(self._store.delete_all(owner)) as parts:
            async for gone in parts:
                await self._drop(gone)

    async def _drop(self, gone: Deleted) -> None:
        """Ends what is answering in these conversations, and unlinks their copies, if Redis is there."""
        await self._runs.drop(gone)
        try:
            await self._unlink(gone)
        except (RedisError, OSError, TimeoutError):
            log.warning("Redis is away; copies of deleted conversations are purged when it is back")

    async def purge(self, older_than_s: float) -> None:
        """Removes everything that was deleted at least so many seconds ago. First what Redis has, for the rows tell
        what that is. Raises `Unavailable` while the database is away, and what Redis raises."""
        while (due := await self._deleted.oldest(older_than_s)).conversations:
            await self._unlink(due)
            await self._redis.set(RESIDUE, b"1")  # for whoever is left, should this be our end
            removed = await self._deleted.remove(due.conversations)
            await self._redis.set(RESIDUE, b"1")
            if not removed:
                return  # another worker is at it

    async def clear(self) -> None:
        """Has Redis and Postgres write their files anew, if anything was removed since, and that was not done lately by
        any worker. Raises what Redis raises, and `Unavailable` where it cannot be done now."""
        if not await self._redis.exists(RESIDUE, CLEARING):
            return
        if not await self._redis.set(CLEARED, b"1", nx=True, ex=CLEAR_EVERY_S):
            return
        with suppress(ResponseError):  # there is only what somebody has not brought to its end
            await self._redis.rename(RESIDUE, CLEARING)
        await clear_cache(self._redis)
        await self._deleted.clear()
        await self._redis.unlink(CLEARING)

    async def _unlink(self, gone: Deleted) -> None:
        """Deletes the copies of these conversations' histories, and the journals of their runs."""
        names = [*map(key, gone.conversations), *map(frames_key, gone.runs)]
        for start in range(0, len(names), KEYS_AT_ONCE):
            await self._redis.unlink(*names[start : start + KEYS_AT_ONCE])

    async def _purge_again_and_again(self) -> None:
        while True:
            try:
                await self._expired.delete()
                await self.purge(PURGE_AFTER_S)
                await self.clear()
            except Unavailable as error:
                log.warning("deleted conversations are purged later: %s", error.message)
            except (RedisError, OSError, TimeoutError):
                log.warning("Redis is away; deleted conversations are purged when it is back")
            except Exception:
                log.exception("purging failed and is tried again")
            await asyncio.sleep(PURGE_EVERY_S)
