"""How long Redis is left alone after it did not answer, so that its absence costs each question little."""

import asyncio
import time
from typing import Any

ALONE_S = 1.0
LOOKS = 10


class Absence:
    """Of Redis, as somebody finds it who asks on the way of a question.

    The limiter asks first, does not take a late event loop for a late Redis, and looks by itself whether Redis is
    back. So its word, `heard_of`, holds for the others too: only the first question waits for a silent Redis, and once.
    """

    def __init__(self, heard_of: "Absence | None" = None) -> None:
        self._heard_of = heard_of
        self._until = 0.0

    def begin(self) -> None:
        """Redis did not answer."""
        self._until = time.monotonic() + ALONE_S

    @property
    def lasts(self) -> bool:
        """Whether Redis is to be left alone just now."""
        return time.monotonic() < self._until or (self._heard_of is not None and self._heard_of.lasts)


async def comes(answer: asyncio.Future[Any], within_s: float) -> bool:
    """Whether an answer comes in time. It is looked for several times: a loop that has much to do comes late to each
    look, and so does not take its own lateness for that of Redis."""
    for _ in range(LOOKS):
        await asyncio.wait({answer}, timeout=within_s / LOOKS)
        if answer.done():
            return True
    return False
