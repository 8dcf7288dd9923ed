"""What is refused before a stream opens: with a real status, one sentence and one code."""

import json
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest

from backend.api.error_handlers import render
from backend.errors import Unavailable
from tests.service import Visitor


def assert_refused(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    body = response.json()
    assert body["code"] == code
    assert body["error"].endswith(".")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": ""},
        {"query": "   "},
        {"query": "\u200b"},
        {"query": "x" * 1001},
        {"query": "a\0b"},
        {"query": "ok", "extra": 1},
        {"query": "ok", "personality_weight": 1.5},
        {"query": "ok", "personality_weight": "0.5"},
        {"query": "ok", "personality_weight": True},
        {"query": "ok", "widen": 1},
        {"query": "ok", "widen": "false"},
        {"query": "ok", "conversation_id": "not-a-uuid"},
        {"query": 7},
        [],
        "query",
    ],
)
async def test_a_body_that_can_never_succeed_is_422(visitor: Visitor, body: object) -> None:
    assert_refused(await visitor.post("/api/v1/chat", body), 422, "invalid_request")


@pytest.mark.parametrize(
    ("method", "path", "body", "sentence"),
    [
        ("POST", "/api/v1/chat", {"query": "ok", "conversation_id": "x"}, "`conversation_id` must be a UUID."),
        ("POST", "/api/v1/chat", {"query": "ok", "conversation_id": 7}, "`conversation_id` must be a UUID."),
        ("POST", "/api/v1/chat", {"query": 7}, "`query` must be text."),
        ("POST", "/api/v1/chat", {"query": " "}, "`query` must not be empty."),
        ("POST", "/api/v1/chat", {"query": "x" * 1001}, "`query` must have at most 1000 characters."),
        ("POST", "/api/v1/chat", {"query": "a\0b"}, "`query`: must not contain NUL."),
        ("POST", "/api/v1/chat", {"query": "ok", "personality_weight": 2}, "`personality_weight` must be at most 1."),
        ("POST", "/api/v1/chat", {"query": "ok", "personality_weight": "x"}, "`personality_weight` must be a number."),
        ("POST", "/api/v1/chat", {"query": "ok", "widen": "x"}, "`widen` must be true or false."),
        ("POST", "/api/v1/chat", [], "The body must be an object."),
        ("POST", "/api/v1/chat", None, "The body is missing."),
        ("PATCH", "/api/v1/conversations/{}", {"title": " "}, "`title` must not be empty."),
        ("PATCH", "/api/v1/conversations/{}", {"title": "x" * 201}, "`title` must have at most 200 characters."),
        ("PUT", "/api/v1/conversations/{}/messages/{}/feedback", {"rating": 1}, "`rating` must be 'up' or 'down'."),
        ("GET", "/api/v1/conversations?limit=0", None, "`limit` must be at least 1."),
        ("GET", "/api/v1/conversations?limit=x", None, "`limit` must be a whole number."),
        ("GET", "/api/v1/conversations/x", None, "`conversation_id` must be a UUID."),
    ],
)
async def test_a_refusal_says_in_our_words_what_holds_for_a_field(
    visitor: Visitor, method: str, path: str, body: object, sentence: str
) -> None:
    visitor.token = (await visitor.ask()).response.headers["x-visitor-token"]
    sent = {} if body is None else {"json": body}
    response = await visitor.http.request(method, path.format(*[uuid.uuid4()] * 2), headers=visitor.headers, **sent)
    assert (response.status_code, response.json()["error"]) == (422, sentence)


@pytest.mark.parametrize("raw", [b"{", b'{"query": "\\ud800"}', b'{"query": "\xff"}', b"", b'{"query": NaN}'])
async def test_broken_json_and_half_characters_are_422(visitor: Visitor, raw: bytes) -> None:
    response = await visitor.http.post("/api/v1/chat", content=raw, headers={"Content-Type": "application/json"})
    assert_refused(response, 422, "invalid_request")


async def test_a_thousand_characters_are_read_and_white_space_around_them_is_not_counted(visitor: Visitor) -> None:
    assert (await visitor.ask("  " + "loud " * 199 + "loud!  ")).response.status_code == 200


async def test_a_large_body_is_413_with_and_without_a_length(visitor: Visitor) -> None:
    assert_refused(await visitor.post("/api/v1/chat", {"query": "x" * 70_000}), 413, "body_too_large")

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 8192

    response = await visitor.http.post("/api/v1/chat", content=pieces(), headers={"Content-Type": "application/json"})
    assert_refused(response, 413, "body_too_large")


async def test_an_unknown_creator_is_404_and_never_a_global_search(visitor: Visitor) -> None:
    assert_refused(await visitor.post("/api/v1/chat", {"query": "hi", "creator": "nobody"}), 404, "not_found")


async def test_an_unknown_conversation_and_someone_elses_are_the_same_404(visitor: Visitor, service: str) -> None:
    mine = await visitor.ask()
    async with Visitor(service) as other:
        await other.ask()
        body = {"query": "hi", "conversation_id": mine.conversation_id}
        foreign = await other.post("/api/v1/chat", body)
        missing = await other.post("/api/v1/chat", body | {"conversation_id": str(uuid.uuid4())})
    assert_refused(foreign, 404, "not_found")
    assert foreign.content == missing.content


async def test_reading_following_and_stopping_are_the_owners_alone(visitor: Visitor, service: str) -> None:
    mine = await visitor.ask()
    paths = [
        f"/api/v1/conversations/{mine.conversation_id}",
        f"/api/v1/conversations/{mine.conversation_id}/messages",
        f"/api/v1/chat/runs/{mine.run_id}/events",
    ]
    async with Visitor(service) as other, Visitor(service) as nobody:
        await other.ask()
        for reader in (other, nobody):
            for path in paths:
                assert_refused(await reader.get(path), 404, "not_found")
            assert_refused(await reader.post(f"/api/v1/chat/runs/{mine.run_id}/stop"), 404, "not_found")
    for path in paths:
        assert (await visitor.get(path)).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."])
async def test_a_token_that_is_present_and_not_ours_is_401(visitor: Visitor, token: str) -> None:
    headers = {"X-Visitor-Token": token}
    response = await visitor.http.post("/api/v1/chat", json={"query": "hi"}, headers=headers)
    assert_refused(response, 401, "unauthenticated")


async def test_credentials_are_never_taken_for_anonymous(visitor: Visitor) -> None:
    headers = {"Authorization": "Bearer nonsense"}
    response = await visitor.http.post("/api/v1/chat", json={"query": "hi"}, headers=headers)
    assert_refused(response, 401, "unauthenticated")


async def test_of_two_keys_nobody_can_say_which_is_meant(visitor: Visitor) -> None:
    asked = await visitor.ask()
    path = f"/api/v1/conversations/{asked.conversation_id}/messages/{asked.last.json['message_id']}/regenerate"
    two, twice = ([*visitor.headers.items(), *(("Idempotency-Key", key) for key in keys)] for keys in ("ab", "aa"))
    body = {"query": "Louder?"}
    assert_refused(await visitor.http.post("/api/v1/chat", json=body, headers=two), 422, "invalid_request")
    assert_refused(await visitor.http.post(path, headers=two), 422, "invalid_request")
    assert (await visitor.http.post("/api/v1/chat", json=body, headers=twice)).status_code == 200


async def test_unknown_addresses_and_methods_are_refused_in_the_same_form(visitor: Visitor) -> None:
    assert_refused(await visitor.get("/api/v1/nothing"), 404, "not_found")
    for method in ("GET", "PUT", "DELETE"):
        refused = await visitor.http.request(method, "/api/v1/chat")
        assert_refused(refused, 405, "invalid_request")
        assert refused.headers["Allow"] == "POST"


@pytest.mark.parametrize(("error", "seconds"), [(Unavailable("Away."), 2), (Unavailable("Away.", retry_after=7), 7)])
def test_who_is_told_that_something_is_away_is_told_when_to_come_back(error: Unavailable, seconds: int) -> None:
    response = render(error)
    assert response.headers["Retry-After"] == str(seconds)
    body = {"error": "Away.", "code": "unavailable", "retry_after": seconds}
    assert (response.status_code, json.loads(bytes(response.body))) == (503, body)
