"""Conversations in a real Postgres: what is committed, what is refused, and who may see it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from backend.absence import Absence
from backend.chat.events import DoneEvent, ErrorEvent, ResetEvent, SourcesEvent, TokenEvent
from backend.chat.journal import JournalReader
from backend.chat.pulse import STALE_S, Pulse
from backend.chat.replay import ending
from backend.chat.run import Run
from backend.chat.saving import save, unsaved
from backend.conversations.cached import CachedHistory
from backend.conversations.models import Answer, Question, RunRecord, Turn
from backend.conversations.postgres import PostgresConversations, title_of
from backend.database import open_database
from backend.errors import ConversationBusy, InvalidRequest, NotFound, Unavailable
from backend.settings import Settings

ANSWER = Answer("said", "complete", {"finish_reason": "stop"}, frames=9)


def question(**changed: object) -> Question:
    asked = Question(str(uuid4()), "How loud?", None, None, 0.0, None, None, "hash")
    return replace(asked, **changed)  # type: ignore[arg-type]


async def test_the_turns_of_a_conversation_are_numbered_without_gaps_also_under_a_race(
    store: PostgresConversations,
) -> None:
    run, _ = await store.begin(question())
    await store.finish(run, ANSWER)
    again = question(owner=run.owner, conversation_id=run.conversation_id)
    raced = await asyncio.gather(*(store.begin(again) for _ in range(12)), return_exceptions=True)
    begun = [result for result in raced if not isinstance(result, BaseException)]
    assert len(begun) == 1
    assert sum(isinstance(result, ConversationBusy) for result in raced) == 11
    await store.finish(begun[0][0], ANSWER)
    saved = await store.list_messages(run.conversation_id, run.owner, 0, 100)
    assert [(message.seq, message.role) for message in saved] == [
        (1, "user"), (2, "assistant"), (3, "user"), (4, "assistant"),
    ]  # fmt: skip


async def test_a_race_with_one_key_begins_one_run(store: PostgresConversations) -> None:
    asked = question(idempotency_key="key")
    results = await asyncio.gather(*(store.begin(replace(asked, run_id=uuid4())) for _ in range(12)))
    assert len({run.id for run, _ in results}) == 1
    assert [is_new for _, is_new in results].count(True) == 1
    with pytest.raises(InvalidRequest):
        await store.begin(replace(asked, body_hash="other"))
    other, is_new = await store.begin(replace(asked, owner=str(uuid4()), run_id=uuid4()))
    assert is_new
    assert other.id != results[0][0].id


async def test_a_run_is_finished_once(store: PostgresConversations) -> None:
    run, _ = await store.begin(question())
    assert await store.finish(run, ANSWER)
    assert not await store.finish(run, replace(ANSWER, content="too late"))
    saved = await store.find_answer(run.id, run.owner)
    assert saved is not None
    assert saved.content == "said"
    found = await store.find_run(run.id, run.owner)
    assert (found.running, found.frames) == (False, 9)


async def test_what_is_someone_elses_is_missing(store: PostgresConversations) -> None:
    run, _ = await store.begin(question())
    await store.finish(run, ANSWER)
    stranger = str(uuid4())
    assert await store.find_answer(run.id, stranger) is None
    for attempt in (
        store.find_run(run.id, stranger),
        store.find_conversation(run.conversation_id, stranger),
        store.list_messages(run.conversation_id, stranger, 0, 10),
        store.begin(question(owner=stranger, conversation_id=run.conversation_id)),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_history_is_what_was_said_before_without_failures(store: PostgresConversations) -> None:
    run, _ = await store.begin(question(query="first"))
    await store.finish(run, replace(ANSWER, content="answered"))
    second, _ = await store.begin(question(owner=run.owner, conversation_id=run.conversation_id, query="second"))
    await store.finish(second, Answer("", "failed", {"code": "unavailable"}))
    third, _ = await store.begin(question(owner=run.owner, conversation_id=run.conversation_id, query="third"))
    assert await store.history(run.conversation_id, third.seq, 10) == [
        Turn("user", "first"), Turn("assistant", "answered"), Turn("user", "second"),
    ]  # fmt: skip


async def test_a_copy_of_the_history_that_missed_a_write_is_not_believed(
    store: PostgresConversations, redis: Redis
) -> None:
    run, _ = await store.begin(question(query="first"))
    await store.finish(run, ANSWER)
    history = CachedHistory(store, redis, 60, 10, Absence())
    await redis.ping()  # to connect may take longer than the patience with a cache
    await history.write(run, [Turn("user", "from the copy")])
    second, _ = await store.begin(question(owner=run.owner, conversation_id=run.conversation_id, query="second"))
    assert await history.read(second) == [Turn("user", "from the copy")]
    await redis.set(f"footnote:history:{run.conversation_id}", b"{broken")
    assert await history.read(second) == [Turn("user", "first"), Turn("assistant", "said")]
    await history.write(run, [Turn("user", "from the copy")])
    await store.finish(second, ANSWER)
    third, _ = await store.begin(question(owner=run.owner, conversation_id=run.conversation_id))
    assert [turn.content for turn in await history.read(third)] == ["first", "said", "second", "said"]


async def test_only_a_heart_that_was_seen_to_stand_still_is_dead(store: PostgresConversations, redis: Redis) -> None:
    run, _ = await store.begin(question())
    now = 1000.0
    pulse = Pulse(store, JournalReader(redis), clock=lambda: now)
    assert not pulse.is_dead(run)
    now += STALE_S - 1
    assert not pulse.is_dead(run)
    pulse.forget()  # the database was away for a while: old is not dead
    now += 3600
    assert not pulse.is_dead(run)
    await store.beat([run.id])
    now += STALE_S + 1
    run = await store.find_run(run.id, run.owner)
    assert not pulse.is_dead(run)
    now += STALE_S
    assert pulse.is_dead(run)
    await pulse.end(run)
    saved = await store.find_answer(run.id, run.owner)
    assert saved is not None
    assert (saved.status, saved.content) == ("interrupted", "")


def test_a_title_is_the_question_on_one_line_cut_at_a_word() -> None:
    assert title_of("How\n loud?") == "How loud?"
    assert title_of("word " * 50).endswith(" word…")
    assert len(title_of("word " * 50)) <= 80


class LosesAcknowledgements(PostgresConversations):
    """The real store behind a connection that breaks right after the first commit."""

    broken = False

    async def finish(self, run: RunRecord, answer: Answer) -> bool:
        finished = await super().finish(run, answer)
        if not self.broken:
            self.broken = True
            raise Unavailable("The connection broke.")
        return finished


async def test_an_answer_whose_commit_was_not_acknowledged_is_still_said_to_be_saved(settings: Settings) -> None:
    engine = open_database(settings.database.url)
    store = LosesAcknowledgements(engine)
    record, _ = await store.begin(question())
    run = Run(record, lambda run: None, lambda run: None)
    assert await save(store, run, ANSWER, asyncio.Event()) == [DoneEvent(ANSWER.terminal)]
    await engine.dispose()


async def test_an_answer_that_somebody_else_ended_before_is_told_as_it_is_saved(store: PostgresConversations) -> None:
    record, _ = await store.begin(question())
    run = Run(record, lambda run: None, lambda run: None)
    for event in (SourcesEvent([]), TokenEvent("more than was saved")):
        run.append(event)
    await store.finish(record, Answer("more", "interrupted", {"code": "interrupted"}))
    events = await save(store, run, ANSWER, asyncio.Event())
    assert [type(event) for event in events] == [ResetEvent, TokenEvent, ErrorEvent]
    assert events[1] == TokenEvent("more")


@pytest.mark.parametrize("how", ["answering", "draining"])
async def test_saving_ends_in_time_where_the_database_stays_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr("backend.chat.saving.SAVE_S", 0.3 if how == "answering" else 60)
    monkeypatch.setattr("backend.chat.saving.DRAINING_SAVE_S", 0.1 if how == "draining" else 60)
    drained = asyncio.Event()
    if how == "draining":
        asyncio.get_running_loop().call_later(0.2, drained.set)
    engine = open_database(f"postgresql+asyncpg://nobody@/none?host={tmp_path}")
    record = RunRecord(uuid4(), uuid4(), uuid4(), 1, "me", running=True, heartbeat_at=datetime.now(UTC))
    run = Run(record, lambda run: None, lambda run: None)
    async with asyncio.timeout(0.3 + 1):
        assert await save(PostgresConversations(engine), run, ANSWER, drained) is None
    event = ending(unsaved(ANSWER, record).terminal or {})
    assert isinstance(event, ErrorEvent)
    assert (event.data["code"], event.data["retryable"]) == ("unavailable", True)
    assert "message_id" not in event.data
    await engine.dispose()
