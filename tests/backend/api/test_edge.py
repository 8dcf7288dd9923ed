"""The edge as requests meet it: what is not JSON, text that nothing can hold, and what every response says."""

import base64
import json
from collections.abc import AsyncIterator
from urllib.parse import quote_from_bytes

import httpx
import pytest

from backend.access.keys import create_key
from backend.app import create_app
from backend.database import open_database
from backend.settings import Settings
from backend.settings_access import SiteSettings
from tests.service import QUESTION, Visitor
from tests.wire import exchange

SITE = "https://site.example"
CHAT = "/api/v1/chat"
MISSING = "4e6b8a26-58e3-4ed6-8f39-7d6f4cc3ab0b"
DEEP = [b"[" * 65_000, b'{"query":' * 7000, b'{"query":' + b"[" * 60_000, b"[" * 900 + b"]" * 900]
SURROGATES = ["\\ud800", "a\\udfffb", "\\udc00\\ud800"]


def assert_refused(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    body = response.json()
    assert body["code"] == code
    assert body["error"].endswith(".")


@pytest.fixture
async def conversation(visitor: Visitor) -> str:
    """A conversation of this visitor."""
    return (await visitor.ask()).conversation_id


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data",
     "application/xml", "json", "application", "text/json", "application/json-seq", "application/octet-stream", "é"],
)  # fmt: skip
async def test_a_body_that_does_not_say_that_it_is_json_is_422(
    visitor: Visitor, conversation: str, content_type: str | None
) -> None:
    headers = {**visitor.headers} | ({} if content_type is None else {"Content-Type": content_type.encode("latin-1")})
    for method, path, body in (
        ("POST", CHAT, {"query": QUESTION}),
        ("PATCH", f"/api/v1/conversations/{conversation}", {"title": "Taken over"}),
    ):
        request = visitor.http.build_request(method, path, content=json.dumps(body), headers=headers)
        response = await visitor.http.send(request)
        assert_refused(response, 422, "invalid_request")
        assert "application/json" in response.json()["error"]
    assert (await visitor.get(f"/api/v1/conversations/{conversation}")).json()["title"] != "Taken over"


@pytest.mark.parametrize(
    "content_type", ["application/json", "APPLICATION/JSON; charset=utf-8", "application/vnd.a+json"]
)
async def test_a_body_that_says_that_it_is_json_is_read(visitor: Visitor, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    response = await visitor.http.post(CHAT, content=json.dumps({"query": QUESTION}), headers=headers)
    assert response.status_code == 200


async def test_a_question_is_kept_and_searched_in_the_characters_that_passages_have(visitor: Visitor) -> None:
    answer = (await visitor.ask("How loud is the cafe\u0301?")).checked()
    assert answer.last.json["standalone_query"] == "How loud is the café?"
    assert (await visitor.messages(answer.conversation_id))[0]["content"] == "How loud is the café?"


@pytest.mark.parametrize("body", DEEP, ids=["lists", "objects", "in a field", "in balance"])
async def test_deep_json_is_422(visitor: Visitor, conversation: str, body: bytes) -> None:
    headers = {**visitor.headers, "Content-Type": "application/json"}
    assert_refused(await visitor.http.post(CHAT, content=body, headers=headers), 422, "invalid_request")
    path = f"/api/v1/conversations/{conversation}"
    assert_refused(await visitor.http.patch(path, content=body, headers=headers), 422, "invalid_request")


@pytest.mark.parametrize(
    "written", ["1" * 60_000, "1e999", "-1e999", "NaN", "Infinity", "9" * 400, "0." + "3" * 60_000]
)
async def test_numbers_beyond_all_bounds_are_422_or_a_number(visitor: Visitor, written: str) -> None:
    content = f'{{"query": "{QUESTION}", "personality_weight": {written}}}'
    response = await visitor.http.post(CHAT, content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == (200 if written.startswith("0.") else 422)


@pytest.mark.parametrize("bad", ["\\u0000", "a\\u0000b", *SURROGATES])
@pytest.mark.parametrize(
    "field", ["query", "creator", "topic", "conversation_id", "personality_weight", "widen", "new"]
)
async def test_nul_and_half_characters_in_a_question_are_422(visitor: Visitor, field: str, bad: str) -> None:
    content = '{"query": "' + QUESTION + '", "' + field + '": "' + bad + '"}'
    response = await visitor.http.post(CHAT, content=content, headers={"Content-Type": "application/json"})
    assert_refused(response, 422, "invalid_request")
    content = '{"query": "' + QUESTION + '", "' + field + bad + '": null}'
    response = await visitor.http.post(CHAT, content=content, headers={"Content-Type": "application/json"})
    assert_refused(response, 422, "invalid_request")


@pytest.mark.parametrize("bad", ["\\u0000", "a\\u0000b", *SURROGATES])
async def test_nul_and_half_characters_in_a_title_are_422(visitor: Visitor, conversation: str, bad: str) -> None:
    headers = {**visitor.headers, "Content-Type": "application/json"}
    path = f"/api/v1/conversations/{conversation}"
    response = await visitor.http.patch(path, content='{"title": "' + bad + '"}', headers=headers)
    assert_refused(response, 422, "invalid_request")


RAW = [b"\0", b"a\0", b"\xed\xa0\x80", b"\xff\xfe", b"\xc0\xaf", b"\x01", b"9" * 30, b"-1", b"1e9", "٣".encode(), b"%s"]


@pytest.mark.parametrize("raw", RAW, ids=ascii)
async def test_no_bytes_in_an_address_are_a_fault_of_ours(visitor: Visitor, conversation: str, raw: bytes) -> None:
    bad = quote_from_bytes(raw, safe="")
    run = (await visitor.ask(conversation_id=conversation)).run_id
    own = f"/api/v1/conversations/{conversation}"
    for path in (
        f"/api/v1/conversations/{bad}",
        f"/api/v1/conversations/{bad}/messages",
        f"/api/v1/conversations/{bad}/export",
        f"/api/v1/chat/runs/{bad}/events",
        f"/api/v1/conversations?cursor={bad}",
        f"/api/v1/conversations?limit={bad}",
        f"{own}/messages?cursor={bad}{'x' * (raw == b'9' * 30)}",
        f"{own}/messages?limit={bad}",
        f"{own}/export?format={bad}",
        f"/api/v1/chat/runs/{run}/events?after={bad}",
    ):
        assert_refused(await visitor.get(path), 422, "invalid_request")
    for path in (f"/{bad}", f"/assets/{bad}", f"/api/v1/{bad}", f"/health/{bad}", f"/..%2f{bad}"):
        assert_refused(await visitor.get(path), 404, "not_found")
    for path in (f"/?{bad}", f"/health/live?{bad}={bad}", f"/api/v1/creators?{bad}"):
        assert (await visitor.get(path)).status_code == 200


@pytest.fixture(scope="module")
async def curators_key(library: Settings) -> str:
    """An API key that may see what concerns every creator."""
    engine = open_database(library.database.url, pool_size=1)
    _, key = await create_key(engine, "edge", "admin", [], None, None)
    await engine.dispose()
    return key


@pytest.mark.parametrize("raw", RAW, ids=ascii)
async def test_no_bytes_as_a_creators_name_are_a_fault_of_ours(visitor: Visitor, curators_key: str, raw: bytes) -> None:
    headers = {"Authorization": f"Bearer {curators_key}"}
    for listed in ("unanswered", "feedback"):
        path = f"/api/v1/creators/{quote_from_bytes(raw, safe='')}/{listed}"
        response = await visitor.http.get(path, headers=headers)
        assert response.status_code in (404, 422), response.text
        assert response.json()["code"] in ("not_found", "invalid_request")


@pytest.mark.parametrize("name", ["Idempotency-Key", "Last-Event-ID", "Accept", "Origin", "X-Forwarded-For", "Host"])
@pytest.mark.parametrize(
    "raw", [b"\xff", b"\xed\xa0\x80", b"\x80" * 100, b"[", b"a" * 201, b"\t", b"%00", b"9" * 30], ids=ascii
)
async def test_no_bytes_in_a_header_are_a_fault_of_ours(visitor: Visitor, service: str, name: str, raw: bytes) -> None:
    run = (await visitor.ask()).run_id
    body = json.dumps({"query": QUESTION}).encode()
    about = f"X-Visitor-Token: {visitor.token}\r\nContent-Type: application/json\r\nContent-Length: ".encode()
    host = b"" if name == "Host" else b"Host: test\r\n"
    bad = host + name.encode() + b": " + raw + b"\r\n" + about
    for first, content in (
        (b"POST /api/v1/chat", body),
        (f"GET /api/v1/chat/runs/{run}/events".encode(), b""),
        (b"GET /api/v1/conversations", b""),
        (b"GET /assets", b""),
        (b"GET /api/v1/conversations/", b""),
    ):
        sent = first + b" HTTP/1.1\r\n" + bad + str(len(content)).encode() + b"\r\n\r\n" + content
        reply = await exchange(service, sent)
        assert reply.status in (200, 204, 403, 404, 422), (first, reply)
        assert "location" not in reply.headers


@pytest.mark.parametrize("name", ["X-Visitor-Token", "Authorization"])
@pytest.mark.parametrize(
    "header",
    [b"[" * 1400, b"[" * 700, b'{"alg":' * 150, b'"\\ud800"', b"1" * 1400, b'{"alg":"HS256","crit":["\\u0000"]}'],
)
async def test_no_header_of_a_token_is_a_fault_of_ours(visitor: Visitor, name: str, header: bytes) -> None:
    encoded = base64.urlsafe_b64encode(header).decode().rstrip("=")
    for token in (f"{encoded}.e30.AAAA", f"{encoded}..", f"eyJhbGciOiJIUzI1NiJ9.{encoded}.AAAA"):
        value = f"Bearer {token}" if name == "Authorization" else token
        response = await visitor.http.post(CHAT, json={"query": QUESTION}, headers={name: value})
        assert_refused(response, 401, "unauthenticated")


async def test_every_response_is_taken_for_what_it_says_and_kept_by_nobody(visitor: Visitor, conversation: str) -> None:
    run = (await visitor.ask(conversation_id=conversation)).run_id
    own = f"/api/v1/conversations/{conversation}"
    for path in (
        "/health/live", "/health/ready", "/api/v1/openapi.json", "/api/v1/creators", "/api/v1/conversations", own,
        f"{own}/messages", f"{own}/export", f"/api/v1/chat/runs/{run}/events", "/api/v1/nothing", "/nothing", "/",
    ):  # fmt: skip
        response = await visitor.get(path)
        assert response.status_code == (404 if path.endswith("nothing") else 200), path
        assert response.headers["x-content-type-options"] == "nosniff", path
        assert response.headers["referrer-policy"] in ("no-referrer", "strict-origin-when-cross-origin")
        if path.endswith("/events"):
            assert response.headers["cache-control"] == "no-cache, no-transform"
        else:
            assert response.headers["cache-control"] == ("no-cache" if path == "/" else "no-store"), path
        assert len(response.headers.get_list("cache-control")) == 1
    answer = await visitor.http.post(CHAT, json={"query": QUESTION}, headers={"Accept": "application/json"})
    assert answer.headers["cache-control"] == "no-store"


@pytest.fixture
async def broken(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The application with two routes that fail, as any of its own may."""
    app = create_app(settings.model_copy(update={"sites": {"one": SiteSettings(origins=(SITE,))}}))

    async def fail() -> None:
        raise RuntimeError("a secret of ours")

    app.router.add_api_route("/api/v1/broken", fail, tags=["broken"])
    app.router.routes.insert(0, app.router.routes.pop())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_a_fault_of_ours_can_be_read_by_a_page_of_another_origin(broken: httpx.AsyncClient) -> None:
    response = await broken.get("/api/v1/broken", headers={"Origin": SITE})
    assert_refused(response, 500, "internal")
    assert response.headers["access-control-allow-origin"] == SITE
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "secret" not in response.text
