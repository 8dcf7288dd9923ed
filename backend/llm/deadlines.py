"""How long an upstream may take, and the wait for its next bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from backend.llm.tier import TierFailure

END_S = 0.02  # behind the last event


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds: from the request to the first token, between two tokens, from the request to the end."""

    first_token_s: float
    idle_s: float
    total_s: float


async def next_before(deadline: float, chunks: AsyncIterator[bytes]) -> bytes | None:
    """The next bytes, None at the end; `TimeoutError` once the loop's clock has passed `deadline`."""
    # A stream that never makes us wait would never let the timer run.
    if asyncio.get_running_loop().time() >= deadline:
        raise TimeoutError
    async with asyncio.timeout_at(deadline):
        return await anext(chunks, None)


async def read_out(chunks: AsyncIterator[bytes]) -> None:
    """Waits `END_S` seconds at most for the end of an answer that is whole: many servers send it by itself, and only a
    connection that was read to its end is kept for the next question."""
    deadline = asyncio.get_running_loop().time() + END_S
    with suppress(TimeoutError, TierFailure):
        while await next_before(deadline, chunks) is not None:
            pass
