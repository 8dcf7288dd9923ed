"""Answers that are made anew and rated, in a real Postgres: what takes whose place, and what stays as it was."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.absence import Absence
from backend.chat.events import DoneEvent, ErrorEvent, SourcesEvent, TokenEvent
from backend.chat.journal import JournalReader
from backend.chat.pulse import Pulse
from backend.chat.run import Run
from backend.chat.saving import save
from backend.conversations.agent_sessions import AgentSessions
from backend.conversations.answers import Answers
from backend.conversations.cached import CachedHistory
from backend.conversations.models import Answer, Feedback, Question, RunRecord, Turn
from backend.conversations.postgres import PostgresConversations
from backend.errors import ConversationBusy, InvalidRequest, NotFound

ANSWER = Answer("said", "complete", {"finish_reason": "stop"}, frames=9, may_replace=True)
NOTHING = Answer("", "failed", {"code": "unavailable", "message": "Nothing."}, frames=2)


def question(**changed: object) -> Question:
    asked = Question(str(uuid4()), "How loud?", "ana", "mastering", 0.5, None, None, "hash", widen=False)
    return replace(asked, **changed)  # type: ignore[arg-type]


async def talk(store: PostgresConversations, said: str = "said", **changed: object) -> RunRecord:
    """A question and its answer."""
    run, _ = await store.begin(question(**changed))
    assert await store.finish(run, replace(ANSWER, content=said))
    return run


async def anew(store: PostgresConversations, answers: Answers, first: RunRecord, **changed: object) -> RunRecord:
    """A run that answers the same question once more."""
    asked = await answers.asked(first.owner, first.conversation_id, first.message_id)
    run, is_new = await store.begin(replace(asked, body_hash="again", **changed))  # type: ignore[arg-type]
    assert is_new
    return run


async def test_the_new_answer_has_the_place_of_the_earlier_one_and_a_name_of_its_own(
    store: PostgresConversations, answers: Answers
) -> None:
    first = await talk(store)
    await answers.rate(first.owner, first.conversation_id, first.message_id, Feedback("down", "Too quiet."))
    second = await anew(store, answers, first)
    assert (second.seq, second.replaces) == (first.seq, first.message_id)
    before = await store.list_messages(first.conversation_id, first.owner, 0, 9)
    assert await store.finish(second, replace(ANSWER, content="said anew"))
    after = await store.list_messages(first.conversation_id, first.owner, 0, 9)
    assert [(one.seq, one.content) for one in before] == [(1, "How loud?"), (2, "said")]
    assert [(one.id, one.seq, one.content, one.feedback) for one in after[1:]] == [
        (second.message_id, 2, "said anew", None)
    ]
    assert after[1].created_at > before[1].created_at
    third = await talk(store, owner=first.owner, conversation_id=first.conversation_id)
    assert third.seq == 3


async def test_a_question_is_asked_anew_as_it_was_asked(store: PostgresConversations, answers: Answers) -> None:
    first = await talk(store)
    asked = await answers.asked(first.owner, first.conversation_id, first.message_id)
    as_it_was = question(owner=first.owner, conversation_id=first.conversation_id, replaces=first.message_id)
    assert replace(asked, body_hash="hash", run_id=as_it_was.run_id) == as_it_was
    second = await anew(store, answers, first)
    await store.finish(second, ANSWER)
    again = await answers.asked(first.owner, first.conversation_id, second.message_id)
    assert replace(again, replaces=first.message_id, run_id=asked.run_id) == asked


@pytest.mark.parametrize("ending", [NOTHING, replace(NOTHING, content="half of", status="interrupted"),
                                    Answer("", "interrupted", {"finish_reason": "stopped"})])  # fmt: skip
async def test_an_answer_stays_as_it_was_where_nothing_better_came_of_it(
    store: PostgresConversations, answers: Answers, ending: Answer
) -> None:
    first = await talk(store)
    await answers.rate(first.owner, first.conversation_id, first.message_id, Feedback("up", None))
    before = await store.list_messages(first.conversation_id, first.owner, 0, 9)
    second = await anew(store, answers, first)
    assert await store.finish(second, ending)
    assert await store.list_messages(first.conversation_id, first.owner, 0, 9) == before
    assert (await store.find_conversation(first.conversation_id, first.owner)).active_run_id is None
    saved = await store.find_answer(first.id, first.owner)
    assert saved == before[1]
    assert await store.find_answer(second.id, first.owner) is None
    assert not (await store.find_run(second.id, first.owner)).running
    third = await anew(store, answers, first)
    assert await store.finish(third, ANSWER)


async def test_the_run_of_a_replaced_answer_is_nobodys_and_its_key_names_the_one_that_stands_there(
    store: PostgresConversations, answers: Answers
) -> None:
    first = await talk(store, idempotency_key="first")
    second = await anew(store, answers, first, idempotency_key="second")
    await store.finish(second, NOTHING)
    third = await anew(store, answers, first, idempotency_key="third")
    await store.finish(third, ANSWER)
    for gone in (first, second):
        with pytest.raises(NotFound):
            await store.find_run(gone.id, first.owner)
        assert await store.find_answer(gone.id, first.owner) is None
    for key, body_hash in (("first", "hash"), ("second", "again"), ("third", "again")):
        found = await store.find_repeated(first.owner, key, body_hash)
        assert found is not None
        assert found.id == third.id
    with pytest.raises(InvalidRequest):
        await store.find_repeated(first.owner, "first", "again")


async def test_only_the_last_answer_is_made_anew_and_only_while_nothing_is_answering(
    store: PostgresConversations, answers: Answers
) -> None:
    first = await talk(store)
    asked = await answers.asked(first.owner, first.conversation_id, first.message_id)
    going_on = question(owner=first.owner, conversation_id=first.conversation_id)
    running, _ = await store.begin(going_on)
    for attempt in (store.begin(asked), answers.asked(first.owner, first.conversation_id, first.message_id)):
        with pytest.raises(ConversationBusy):
            await attempt
    await store.finish(running, ANSWER)
    with pytest.raises(InvalidRequest, match="Only the last answer"):
        await answers.asked(first.owner, first.conversation_id, first.message_id)
    with pytest.raises(ConversationBusy):
        await store.begin(asked)  # it was looked for before the other question
    (first_message, *_) = await store.list_messages(first.conversation_id, first.owner, 0, 9)
    for owner, conversation_id, message_id in (
        (str(uuid4()), first.conversation_id, running.message_id),
        (first.owner, uuid4(), running.message_id),
        (first.owner, first.conversation_id, uuid4()),
        (first.owner, first.conversation_id, first_message.id),
    ):
        for attempt in (answers.asked(owner, conversation_id, message_id),
                        answers.rate(owner, conversation_id, message_id, Feedback("up", None)),
                        answers.rate(owner, conversation_id, message_id, None)):  # fmt: skip
            with pytest.raises(NotFound, match="There is no such answer"):
                await attempt
    await store.delete(first.owner, first.conversation_id)
    with pytest.raises(NotFound, match="There is no such answer"):
        await answers.asked(first.owner, first.conversation_id, running.message_id)


async def test_of_many_who_ask_on_and_ask_anew_at_once_one_is_answered(
    store: PostgresConversations, answers: Answers
) -> None:
    first = await talk(store)
    asked = await answers.asked(first.owner, first.conversation_id, first.message_id)
    going_on = question(owner=first.owner, conversation_id=first.conversation_id)
    attempts = [replace(one, run_id=uuid4()) for one in (asked, going_on) for _ in range(6)]
    raced = await asyncio.gather(*map(store.begin, attempts), return_exceptions=True)
    (begun,) = [result for result in raced if not isinstance(result, BaseException)]
    assert sum(isinstance(result, ConversationBusy) for result in raced) == 11
    assert await store.finish(begun[0], ANSWER)
    saved = await store.list_messages(first.conversation_id, first.owner, 0, 9)
    assert [message.seq for message in saved] == list(range(1, len(saved) + 1))
    assert len(saved) == (2 if begun[0].replaces else 4)


async def test_a_race_with_one_key_makes_an_answer_anew_once(store: PostgresConversations, answers: Answers) -> None:
    first = await talk(store)
    asked = await answers.asked(first.owner, first.conversation_id, first.message_id)
    attempts = [replace(asked, run_id=uuid4(), idempotency_key="key") for _ in range(8)]
    results = await asyncio.gather(*map(store.begin, attempts))
    assert len({run.id for run, _ in results}) == 1
    assert [is_new for _, is_new in results].count(True) == 1


async def test_a_worker_that_dies_while_it_answers_anew_leaves_the_earlier_answer(
    store: PostgresConversations, answers: Answers, redis: Redis
) -> None:
    first = await talk(store)
    second = await anew(store, answers, first)
    lost = await store.find_run(second.id, first.owner)
    assert lost.replaces == first.message_id
    await Pulse(store, JournalReader(redis)).end(lost)
    assert [one.content for one in await store.list_messages(first.conversation_id, first.owner, 1, 9)] == ["said"]
    run = Run(second, lambda run: None, lambda run: None)
    for event in (SourcesEvent([]), TokenEvent("said anew")):
        run.append(event)
    # It was only slow: what it has is not saved, and it must not say so.
    (event,) = await save(store, run, replace(ANSWER, content="said anew"), asyncio.Event())
    assert isinstance(event, ErrorEvent)
    assert (event.data["code"], "message_id" in event.data) == ("interrupted", False)


async def test_a_conversation_that_is_deleted_while_it_is_answered_anew_takes_both_answers_along(
    store: PostgresConversations, answers: Answers
) -> None:
    first = await talk(store)
    second = await anew(store, answers, first)
    gone = await store.delete(first.owner, first.conversation_id)
    assert (set(gone.runs), gone.running) == ({first.id, second.id}, [second.id])
    assert not await store.finish(second, ANSWER)
    run = Run(second, lambda run: None, lambda run: None)
    with pytest.raises(NotFound):
        await save(store, run, ANSWER, asyncio.Event())


async def test_an_end_without_an_answer_whose_commit_was_not_acknowledged_is_told_as_it_was(
    store: PostgresConversations, answers: Answers
) -> None:
    first = await talk(store)
    second = await anew(store, answers, first)
    stopped = Answer("", "interrupted", {"finish_reason": "stopped", "message_id": str(first.message_id)})
    assert await store.finish(second, stopped)
    run = Run(second, lambda run: None, lambda run: None)
    assert await save(store, run, stopped, asyncio.Event()) == [DoneEvent(stopped.terminal)]


async def test_a_copy_of_the_history_with_an_answer_that_was_made_anew_since_is_not_believed(
    store: PostgresConversations, answers: Answers, redis: Redis
) -> None:
    history = CachedHistory(store, redis, 60, 10, Absence())
    first = await talk(store)
    await history.write(first, [Turn("user", "How loud?"), Turn("assistant", "said")])
    second = await anew(store, answers, first)
    assert await history.read(second) == []
    await store.finish(second, replace(ANSWER, content="said anew"))  # and Redis missed it
    third, _ = await store.begin(question(owner=first.owner, conversation_id=first.conversation_id))
    assert await history.read(third) == [Turn("user", "How loud?"), Turn("assistant", "said anew")]


async def test_a_session_that_has_answered_the_question_is_forgotten_and_one_before_it_stays(
    engine: AsyncEngine, store: PostgresConversations, answers: Answers
) -> None:
    first = await talk(store)
    second = await talk(store, owner=first.owner, conversation_id=first.conversation_id)
    sessions = AgentSessions(engine)
    await sessions.keep(first.conversation_id, "early", "digest", "one", first.seq)
    await sessions.keep(first.conversation_id, "late", "digest", "two", second.seq)
    await anew(store, answers, second)
    assert await sessions.find(first.conversation_id, "early", "digest") == ("one", first.seq)
    assert await sessions.find(first.conversation_id, "late", "digest") is None


async def test_who_pages_while_answers_are_made_anew_meets_each_conversation_once(
    store: PostgresConversations, answers: Answers
) -> None:
    owner = str(uuid4())
    begun_first, _ = await store.begin(question(owner=owner))
    made = [await talk(store, owner=owner) for _ in range(4)]
    again = await talk(store, owner=owner, conversation_id=made[0].conversation_id)
    await store.finish(begun_first, ANSWER)
    page, place = await store.list_conversations(owner, None, 2)
    await store.finish(await anew(store, answers, begun_first), ANSWER)  # on the page that has been read
    await store.finish(await anew(store, answers, again), ANSWER)
    await store.finish(await anew(store, answers, made[1]), ANSWER)
    rest, _ = await store.list_conversations(owner, place, 9)
    runs = (begun_first, made[0], made[3], made[2], made[1])
    assert [one.id for one in (*page, *rest)] == [run.conversation_id for run in runs]
    newest, _ = await store.list_conversations(owner, None, 3)
    assert [one.id for one in newest] == [run.conversation_id for run in (made[1], made[0], begun_first)]
