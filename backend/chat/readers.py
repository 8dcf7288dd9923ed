"""How many answers one owner reads at once in this process."""

import asyncio
from collections import Counter

from backend.errors import RateLimited

MOST_READERS = 64
TOO_MANY = "You are reading too many answers at once: close some of these streams, or try again in a moment."


class Readers:
    """Counts readers by owner, each until the task of its request has ended, however that ends.

    A reader of another worker's run holds one of the connections to Redis that there are for that, so without a limit
    one client could use up what all others come back by.
    """

    def __init__(self) -> None:
        self._reading: Counter[str] = Counter()

    def admit(self, owner: str) -> None:
        """Counts the current task as a reader. Raises `RateLimited` where the owner has too many; that costs nothing,
        as nothing was looked up."""
        if self._reading[owner] >= MOST_READERS:
            raise RateLimited(TOO_MANY, retry_after=1, headers={})
        request = asyncio.current_task()
        if request is None:
            raise RuntimeError("a reader is a task")
        self._reading[owner] += 1
        request.add_done_callback(lambda _request: self._leave(owner))

    def _leave(self, owner: str) -> None:
        self._reading[owner] -= 1
        if not self._reading[owner]:
            del self._reading[owner]
