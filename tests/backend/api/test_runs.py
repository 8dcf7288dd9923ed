"""Runs: they outlive their readers, can be come back to, stopped, repeated, and are durable before they say so."""

import asyncio
import uuid
from datetime import timedelta
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import update

from backend.chat.journal import frames_key
from backend.conversations.models import messages
from backend.database import open_database, transaction
from backend.settings import Settings
from tests.model_server import ModelServer
from tests.service import QUESTION, Answer, Visitor, running, with_model, with_section
from tests.sse import read_all, text_of

LONG = " ".join(f"word{number}" for number in range(60)) + " [1]."


async def test_the_question_is_saved_before_the_first_frame_and_the_answer_before_done(
    visitor: Visitor, model: ModelServer
) -> None:
    model.answer, model.tokens_per_s = LONG, 200
    first = await visitor.ask(stop_after=1)
    saved = await visitor.messages(first.conversation_id)
    assert [message["role"] for message in saved] == ["user"]
    assert saved[0]["content"] == QUESTION
    whole = await visitor.follow(first.run_id)
    assert whole.last.event == "done"
    saved = await visitor.messages(first.conversation_id)
    assert [message["seq"] for message in saved] == [1, 2]
    assert saved[1]["content"] == whole.text
    assert saved[1]["status"] == "complete"
    assert saved[1]["sources"] == whole.sources
    assert saved[1]["id"] == whole.last.json["message_id"]


async def test_a_reader_who_comes_back_has_every_character_once(visitor: Visitor, model: ModelServer) -> None:
    model.answer, model.tokens_per_s = LONG, 400
    for stop_after in (1, 2, 5, 30):
        first = await visitor.ask(stop_after=stop_after)
        seen = int(first.events[-1].id)
        rest = await visitor.follow(first.run_id, after=seen)
        ids = [int(event.id) for event in first.events + rest.events]
        assert ids == list(range(1, len(ids) + 1))
        assert text_of(first.events + rest.events) == LONG


async def test_an_empty_last_event_id_is_none(visitor: Visitor) -> None:
    live = await visitor.ask()
    for query, left in (("", live.events), ("?after=2", live.events[2:])):
        path = f"/api/v1/chat/runs/{live.run_id}/events{query}"
        again = await visitor.http.get(path, headers=visitor.headers | {"Last-Event-ID": ""})
        assert (again.status_code, read_all([again.content])) == (200, left)


async def test_two_tabs_see_the_same(visitor: Visitor, model: ModelServer) -> None:
    model.answer, model.tokens_per_s = LONG, 400
    first = await visitor.ask(stop_after=2)
    one, two = await asyncio.gather(visitor.follow(first.run_id), visitor.follow(first.run_id))
    assert one.events == two.events
    assert one.text == LONG


async def test_another_worker_carries_the_run_live_and_can_stop_it(library: Settings, model: ModelServer) -> None:
    model.answer, model.tokens_per_s = LONG * 4, 40
    settings = with_model(library, model.base_url)
    async with running(settings) as here, running(settings) as there, Visitor(here) as visitor:
        first = await visitor.ask(stop_after=3)
        async with Visitor(there, visitor.token) as elsewhere:
            live = await elsewhere.follow(first.run_id, stop_after=8)
            assert [event.event for event in live.events[:2]] == ["sources", "token"]
            following = asyncio.create_task(elsewhere.follow(first.run_id))
            await asyncio.sleep(0.2)
            assert (await elsewhere.post(f"/api/v1/chat/runs/{first.run_id}/stop")).status_code == 202
            started = asyncio.get_running_loop().time()
            ended = await following
            assert asyncio.get_running_loop().time() - started < 2
        assert ended.checked().last.json["finish_reason"] == "stopped"
        saved = await visitor.messages(first.conversation_id)
        assert saved[1]["content"] == ended.text


async def test_stopping_keeps_what_was_said_and_may_be_repeated(visitor: Visitor, model: ModelServer) -> None:
    model.answer, model.tokens_per_s = LONG * 5, 50
    first = await visitor.ask(stop_after=4)
    for _ in range(2):
        response = await visitor.post(f"/api/v1/chat/runs/{first.run_id}/stop")
        assert (response.status_code, response.content) == (202, b"")
    whole = (await visitor.follow(first.run_id)).checked()
    assert whole.last.event == "done"
    assert whole.last.json["finish_reason"] == "stopped"
    assert 0 < len(whole.text) < len(LONG)
    saved = (await visitor.messages(first.conversation_id))[1]
    assert (saved["status"], saved["finish_reason"], saved["content"]) == ("interrupted", "stopped", whole.text)
    assert await model.no_stream_open()
    assert (await visitor.post(f"/api/v1/chat/runs/{first.run_id}/stop")).status_code == 202


async def test_one_question_at_a_time_in_a_conversation(visitor: Visitor, model: ModelServer) -> None:
    model.answer, model.tokens_per_s = LONG, 100
    first = await visitor.ask(stop_after=2)
    second = await visitor.ask("Another?", conversation_id=first.conversation_id)
    assert second.response.status_code == 409
    assert second.response.json()["code"] == "conversation_busy"
    conversation = (await visitor.get(f"/api/v1/conversations/{first.conversation_id}")).json()
    assert conversation["active_run_id"] == first.run_id
    await visitor.follow(first.run_id)
    third = await visitor.ask("Another?", conversation_id=first.conversation_id)
    assert third.checked().last.event == "done"


async def test_a_repeat_with_the_same_key_attaches_to_the_same_run(visitor: Visitor, model: ModelServer) -> None:
    await visitor.ask()
    asked = len(model.requests)
    key = str(uuid.uuid4())
    answers = await asyncio.gather(*(visitor.ask(key=key) for _ in range(8)))
    assert len({answer.run_id for answer in answers}) == 1
    assert len({answer.text for answer in answers}) == 1
    assert len(model.requests) == asked + 1
    other = await visitor.ask("Something else?", key=key)
    assert (other.response.status_code, other.response.json()["code"]) == (422, "invalid_request")


async def test_a_first_question_that_is_sent_again_is_the_same_visitors(service: str) -> None:
    key = str(uuid.uuid4())
    async with Visitor(service) as one, Visitor(service) as two:
        first, again = await one.ask(key=key), await two.ask(key=key)
        assert first.run_id == again.run_id
        assert (await two.get(f"/api/v1/conversations/{first.conversation_id}")).status_code == 200
    async with Visitor(service) as guesser:
        short = await guesser.ask(key="1")
    async with Visitor(service) as other:
        assert (await other.ask(key="1")).run_id != short.run_id


async def test_a_run_whose_frames_have_expired_is_told_from_its_saved_answer(
    library: Settings, model: ModelServer
) -> None:
    model.answer, model.tokens_per_s = LONG, 400
    settings = with_model(library, model.base_url)
    async with running(settings) as address, Visitor(address) as visitor:
        live = await visitor.ask()
        token = visitor.token
    redis = Redis.from_url(library.redis.url)
    await redis.delete(frames_key(UUID(live.run_id)))
    await redis.aclose()
    await make_older(settings, live.run_id)
    async with running(settings) as address, Visitor(address, token) as visitor:
        replayed = (await visitor.follow(live.run_id)).checked()
        assert [event.event for event in replayed.events] == ["sources", "token", "done"]
        assert replayed.text == live.text
        assert replayed.last.json == live.last.json
        midway = await visitor.follow(live.run_id, after=3)
        assert [event.event for event in midway.events] == ["reset", "token", "done"]
        assert midway.text == live.text
        assert (await visitor.follow(live.run_id, after=int(midway.last.id))).response.status_code == 204


async def make_older(settings: Settings, run_id: str) -> None:
    """Lets an answer have been saved an hour ago."""
    engine = open_database(settings.database.url)
    async with transaction(engine) as connection:
        older = update(messages).where(messages.c.run_id == UUID(run_id))
        await connection.execute(older.values(created_at=messages.c.created_at - timedelta(hours=1)))
    await engine.dispose()


async def test_frames_that_may_come_yet_have_their_numbers_to_themselves(library: Settings, model: ModelServer) -> None:
    model.answer, model.tokens_per_s = LONG, 400
    settings = with_model(library, model.base_url)
    redis = Redis.from_url(library.redis.url)
    async with running(settings) as address, Visitor(address) as visitor:
        live = await visitor.ask()
        token = visitor.token
    async with running(settings) as address, Visitor(address, token) as visitor:
        await redis.rename(frames_key(UUID(live.run_id)), "not written yet")
        told = await visitor.follow(live.run_id)
        await redis.rename("not written yet", frames_key(UUID(live.run_id)))
        assert (told.text, told.last.json) == (live.text, live.last.json)
        for cut in range(1, len(told.events)):
            rest = await visitor.follow(live.run_id, after=int(told.events[cut - 1].id))
            assert text_of(told.events[:cut] + rest.events) == LONG
    await redis.aclose()


async def test_who_was_told_the_saved_answer_has_its_text_also_when_the_frames_are_there_again(
    library: Settings, model: ModelServer
) -> None:
    model.answer, model.tokens_per_s = LONG, 400
    settings = with_model(library, model.base_url)
    redis = Redis.from_url(library.redis.url)
    async with running(settings) as address, Visitor(address) as visitor:
        live = await visitor.ask()
        token = visitor.token
    async with running(settings) as address, Visitor(address, token) as visitor:
        for first_cut in range(1, len(live.events)):
            for second_cut in (1, 2):
                await redis.rename(frames_key(UUID(live.run_id)), "away")
                told = await visitor.follow(live.run_id, after=first_cut)
                await redis.rename("away", frames_key(UUID(live.run_id)))
                events = live.events[:first_cut] + told.events[:second_cut]
                rest = await visitor.follow(live.run_id, after=int(events[-1].id))
                assert text_of(events + rest.events) == LONG
                assert rest.last.event == "done"
    await redis.aclose()


async def test_a_reader_who_leaves_does_not_end_the_run_within_its_grace(library: Settings, model: ModelServer) -> None:
    model.answer, model.tokens_per_s = LONG, 200
    async with running(with_model(library, model.base_url)) as address, Visitor(address) as visitor:
        first = await visitor.ask(stop_after=2)
        await model.no_stream_open(within_s=5)
        saved = await wait_for_answer(visitor, first)
        assert (saved["status"], saved["content"]) == ("complete", LONG)


async def test_a_run_that_nobody_comes_back_to_is_stopped_and_saved(library: Settings, model: ModelServer) -> None:
    model.answer, model.tokens_per_s = LONG * 20, 50
    settings = with_section(with_model(library, model.base_url), "chat", grace_s=0.3)
    async with running(settings) as address, Visitor(address) as visitor:
        first = await visitor.ask(stop_after=4)
        assert await model.no_stream_open(within_s=3)
        saved = await wait_for_answer(visitor, first)
        assert saved["status"] == "interrupted"
        assert (LONG * 20).startswith(saved["content"])
        assert saved["content"]


async def test_a_reader_who_comes_back_to_another_worker_is_known_at_once_where_the_run_is(
    library: Settings, model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.chat.runs.TELL_S", 60.0)  # no word of readers is due while this goes on
    model.answer, model.tokens_per_s = LONG, 60
    settings = with_section(with_model(library, model.base_url), "chat", grace_s=0.5)
    async with running(settings) as here, running(settings) as there, Visitor(here) as first:
        left = await first.ask(stop_after=2)
        async with Visitor(there, first.token) as again:
            whole = (await again.follow(left.run_id)).checked()
        assert (whole.last.json["finish_reason"], whole.text) == ("stop", LONG)


async def test_a_redis_that_is_late_just_when_readers_are_looked_for_does_not_end_an_answer_that_is_read_elsewhere(
    library: Settings, model: ModelServer
) -> None:
    model.answer, model.tokens_per_s = LONG, 15
    settings = with_section(with_model(library, model.base_url), "chat", grace_s=1.5)
    redis = Redis.from_url(library.redis.url)
    async with running(settings) as here, running(settings) as there, Visitor(here) as first:
        left = await first.ask(stop_after=2)
        async with Visitor(there, first.token) as again:
            reading = asyncio.create_task(again.follow(left.run_id))
            await asyncio.sleep(1.3)
            await redis.client_pause(600)
            whole = (await reading).checked()
        assert (whole.last.json["finish_reason"], whole.text) == ("stop", LONG)
    await redis.aclose()


async def test_without_redis_questions_are_answered_and_conversations_go_on(
    library: Settings, model: ModelServer
) -> None:
    settings = with_section(with_model(library, model.base_url), "redis", url="redis://127.0.0.1:1/0")
    async with running(settings) as address, Visitor(address) as visitor:
        first = (await visitor.ask()).checked()
        second = (await visitor.ask("And for a podcast?", conversation_id=first.conversation_id)).checked()
        assert second.last.event == "done"
        assert QUESTION in model.requests[-1].prompt
        ready = await visitor.get("/health/ready")
        assert (ready.status_code, ready.json()["dependencies"]["redis"]) == (200, "away")


async def wait_for_answer(visitor: Visitor, answer: Answer) -> dict[str, object]:
    """The saved answer of a run, once it is there."""
    for _ in range(100):
        saved = await visitor.messages(answer.conversation_id)
        if len(saved) == 2:
            return saved[1]
        await asyncio.sleep(0.05)
    raise AssertionError("no answer was saved within 5 s")
