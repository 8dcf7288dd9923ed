"""Responses of upstreams: what is turned away before a byte of it is read."""

import httpx2

from backend.llm.tier import TierFailure


async def refuse_unread(response: httpx2.Response) -> None:
    """An error's body is never read: nothing in it may reach a client or a log, and it may have no end."""
    if response.is_error:
        raise TierFailure("refused")


def could_be_events(content_type: str) -> bool:
    """Some servers forget the type of their stream, so only what says that it is something else is turned away."""
    return content_type.partition(";")[0].strip().lower() not in ("text/html", "application/json")
