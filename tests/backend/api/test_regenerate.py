"""An answer that is made anew over HTTP: a stream like any other, whose answer takes the place of the one before."""

import asyncio
import itertools
import json
from typing import Any

import pytest
from redis.asyncio import Redis

from backend.conversations.models import RunRecord
from backend.conversations.postgres import PostgresConversations
from backend.settings import Settings
from tests.backend.api.test_conversations import HERE, places_of, purge
from tests.model_server import ModelServer
from tests.service import QUESTION, Answer, Visitor, running, with_model, with_section

LONG = " ".join(f"word{number}" for number in range(300))


def path_of(answer: Answer) -> str:
    done = answer.last.json
    return f"{HERE}/{done['conversation_id']}/messages/{done['message_id']}/regenerate"


async def anew(
    visitor: Visitor, answer: Answer, *, key: str | None = None, stop_after: int | None = None, **headers: str
) -> Answer:
    """Has an answer made anew and reads to the end, or until `stop_after` events have come."""
    every = visitor.headers | headers | ({"Idempotency-Key": key} if key else {})
    return await visitor._read(visitor.http.stream("POST", path_of(answer), headers=every), stop_after)


async def test_the_new_answer_streams_like_a_first_one_and_takes_its_place(
    visitor: Visitor, model: ModelServer
) -> None:
    model.answer = "It is so [1]."
    first = await visitor.ask(QUESTION)
    before = await visitor.messages(first.conversation_id)
    model.answer = "It is otherwise [1]."
    again = (await anew(visitor, first)).checked()
    assert again.response.headers["content-type"].startswith("text/event-stream")
    assert again.conversation_id == first.conversation_id
    assert again.run_id != first.run_id
    assert "ratelimit" in again.response.headers
    assert (again.last.event, again.text) == ("done", "It is otherwise [1].")
    after = await visitor.messages(first.conversation_id)
    assert after[0] == before[0]
    assert [(one["seq"], one["role"], one["content"]) for one in after] == [
        (1, "user", QUESTION), (2, "assistant", "It is otherwise [1]."),
    ]  # fmt: skip
    assert after[1]["id"] == again.last.json["message_id"] != before[1]["id"]
    told = model.requests[-1].prompt
    assert "It is so" not in told
    assert told.count(QUESTION) == model.requests[-2].prompt.count(QUESTION)
    replayed = await visitor.follow(again.run_id)
    assert replayed.text == again.text
    assert (await visitor.follow(first.run_id)).response.status_code == 404
    follow_up = await visitor.ask("And why?", conversation_id=first.conversation_id)
    assert follow_up.last.event == "done"
    assert "It is otherwise" in model.requests[-1].prompt
    assert "It is so" not in model.requests[-1].prompt


async def test_it_is_asked_as_it_was_asked(visitor: Visitor) -> None:
    creator = (await visitor.get("/api/v1/creators")).json()["items"][0]["slug"]
    first = await visitor.ask(QUESTION, creator=creator, personality_weight=0.75, widen=False)
    again = await anew(visitor, first)
    assert again.sources == first.sources
    for name in ("creator", "persona", "scope", "standalone_query", "finish_reason"):
        assert again.last.json[name] == first.last.json[name]


async def test_a_question_that_leans_on_the_conversation_leans_on_it_again(
    visitor: Visitor, model: ModelServer
) -> None:
    first = await visitor.ask(QUESTION)
    second = await visitor.ask("And for a podcast?", conversation_id=first.conversation_id)
    again = (await anew(visitor, second)).checked()
    assert again.last.json["standalone_query"] == second.last.json["standalone_query"] != "And for a podcast?"
    assert first.text[:30] in model.requests[-1].prompt
    saved = await visitor.messages(first.conversation_id)
    assert [one["seq"] for one in saved] == [1, 2, 3, 4]


async def test_a_repeat_with_the_same_key_attaches_to_the_same_run(visitor: Visitor, model: ModelServer) -> None:
    first = await visitor.ask(key="the question")
    asked = len(model.requests)
    answers = await asyncio.gather(*(anew(visitor, first, key="again") for _ in range(6)))
    answers.append(await anew(visitor, first, key="again"))  # when the message that it names is gone
    assert len({answer.run_id for answer in answers}) == 1
    assert len({answer.text for answer in answers}) == 1
    assert len(model.requests) == asked + 1
    assert (await visitor.ask(key="the question")).run_id == answers[0].run_id
    assert (await visitor.ask("Something else?", key="again")).response.status_code == 422
    assert (await anew(visitor, first)).response.status_code == 404


async def test_a_repeat_finds_the_run_that_began_while_it_looked(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await visitor.ask()
    again = await anew(visitor, first, key="again")
    find_repeated, looks = PostgresConversations.find_repeated, itertools.count(1)

    async def too_early(self: PostgresConversations, owner: str, key: str | None, body_hash: str) -> RunRecord | None:
        return None if next(looks) == 1 else await find_repeated(self, owner, key, body_hash)

    monkeypatch.setattr(PostgresConversations, "find_repeated", too_early)
    assert (await anew(visitor, first, key="again")).run_id == again.run_id


async def test_a_whole_answer_comes_to_who_wants_one(visitor: Visitor) -> None:
    first = await visitor.ask()
    response = await visitor.http.post(path_of(first), headers=visitor.headers | {"Accept": "application/json"})
    assert response.status_code == 200
    assert response.headers["x-run-id"] == response.json()["run_id"]
    saved = await visitor.messages(first.conversation_id)
    assert (saved[1]["content"], saved[1]["id"]) == (response.json()["answer"], response.json()["message_id"])


async def test_it_is_refused_where_something_is_answering_and_for_an_earlier_answer(
    visitor: Visitor, model: ModelServer
) -> None:
    first = await visitor.ask()
    model.answer, model.tokens_per_s = LONG, 100
    going_on = await visitor.ask("And?", conversation_id=first.conversation_id, stop_after=3)
    busy = await anew(visitor, first)
    assert (busy.response.status_code, busy.response.json()["code"]) == (409, "conversation_busy")
    await visitor.post(f"/api/v1/chat/runs/{going_on.run_id}/stop")
    going_on = await visitor.follow(going_on.run_id)
    earlier = await anew(visitor, first)
    assert (earlier.response.status_code, earlier.response.json()["code"]) == (422, "invalid_request")
    assert "Only the last answer" in earlier.response.json()["error"]
    again = await anew(visitor, going_on, stop_after=3)
    for answer in (await anew(visitor, going_on), await visitor.ask("?", conversation_id=first.conversation_id)):
        assert answer.response.status_code == 409
    conversation = (await visitor.get(f"{HERE}/{first.conversation_id}")).json()
    assert conversation["active_run_id"] == again.run_id
    await visitor.post(f"/api/v1/chat/runs/{again.run_id}/stop")
    assert (await visitor.follow(again.run_id)).last.json["finish_reason"] == "stopped"


async def test_a_stop_before_a_word_leaves_the_earlier_answer_and_a_later_one_keeps_what_was_said(
    visitor: Visitor, model: ModelServer
) -> None:
    first = await visitor.ask()
    saved = await visitor.messages(first.conversation_id)
    model.answer, model.tokens_per_s, model.first_token_delay_s = LONG, 50, 5
    again = await anew(visitor, first, stop_after=1)
    await visitor.post(f"/api/v1/chat/runs/{again.run_id}/stop")
    stopped = (await visitor.follow(again.run_id)).checked()
    assert (stopped.text, stopped.last.json["finish_reason"]) == ("", "stopped")
    assert [(tried["cascade_tier"], tried["outcome"]) for tried in stopped.last.json["tiers_tried"]] == [
        ("fast", "stopped")
    ]
    assert stopped.last.json["message_id"] == first.last.json["message_id"]
    assert await visitor.messages(first.conversation_id) == saved
    model.first_token_delay_s, before = 0, again.run_id
    again = await anew(visitor, first, stop_after=5)
    await visitor.post(f"/api/v1/chat/runs/{again.run_id}/stop")
    stopped = (await visitor.follow(again.run_id)).checked()
    assert "word2" in stopped.text
    after = await visitor.messages(first.conversation_id)
    assert [one["content"] for one in after] == [saved[0]["content"], stopped.text]
    assert (after[1]["status"], after[1]["id"]) == ("interrupted", stopped.last.json["message_id"])
    assert (await visitor.follow(before)).response.status_code == 404


async def test_where_no_tier_answers_the_earlier_answer_stays_and_the_next_question_knows_it(
    library: Settings, model: ModelServer
) -> None:
    model.answer = "It is so [1]."
    settings = with_section(with_model(library, model.base_url), "cascade", order=("fast",))
    async with running(settings) as address, Visitor(address) as visitor:
        first = await visitor.ask()
        saved = await visitor.messages(first.conversation_id)
        model.fault = "refuse_400"
        failed = (await anew(visitor, first)).checked()
        assert (failed.last.event, failed.last.json["code"]) == ("error", "unavailable")
        assert "message_id" not in failed.last.json
        assert await visitor.messages(first.conversation_id) == saved
        assert (await visitor.follow(first.run_id)).text == "It is so [1]."
        told = await visitor.follow(failed.run_id)
        assert told.last.json == failed.last.json
    model.fault = None
    async with running(settings) as address, Visitor(address, visitor.token) as visitor:
        await visitor.ask("And why?", conversation_id=first.conversation_id)
        assert "It is so" in model.requests[-1].prompt


async def test_an_abandoned_one_leaves_the_earlier_answer(library: Settings, model: ModelServer) -> None:
    settings = with_section(with_model(library, model.base_url), "chat", grace_s=0.1)
    async with running(settings) as address, Visitor(address) as visitor:
        first = await visitor.ask()
        saved = await visitor.messages(first.conversation_id)
        model.answer, model.tokens_per_s = LONG, 50
        await anew(visitor, first, stop_after=4)
        assert await model.no_stream_open(within_s=5)
        async with asyncio.timeout(5):
            while (await visitor.get(f"{HERE}/{first.conversation_id}")).json()["active_run_id"]:
                await asyncio.sleep(0.02)
        assert await visitor.messages(first.conversation_id) == saved


async def test_a_reader_on_another_worker_hears_that_it_was_stopped_before_a_word_also_while_redis_is_away(
    library: Settings, model: ModelServer
) -> None:
    settings = with_section(with_model(library, model.base_url), "redis", url="redis://127.0.0.1:1/0")
    async with running(settings) as here, running(settings) as there, Visitor(here) as visitor:
        first = await visitor.ask()
        saved = await visitor.messages(first.conversation_id)
        model.answer, model.first_token_delay_s = LONG, 5
        again = await anew(visitor, first, stop_after=1)
        async with Visitor(there, visitor.token) as elsewhere:
            reading = asyncio.create_task(elsewhere.follow(again.run_id))
            await visitor.post(f"/api/v1/chat/runs/{again.run_id}/stop")
            assert (await visitor.follow(again.run_id)).last.json["finish_reason"] == "stopped"
            async with asyncio.timeout(10):
                told = await reading
            known = {"creator": None, "finish_reason": "stopped", "message_id": first.last.json["message_id"]}
            assert (told.text, told.last.event) == ("", "done")
            assert told.last.json.items() >= known.items()
            assert told.last.json.keys() == first.last.json.keys()
            assert await elsewhere.messages(first.conversation_id) == saved
            assert (await elsewhere.follow(again.run_id)).last.json == told.last.json


async def test_it_counts_as_a_question_of_whom_was_asked(library: Settings, model: ModelServer) -> None:
    few = library.limits.model_copy(update={"visitor": library.limits.visitor.model_copy(update={"per_minute": 2})})
    settings = with_model(library, model.base_url).model_copy(update={"limits": few})
    async with running(settings) as address, Visitor(address) as visitor:
        creator = (await visitor.get("/api/v1/creators")).json()["items"][0]["slug"]
        first = await visitor.ask(creator=creator)
        again = await anew(visitor, first)
        assert again.response.headers["ratelimit-policy"] == first.response.headers["ratelimit-policy"]
        assert "creator-minute" in again.response.headers["ratelimit-policy"]
        refused = await anew(visitor, again)
        assert (refused.response.status_code, refused.response.json()["code"]) == (429, "rate_limited")
        assert int(refused.response.headers["retry-after"]) <= 60
        assert (await visitor.messages(first.conversation_id))[1]["id"] == again.last.json["message_id"]


async def test_a_conversation_deleted_while_it_is_answered_anew_leaves_nothing_anywhere(
    library: Settings, model: ModelServer
) -> None:
    canary = "Quetzal"
    redis = Redis.from_url(library.redis.url)
    model.answer = f"{canary} [1]."
    settings = with_model(library, model.base_url)
    async with running(settings) as address, Visitor(address) as visitor:
        first = await visitor.ask()
        body: dict[str, Any] = {"rating": "down", "comment": f"No {canary}."}
        rated = await visitor.http.put(path_of(first).replace("regenerate", "feedback"), json=body,
                                       headers=visitor.headers)  # fmt: skip
        assert rated.status_code == 204
        model.answer, model.tokens_per_s = f"{canary} {LONG}", 40
        again = await anew(visitor, first, stop_after=5)
        there = asyncio.Event()
        reading = asyncio.create_task(visitor.follow(again.run_id, there=there))
        await there.wait()
        assert (await visitor.http.delete(f"{HERE}/{first.conversation_id}", headers=visitor.headers)).is_success
        async with asyncio.timeout(3):
            assert json.dumps((await reading).checked().last.json).count("not_found") == 1
        assert (await anew(visitor, first)).response.status_code == 404
        assert await model.no_stream_open()
    await purge(settings, redis)
    assert await places_of(settings, redis, canary) == []
    await redis.aclose()
