"""What the head of an upstream's response says."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from backend.llm.tier import Blame

# Seconds: what an upstream may ask for. Less would be no rest, and for longer it is not believed.
SHORTEST_WAIT_S, LONGEST_WAIT_S = 1.0, 300.0


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
