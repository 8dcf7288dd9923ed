"""A site: from which pages it may be asked, who may be asked there, and what its widget is told."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest

from backend.settings import Settings
from backend.settings_access import SiteSettings, UsersSettings
from backend.settings_limits import WindowLimits
from tests.service import QUESTION, running

BLOG, SHOP = "https://blog.example", "https://shop.example:8443"
SITES = {
    "blog": SiteSettings(origins=(BLOG,), theme="dark"),
    "shop": SiteSettings(origins=(SHOP,), creators=("dex-morrowby", "imke-tarvold")),
}
ABOUT_ANA = "What does Ana say about the loudness of a master?"


@pytest.fixture(scope="module")
async def address(library: Settings) -> AsyncIterator[str]:
    async with running(library.model_copy(update={"sites": SITES})) as service:
        yield service


@pytest.fixture
async def http(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=address, timeout=30, verify=False) as client:
        yield client


async def ask(http: httpx.AsyncClient, headers: dict[str, str], **fields: Any) -> httpx.Response:
    wanted = {"Accept": "application/json"} | headers
    return await http.post("/api/v1/chat", json={"query": QUESTION, **fields}, headers=wanted)


@pytest.mark.parametrize(
    ("origin", "site", "status"),
    [
        (BLOG, "blog", 200),
        (SHOP, "shop", 200),
        (BLOG, None, 403),  # the widget has to say where it stands
        (BLOG, "shop", 403),
        (SHOP, "blog", 403),
        ("https://evil.example", "blog", 403),
        ("https://evil.example", None, 403),
        ("http://blog.example", "blog", 403),
        ("https://blog.example:444", "blog", 403),
        ("https://blog.example.evil.example", "blog", 403),
        ("https://sub.blog.example", "blog", 403),
        ("null", "blog", 403),
        ("null", None, 403),
        ("", None, 403),
        (None, "blog", 200),  # a program, which says nothing of an origin
        (None, None, 200),
        (None, "nowhere", 404),
        (BLOG, "nowhere", 404),
        (None, "BLOG", 404),
    ],
)
async def test_who_asks_from_where(http: httpx.AsyncClient, origin: str | None, site: str | None, status: int) -> None:
    headers = ({} if origin is None else {"Origin": origin}) | ({} if site is None else {"X-Footnote-Site": site})
    answers = [await ask(http, headers)]
    answers += [
        await http.get(path, headers=headers) for path in ("/api/v1/creators", "/api/v1/conversations", "/api/v1/site")
    ]
    assert {answer.status_code for answer in answers} == {status}
    readable = origin if origin in (BLOG, SHOP) else None
    assert {answer.headers.get("access-control-allow-origin") for answer in answers} == {readable}
    for answer in answers:
        assert "access-control-allow-credentials" not in answer.headers
        assert "set-cookie" not in answer.headers


async def test_the_own_page_may_ask_whatever_name_a_proxy_gives_its_host(http: httpx.AsyncClient, address: str) -> None:
    assert (await ask(http, {"Origin": address})).status_code == 200
    told_by_browser = {"Origin": "https://ask.example", "Sec-Fetch-Site": "same-origin"}
    assert (await ask(http, told_by_browser)).status_code == 200
    assert (await ask(http, told_by_browser | {"Sec-Fetch-Site": "cross-site"})).status_code == 403
    assert (await ask(http, told_by_browser | {"Sec-Fetch-Site": "same-site"})).status_code == 403
    assert (await ask(http, {"Origin": address, "X-Footnote-Site": "blog"})).status_code == 200  # in a frame of it


async def test_a_browser_is_told_beforehand_only_for_origins_of_a_site(http: httpx.AsyncClient) -> None:
    wanted = {
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type,x-footnote-site,x-visitor-token,idempotency-key",
    }
    allowed = await http.options("/api/v1/chat", headers=wanted | {"Origin": BLOG})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, BLOG)
    assert "access-control-allow-credentials" not in allowed.headers
    for odd in (
        {"Origin": "https://evil.example"},
        {"Origin": BLOG, "Access-Control-Request-Method": "TRACE"},
        {"Origin": BLOG, "Access-Control-Request-Headers": "x-own"},
    ):
        refused = await http.options("/api/v1/chat", headers=wanted | odd)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert refused.headers.get("access-control-allow-origin") == (BLOG if odd["Origin"] == BLOG else None)
        assert "Origin" in refused.headers["vary"]
    read = (await ask(http, {"Origin": BLOG, "X-Footnote-Site": "blog"})).headers["access-control-expose-headers"]
    assert {"X-Run-Id", "X-Conversation-Id", "X-Visitor-Token", "Content-Disposition"} <= set(read.split(", "))


async def test_on_a_site_nobody_else_than_its_creators_can_be_asked_or_answers(http: httpx.AsyncClient) -> None:
    here = {"X-Footnote-Site": "shop"}
    listed = (await http.get("/api/v1/creators", headers=here)).json()["items"]
    assert {creator["slug"] for creator in listed} == {"dex-morrowby", "imke-tarvold"}
    unknown = await ask(http, here, creator="nobody")
    refused = await ask(http, here, creator="ana-velloret")
    assert (refused.status_code, refused.json()) == (404, unknown.json())
    for fields in ({}, {"creator": "dex-morrowby"}, {"topic": "mastering"}, {"creator": "imke-tarvold", "topic": "x"}):
        for query in (QUESTION, ABOUT_ANA, "How do I set a compressor on vocals?"):
            answer = (await ask(http, here, query=query, **fields)).json()
            assert "ana-velloret" not in {source["creator"]["slug"] for source in answer["sources"]}
    everywhere = (await ask(http, {}, query=ABOUT_ANA)).json()
    assert "ana-velloret" in {source["creator"]["slug"] for source in everywhere["sources"]}


async def test_a_site_tells_its_widget_how_to_look(http: httpx.AsyncClient) -> None:
    for site, theme in (("blog", "dark"), ("shop", "auto")):
        told = await http.get("/api/v1/site", headers={"X-Footnote-Site": site})
        assert told.json() == {"id": site, "theme": theme}
    assert (await http.get("/api/v1/site")).json() == {"id": "", "theme": "auto"}


async def test_a_visitor_is_known_to_one_site_alone(http: httpx.AsyncClient) -> None:
    token = (await ask(http, {"X-Footnote-Site": "blog"})).headers["x-visitor-token"]
    for headers in ({}, {"X-Footnote-Site": "shop"}):
        answer = await http.get("/api/v1/conversations", headers={"X-Visitor-Token": token} | headers)
        assert answer.status_code == 401
    own = await http.get("/api/v1/conversations", headers={"X-Visitor-Token": token, "X-Footnote-Site": "blog"})
    assert len(own.json()["items"]) == 1


async def test_the_page_may_be_framed_by_the_site_that_it_is_asked_for_and_by_nobody_else(
    http: httpx.AsyncClient,
) -> None:
    for query, framed_by in (
        ("", "'none'"),
        ("?site=nowhere", "'none'"),
        ("?site=blog", BLOG),
        ("?site=shop&site=blog", SHOP),
        ("?site=blog%20*", "'none'"),
        ("?site=&site=blog", "'none'"),
    ):
        policy = (await http.get(f"/{query}")).headers["content-security-policy"]
        assert policy.endswith(f"frame-ancestors {framed_by}")


async def test_a_site_that_is_asked_too_much_leaves_the_others_alone(library: Settings) -> None:
    sites = {"small": SiteSettings(origins=(BLOG,), limits=WindowLimits(per_minute=3, per_hour=100))} | SITES
    async with (
        running(library.model_copy(update={"sites": sites})) as service,
        httpx.AsyncClient(base_url=service, timeout=30, verify=False) as http,
    ):
        answers = [await ask(http, {"X-Footnote-Site": "small"}) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 2
        assert answers[-1].headers["ratelimit"].startswith('"site-minute";r=0;t=')
        assert (await ask(http, {"X-Footnote-Site": "blog"})).status_code == 200


async def test_the_own_page_is_a_site_too_for_whoever_names_none(library: Settings) -> None:
    sites = {"own": SiteSettings(creators=("dex-morrowby",))} | SITES
    async with (
        running(library.model_copy(update={"sites": sites})) as service,
        httpx.AsyncClient(base_url=service, timeout=30, verify=False) as http,
    ):
        listed = (await http.get("/api/v1/creators")).json()["items"]
        assert {creator["slug"] for creator in listed} == {"dex-morrowby"}
        assert (await http.get("/api/v1/creators", headers={"X-Footnote-Site": "own"})).status_code == 404
        answer = (await ask(http, {})).json()
        assert {source["creator"]["slug"] for source in answer["sources"]} == {"dex-morrowby"}


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "://", "http://\xff", "a" * 5000, "https://"])
async def test_an_origin_of_an_odd_form_is_refused_like_any_other(http: httpx.AsyncClient, origin: str) -> None:
    answer = await http.get("/api/v1/creators", headers={"Origin": origin.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 403


async def test_what_a_user_asks_on_one_site_is_missing_on_another(library: Settings) -> None:
    secret = "5f1c0b6a9d3e47288c1f0a7be2d94631"
    users = UsersSettings(issuer="us", audience="footnote", jwks_url=None, algorithms=("RS256",), secret=secret)
    claims = {"iss": "us", "aud": "footnote", "sub": "reader", "exp": int(time.time()) + 600}
    own = {
        "Authorization": f"Bearer {jwt.encode(claims, secret, algorithm='HS256')}",
        "Idempotency-Key": "a key of mine",
    }
    shop = own | {"X-Footnote-Site": "shop"}
    async with (
        running(library.model_copy(update={"sites": SITES, "users": users})) as service,
        httpx.AsyncClient(base_url=service, timeout=30, verify=False) as http,
    ):
        first = await ask(http, own)
        conversation, run = first.headers["x-conversation-id"], first.headers["x-run-id"]
        for path in (
            f"conversations/{conversation}", f"conversations/{conversation}/messages",
            f"conversations/{conversation}/export", f"chat/runs/{run}/events",
        ):  # fmt: skip
            assert (await http.get(f"/api/v1/{path}", headers=own)).status_code == 200
            assert (await http.get(f"/api/v1/{path}", headers=shop)).status_code == 404
        assert (await ask(http, shop | {"Idempotency-Key": "b"}, conversation_id=conversation)).status_code == 404
        again = await ask(http, shop)
        assert again.headers["x-run-id"] != run
        assert "ana-velloret" not in {source["creator"]["slug"] for source in again.json()["sources"]}
        assert (await ask(http, own)).headers["x-run-id"] == run
        for headers, mine in ((own, conversation), (shop, again.headers["x-conversation-id"])):
            listed = (await http.get("/api/v1/conversations", headers=headers)).json()["items"]
            assert [each["id"] for each in listed] == [mine]


@pytest.mark.parametrize(
    "origin",
    [
        "*", "https://*.example.org", "blog.example", "https://blog.example/", "https://blog.example/path",
        "https://BLOG.example", "https://blog.example:443", "http://blog.example:80", "ftp://blog.example",
        "https://", "https://user@blog.example", "https://blog.example:x", "null", "", "https://a:", "https://a:99999",
        "https://blog.example; script-src x", "https://a b", "https://例え.jp", "https://-a", "https://a\n",
    ],
)  # fmt: skip
def test_an_origin_that_no_browser_sends_is_refused_in_the_configuration(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        SiteSettings(origins=(origin,))
