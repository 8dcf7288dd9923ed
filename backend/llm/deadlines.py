"""How long an upstream may take, and the wait for its next bytes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass


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
