"""Saving an answer: the commit that comes before the terminal frame."""

import asyncio
from contextlib import suppress
from dataclasses import replace

from backend.chat.draft import nothing_new
from backend.chat.events import Event
from backend.chat.replay import ending, error_data, replay
from backend.chat.run import Run
from backend.conversations.models import Answer, RunRecord
from backend.conversations.store import ConversationStore
from backend.errors import NotFound, Unavailable

SAVE_S = 10  # a database that was restarted is back by then
DRAINING_SAVE_S = 1
LAST_FRAMES_S = 0.3  # from the commit to the last reader, who may be on another worker
PAUSE_S = 0.25
LATE_PAUSE_S = 2.0  # nobody waits any more, and there may be as many as were answered when the database went away
NOT_SAVED = "The answer could not be saved because the database is away. Ask again in a moment."


async def save(store: ConversationStore, run: Run, answer: Answer, drained: asyncio.Event) -> list[Event] | None:
    """Commits the answer, trying again for `SAVE_S` seconds while the database is away, and for no more than
    `DRAINING_SAVE_S` once the service has drained; gives the events that end the stream, None where it was away for
    all of them.

    They tell what is saved: where somebody else has ended the run before, or an earlier attempt did arrive, that.
    Raises `NotFound` where the conversation was deleted meanwhile.
    """
    attempt = asyncio.create_task(commit(store, run, answer))
    draining = asyncio.create_task(drained.wait())
    await asyncio.wait({attempt, draining}, timeout=SAVE_S, return_when=asyncio.FIRST_COMPLETED)
    draining.cancel()
    if drained.is_set():
        await asyncio.wait({attempt}, timeout=DRAINING_SAVE_S)
    if attempt.done():
        return attempt.result()
    # Not awaited: a connection to a server that hangs takes its time to be given up.
    attempt.cancel()
    return None


def unsaved(answer: Answer, record: RunRecord) -> Answer:
    """What remains to be saved of an answer whose readers are told that it could not be."""
    return replace(
        answer,
        status="interrupted" if answer.content else "failed",
        terminal=error_data(Unavailable(NOT_SAVED, retry_after=2), record, saved=False),
        finish_reason=None,
        may_replace=False,
    )


async def save_late(store: ConversationStore, run: Run, answer: Answer) -> None:
    """Commits what remains to be saved of a run that has ended, as soon as the database is back."""
    with suppress(NotFound):
        await commit(store, run, answer, LATE_PAUSE_S)


async def commit(store: ConversationStore, run: Run, answer: Answer, pause_s: float = PAUSE_S) -> list[Event]:
    """Tries until the database has answered; the events that tell what is saved then."""
    record = run.record
    while True:
        try:
            if await store.finish(record, replace(answer, frames=len(run.frames) + (not run.ended))):
                return [ending(answer.terminal)]
            message = await store.find_answer(record.id, record.owner)
            if message is None and record.replaces is not None:
                ended = await store.find_run(record.id, record.owner)  # `NotFound` where the conversation was deleted
                return [ending((nothing_new(ended) if answer.may_replace else answer).terminal or {})]
        except Unavailable:
            await asyncio.sleep(pause_s)
            continue
        if message is None:
            raise NotFound("The conversation was deleted.")
        if message.content == answer.content:
            return [ending(message.terminal or {})]
        return replay(message, message.sources, after=len(run.frames))
