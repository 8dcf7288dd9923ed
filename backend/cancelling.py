"""Ending a task for certain."""

import asyncio
from typing import Any

AGAIN_S = 0.5


async def cancelled(task: asyncio.Task[Any], again_s: float = AGAIN_S) -> None:
    """Cancels a task and waits for its end, whatever that is; again whenever it has not ended after `again_s` seconds.

    Once is not enough: `asyncio.wait_for`, through which the Redis client sends everything, loses a cancellation that
    comes in the same turn of the loop as its result (until Python 3.12, https://github.com/python/cpython/issues/86296).
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=again_s)
