"""Streams and answers made from what was kept: a saved message as frames, the journal of a dead worker as a message."""

from collections.abc import Iterable
from typing import Any

from backend.chat.events import DoneEvent, ErrorEvent, Event, ResetEvent, SourcesEvent, TokenEvent, decode
from backend.chat.journal import contiguous
from backend.conversations.models import Answer, Message, RunRecord
from backend.errors import FootnoteError, Interrupted


def error_data(error: FootnoteError, record: RunRecord, *, saved: bool) -> dict[str, Any]:
    """The data of an `error` frame; `message_id` is there where something was saved."""
    data: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "retryable": error.retryable,
        "conversation_id": str(record.conversation_id),
    }
    if error.retry_after is not None:
        data["retry_after"] = error.retry_after
    if saved:
        data["message_id"] = str(record.message_id)
    return data


def replay(message: Message, sources: list[dict[str, Any]], after: int) -> list[Event]:
    """A saved answer as the events that follow on frame `after`; `sources` are its sources as they may be shown now.

    From the start: `sources`, the whole text, and the terminal event. A reader that has some of it already cannot be
    told where the saved text goes on, so its text is reset and sent whole.
    """
    events: list[Event] = []
    if after == 0:
        events.append(SourcesEvent(sources))
    else:
        events.append(ResetEvent(message.cascade_tier or "", "replayed"))
    if message.content:
        events.append(TokenEvent(message.content))
    return [*events, ending(message.terminal or {})]


def ending(terminal: dict[str, Any]) -> DoneEvent | ErrorEvent:
    """The terminal event of saved data: only that of `error` has a code."""
    return ErrorEvent(terminal) if "code" in terminal else DoneEvent(terminal)


def recovered(frames: Iterable[bytes], record: RunRecord) -> Answer:
    """The answer that a worker was giving when it died, as far as its journal tells: interrupted, with its sources."""
    sources: list[dict[str, Any]] = []
    text: list[str] = []
    for frame in contiguous(frames, 0):
        name, data = decode(frame)
        match name:
            case "sources":
                sources = data
            case "token":
                text.append(data["text"])
            case "reset":
                text = []
    return Answer(
        content="".join(text),
        status="interrupted",
        terminal=error_data(Interrupted(), record, saved=True),
        sources=sources,
    )


def is_terminal(frame: bytes) -> bool:
    """Whether nothing comes after this frame."""
    return decode(frame)[0] in ("done", "error")
