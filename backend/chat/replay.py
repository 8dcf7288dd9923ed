"""Streams and answers made from what was kept: a saved message as frames, the journal of a dead worker as a message.

Where the frames of a run are gone, its saved answer is told as three others: `sources` or `reset`, `token`, `done`.
Somebody who has some of these must never be taken for somebody who has as many of the first ones, whose text is
another, not even when those appear again because Redis was only away. So they have numbers of their own, from
100,000,001 on, in threes. Told from the start, and with no way back for the first ones, they are 1, 2 and 3 like those
of any other run.
"""

from collections.abc import Sequence
from typing import Any

from backend.chat.events import DoneEvent, ErrorEvent, Event, Gathered, ResetEvent, SourcesEvent, TokenEvent, encode
from backend.conversations.models import Answer, Message, RunRecord
from backend.errors import FootnoteError, Interrupted

RETOLD = 100_000_000  # no answer has as many frames


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


def retold(message: Message, sources: list[dict[str, Any]], after: int, *, expired: bool) -> list[bytes]:
    """The frames of `replay`, numbered so that whoever comes back with one of them is known by it.

    `expired` says that the run's own frames are gone for good.
    """
    events = replay(message, sources, after)
    if after == 0 and expired:
        return [encode(number, event) for number, event in enumerate(events, 1)]
    start = RETOLD if after < RETOLD else after + -(after - RETOLD) % 3
    numbers = {ResetEvent: start + 1, TokenEvent: start + 2, SourcesEvent: 1}
    return [encode(numbers.get(type(event), start + 3), event) for event in events]


def has_all_retold(after: int) -> bool:
    """Whether somebody who has frame `after` was told a saved answer to its end."""
    return after > RETOLD and (after - RETOLD) % 3 == 0


def ending(terminal: dict[str, Any]) -> DoneEvent | ErrorEvent:
    """The terminal event of saved data: only that of `error` has a code."""
    return ErrorEvent(terminal) if "code" in terminal else DoneEvent(terminal)


def recovered(frames: Sequence[bytes], record: RunRecord) -> Answer:
    """The answer that a worker was giving when it died, as far as its journal tells: interrupted, with its sources.

    Where its readers had been told of an end, which waited to be saved, it ends as they were told.
    """
    gathered = Gathered()
    for frame in frames:
        gathered.add(frame)
    return Answer(
        content=gathered.text,
        status="interrupted",
        terminal=gathered.terminal or error_data(Interrupted(), record, saved=record.replaces is None),
        sources=gathered.sources,
        # Readers of a run without an end may have had more from the memory of its worker.
        frames=len(frames) if gathered.terminal else None,
    )
