"""Responses of upstreams: what is turned away before a byte of it is read, and how much is read of others."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from backend.llm.tier import Blame, TierFailure

# Seconds: what an upstream may ask for. Less would be no rest, and for longer it is not believed.
SHORTEST_WAIT_S, LONGEST_WAIT_S = 1.0, 300.0


async def refuse_unread(response: httpx2.Response) -> None:
    """An error's body is never read: nothing in it may reach a client or a log, and it may have no end.

    A redirection is refused too: prompts and keys go where the settings say and nowhere else.
    """
    if not response.is_success:
        wait_s = wait_asked_for(response.headers.get("retry-after", ""))
        raise TierFailure("refused", blame=blame_for(response.status_code), retry_after_s=wait_s)


async def events_of(response: httpx2.Response, most_bytes: int) -> AsyncGenerator[bytes, None]:
    """The body of a stream of events as it arrives. Raises `TierFailure` for one that is no such stream, and once it is
    longer than `most_bytes`."""
    kind, packing = (response.headers.get(f"content-{name}", "") for name in ("type", "encoding"))
    if not could_be_events(kind) or is_packed(packing):
        raise TierFailure("broken_stream")
    received = 0
    async with aclosing(response.aiter_raw()) as chunks:
        async for chunk in chunks:
            received += len(chunk)
            if received > most_bytes:
                raise TierFailure("broken_stream")
            yield chunk


def blame_for(status: int) -> Blame:
    """Whose fault a refusal is. What an endpoint says to one question must not take it from all others."""
    match status:
        case 401:
            return "key"
        case 403:
            return "access"
        case 400 | 413 | 414 | 422:
            return "question"
        case _:
            return "tier"


def wait_asked_for(retry_after: str) -> float | None:
    """The seconds of a `Retry-After`, in either of its forms (RFC 9110, 10.2.3), within bounds; None for nonsense."""
    try:
        if retry_after.isascii() and retry_after.isdigit():
            seconds = float(retry_after)
        else:
            moment = parsedate_to_datetime(retry_after)
            seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, SHORTEST_WAIT_S), LONGEST_WAIT_S)


def could_be_events(content_type: str) -> bool:
    """Some servers forget the type of their stream, so only what says that it is something else is turned away."""
    return content_type.partition(";")[0].strip().lower() not in ("text/html", "application/json")


def is_packed(content_encoding: str) -> bool:
    """Whether a response is compressed, which nobody asked for: it would be held back, and could unpack to anything."""
    return content_encoding.strip().lower() not in ("", "identity")
