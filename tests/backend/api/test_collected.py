"""The collected answer: `POST /api/v1/chat` for clients that would rather have one JSON document."""

import asyncio
import uuid

import httpx
import pytest

from backend.api.accept import prefers_json
from backend.settings import Settings
from tests.backend.api.test_runs import LONG, wait_for_answer
from tests.model_server import ModelServer
from tests.service import QUESTION, Answer, Visitor, running, with_model, with_section

JSON = {"Accept": "application/json"}


async def ask(visitor: Visitor, **headers: str) -> httpx.Response:
    response = await visitor.http.post(
        "/api/v1/chat", json={"query": QUESTION}, headers={**visitor.headers, **JSON, **headers}
    )
    visitor.token = response.headers.get("x-visitor-token", visitor.token)
    return response


@pytest.mark.parametrize(
    ("accept", "json"),
    [
        ("application/json", True),
        ("Application/JSON", True),
        ("application/json, text/event-stream;q=0.5", True),
        ("text/event-stream;q=0, */*", True),
        ("application/*", True),
        ("text/plain, application/json;q=0.1", True),
        ("*/*", False),
        ("", False),
        ("text/event-stream", False),
        ("application/json, text/event-stream", False),
        ("application/json;q=0.5, text/*", False),
        ("application/json;q=much", False),
        ("text/html", False),
    ],
)
def test_json_is_sent_where_it_is_wanted_more_than_a_stream(accept: str, json: bool) -> None:
    assert prefers_json(accept) is json


async def test_the_collected_answer_is_what_the_stream_says(visitor: Visitor, model: ModelServer) -> None:
    key = str(uuid.uuid4())
    response = await ask(visitor, **{"Idempotency-Key": key})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    streamed = (await visitor.ask(key=key)).checked()
    assert response.headers["x-run-id"] == streamed.run_id
    assert response.headers["x-conversation-id"] == streamed.conversation_id
    assert response.json() == {"answer": streamed.text, "sources": streamed.sources, **streamed.last.json}


async def test_ranges_on_several_lines_are_one_list(visitor: Visitor) -> None:
    lines = [("Accept", "text/event-stream;q=0.5"), ("Accept", "application/json")]
    response = await visitor.http.post("/api/v1/chat", json={"query": QUESTION}, headers=lines)
    assert response.headers["content-type"] == "application/json"
    visitor.token = response.headers["x-visitor-token"]
    answer = response.json()
    own = f"/api/v1/conversations/{answer['conversation_id']}"
    again = await visitor.http.post(
        f"{own}/messages/{answer['message_id']}/regenerate", headers=[*visitor.headers.items(), *lines]
    )
    assert again.headers["content-type"] == "application/json"
    lines = [("Accept", "application/json;q=0.5"), ("Accept", "text/markdown")]
    export = await visitor.http.get(f"{own}/export", headers=[*visitor.headers.items(), *lines])
    assert export.headers["content-type"].startswith("text/markdown")


async def test_what_a_tier_said_before_it_broke_off_is_not_in_the_collected_answer(
    visitor: Visitor, model: ModelServer
) -> None:
    model.answer, model.fault, model.fault_after = "Void, all of this is void.", "close_unfinished", 3
    body = (await ask(visitor)).json()
    assert body["cascade_tier"] == "extractive"
    assert "Void" not in body["answer"]
    assert body["answer"]


async def test_a_failure_is_an_error_with_its_status(library: Settings, model: ModelServer) -> None:
    model.fault = "refuse_500"
    settings = with_section(with_model(library, model.base_url), "cascade", order=("fast",))
    async with running(settings) as address, Visitor(address) as visitor:
        response = await ask(visitor)
        body = response.json()
        assert response.status_code == 503
        assert (body["code"], body["retryable"]) == ("unavailable", True)
        assert body["error"].endswith(".")
        assert "message" not in body
        assert response.headers["retry-after"] == str(body["retry_after"])
        saved = await visitor.messages(response.headers["x-conversation-id"])
        assert body["message_id"] == saved[1]["id"]


async def test_a_refusal_is_the_same_for_both_forms(visitor: Visitor) -> None:
    response = await visitor.http.post("/api/v1/chat", json={"query": ""}, headers=JSON)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


async def test_who_leaves_before_the_answer_is_collected_is_a_reader_who_left(
    library: Settings, model: ModelServer
) -> None:
    model.answer, model.tokens_per_s = LONG * 20, 50
    settings = with_section(with_model(library, model.base_url), "chat", grace_s=0.3)
    async with running(settings) as address, Visitor(address) as visitor:
        first = await visitor.ask(stop_after=1)
        await model.no_stream_open(3)
        async with Visitor(address, visitor.token) as impatient:
            asking = asyncio.create_task(ask(impatient))
            await model.stream_open()
            asking.cancel()
        assert await model.no_stream_open(3)
        assert (await wait_for_answer(visitor, Answer(first.response)))["status"] == "interrupted"
