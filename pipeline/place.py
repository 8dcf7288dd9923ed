"""Where in its document a passage stands, as a person says it."""

from backend.knowledge.models import Chunk


def place_of(chunk: Chunk) -> str:
    """The moment ("12:05", "1:02:05"), else the page ("page 3"), else the heading path, else "passage 4"."""
    if chunk.start_s is not None:
        return clock(chunk.start_s)
    if chunk.page is not None:
        return f"page {chunk.page}"
    return chunk.heading or f"passage {chunk.ordinal + 1}"


def clock(seconds: float) -> str:
    """Seconds into a recording as players show them: "0:07", "12:05", "1:02:05"; parts of a second are dropped."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
