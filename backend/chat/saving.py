"""Saving an answer: the commit that comes before the terminal frame."""

import asyncio
from dataclasses import replace

from backend.chat.draft import nothing_new
from backend.chat.events import ErrorEvent, Event
from backend.chat.replay import ending, error_data, replay
from backend.chat.run import Run
from backend.conversations.models import Answer
from backend.conversations.store import ConversationStore
from backend.errors import NotFound, Unavailable

SAVE_S = 10  # a database that was restarted is back by then
DRAINING_SAVE_S = 1
LAST_FRAMES_S = 0.3  # from the commit to the last reader, who may be on another worker
PAUSE_S = 0.25
NOT_SAVED = "The answer could not be saved because the database is away. Ask again in a moment."


async def save(store: ConversationStore, run: Run, answer: Answer, within_s: float) -> list[Event]:
    """Commits the answer, trying again for `within_s` seconds while the database is away; gives the events that end the
    stream.

    They tell what is saved: where somebody else has ended the run before, or an earlier attempt did arrive, that.
    Raises `NotFound` where the conversation was deleted meanwhile.
    """
    attempt = asyncio.create_task(commit(store, run, answer))
    await asyncio.wait({attempt}, timeout=within_s)
    if attempt.done():
        return attempt.result()
    # Not awaited: a connection to a server that hangs takes its time to be given up.
    attempt.cancel()
    return [ErrorEvent(error_data(Unavailable(NOT_SAVED, retry_after=2), run.record, saved=False))]


async def commit(store: ConversationStore, run: Run, answer: Answer) -> list[Event]:
    """Tries until the database has answered; the events that tell what is saved then."""
    record = run.record
    while True:
        try:
            if await store.finish(record, replace(answer, frames=len(run.frames) + 1)):
                return [ending(answer.terminal)]
            message = await store.find_answer(record.id, record.owner)
            if message is None and record.replaces is not None:
                ended = await store.find_run(record.id, record.owner)  # `NotFound` where the conversation was deleted
                return [ending((nothing_new(ended) if answer.may_replace else answer).terminal or {})]
        except Unavailable:
            await asyncio.sleep(PAUSE_S)
            continue
        if message is None:
            raise NotFound("The conversation was deleted.")
        if message.content == answer.content:
            return [ending(message.terminal or {})]
        return replay(message, message.sources, after=len(run.frames))
