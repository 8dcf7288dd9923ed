"""Every route against everybody who may come: made from the OpenAPI document, so that a new route needs a row here."""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest

from backend.access.visitors import ALGORITHM, AUDIENCE, open_secret
from backend.app import create_app
from backend.settings import Settings
from backend.settings_access import SiteSettings, UsersSettings
from tests.service import QUESTION, running

SECRET = "5f1c0b6a9d3e47288c1f0a7be2d94631"
CREATOR, OTHER_CREATOR = "dex-morrowby", "ana-velloret"
CANARY = "zebrafinch"
COMMENT = "capercaillie"

PEOPLE = (
    "anonymous", "other visitor", "owner", "user", "curator of another", "curator", "admin", "expired", "forged",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What a route answers: to its owner, to everybody else who is known, and to somebody without credentials.
    Expired and forged credentials are a 401 wherever credentials are looked at. `others` are exceptions."""

    owner: int
    others: int
    anonymous: int
    body: dict[str, Any] | None = None
    exceptions: dict[str, int] = field(default_factory=dict)
    is_open: bool = False

    def expected(self, person: str) -> int:
        if person in ("expired", "forged") and not self.is_open:
            return 401
        return self.exceptions.get(person, {"owner": self.owner, "anonymous": self.anonymous}.get(person, self.others))


def own(status: int, body: dict[str, Any] | None = None) -> Row:
    """A route about a conversation or a run: missing to all but its owner."""
    return Row(status, 404, 404, body)


CURATED = Row(403, 403, 401, exceptions={"curator": 200, "admin": 200})
ROWS: dict[str, Row] = {
    "POST /api/v1/chat": Row(200, 200, 200, {"query": QUESTION}),
    "GET /api/v1/chat/runs/{run_id}/events": own(200),
    "POST /api/v1/chat/runs/{run_id}/stop": own(202),
    "GET /api/v1/conversations": Row(200, 200, 200),
    "GET /api/v1/conversations/{conversation_id}": own(200),
    "PATCH /api/v1/conversations/{conversation_id}": own(200, {"title": CANARY}),
    "GET /api/v1/conversations/{conversation_id}/messages": own(200),
    "GET /api/v1/conversations/{conversation_id}/export": own(200),
    "PUT /api/v1/conversations/{conversation_id}/messages/{message_id}/feedback": own(
        204, {"rating": "down", "comment": COMMENT}
    ),
    "POST /api/v1/conversations/{conversation_id}/messages/{message_id}/regenerate": own(200),
    "DELETE /api/v1/conversations/{conversation_id}/messages/{message_id}/feedback": own(204),
    "GET /api/v1/creators": Row(200, 200, 200),
    "GET /api/v1/creators/{slug}/unanswered": CURATED,
    "GET /api/v1/creators/{slug}/feedback": CURATED,
    "GET /api/v1/site": Row(200, 200, 200),
    "GET /health/live": Row(200, 200, 200, is_open=True),
    "GET /health/ready": Row(200, 200, 200, is_open=True),
    "DELETE /api/v1/conversations/{conversation_id}": own(204),
    "DELETE /api/v1/conversations": Row(204, 204, 204),
}
# The owner comes last: others have then looked for what is still there.
ORDER = tuple(sorted(PEOPLE, key="owner".__eq__))
# What is the creators' own to see shows what readers have asked and said, without a name.
MAY_TELL = {"GET /api/v1/creators/{slug}/feedback"}


@pytest.fixture(scope="module")
async def http(library: Settings) -> AsyncIterator[httpx.AsyncClient]:
    users = UsersSettings(issuer="us", audience="footnote", jwks_url=None, algorithms=("RS256",), secret=SECRET)
    sites = {"blog": SiteSettings(origins=("https://blog.example",))}
    changed = library.model_copy(update={"users": users, "sites": sites})
    async with running(changed) as service, httpx.AsyncClient(base_url=service, timeout=30, verify=False) as client:
        yield client


@pytest.fixture(scope="module")
async def people(http: httpx.AsyncClient, library: Settings) -> dict[str, dict[str, str]]:
    """The credentials of everybody."""
    now = int(time.time())

    def bearer(secret: str = SECRET, **claims: Any) -> dict[str, str]:
        good = {"iss": "us", "aud": "footnote", "exp": now + 600}
        return {"Authorization": f"Bearer {jwt.encode(good | claims, secret, algorithm='HS256')}"}

    async def visitor() -> dict[str, str]:
        asked = await http.post("/api/v1/chat", json={"query": QUESTION})
        return {"X-Visitor-Token": asked.headers["x-visitor-token"]}

    def curator(name: str, creator: str) -> dict[str, str]:
        return bearer(sub=name, footnote_role="curator", footnote_creators=[creator])

    expired = {"sub": str(uuid4()), "aud": AUDIENCE, "iat": 1, "exp": now - 60}
    return {
        "anonymous": {},
        "other visitor": await visitor(),
        "owner": await visitor(),
        "user": bearer(sub="reader"),
        "curator of another": curator("ana's", OTHER_CREATOR),
        "curator": curator("dex's", CREATOR),
        "admin": bearer(sub="boss", footnote_role="admin"),
        "expired": {"X-Visitor-Token": jwt.encode(expired, open_secret(library), algorithm=ALGORITHM)},
        "forged": bearer("6f1c0b6a9d3e47288c1f0a7be2d94631", sub="boss", footnote_role="admin"),
    }


@pytest.fixture
async def place(http: httpx.AsyncClient, people: dict[str, dict[str, str]]) -> dict[str, str]:
    """A conversation of the owner's, with everything in it that is nobody else's business, as parts of paths."""
    query = f"{QUESTION} My studio is called {CANARY}."
    asked = await http.post("/api/v1/chat", json={"query": query, "creator": CREATOR}, headers=people["owner"])
    conversation = asked.headers["x-conversation-id"]
    path = f"/api/v1/conversations/{conversation}/messages"
    answer = (await http.get(path, headers=people["owner"])).json()["items"][-1]
    rating = {"rating": "up", "comment": COMMENT}
    rated = await http.put(f"{path}/{answer['id']}/feedback", json=rating, headers=people["owner"])
    assert rated.status_code == 204
    return {
        "run_id": asked.headers["x-run-id"], "conversation_id": conversation, "message_id": answer["id"],
        "slug": CREATOR,
    }  # fmt: skip


def test_every_route_has_a_row() -> None:
    paths = create_app().openapi()["paths"]
    assert {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods} == set(ROWS)


@pytest.mark.parametrize("route", ROWS)
async def test_a_route_answers_each_as_it_should_and_shows_nobody_what_is_anothers(
    http: httpx.AsyncClient, people: dict[str, dict[str, str]], place: dict[str, str], route: str
) -> None:
    method, path = route.split()
    row = ROWS[route]
    told: dict[str, int] = {}
    for person in ORDER:
        answer = await http.request(method, path.format(**place), json=row.body, headers=people[person])
        told[person] = answer.status_code
        if person != "owner" and route not in MAY_TELL:
            shown = answer.text + json.dumps(dict(answer.headers))
            assert CANARY not in shown, person
            assert COMMENT not in shown, person
        if answer.status_code == 404:
            unknown = place | {name: str(uuid4()) for name in ("run_id", "conversation_id", "message_id")}
            never = await http.request(method, path.format(**unknown), json=row.body, headers=people[person])
            said = [dict(each.headers) | {"date": ""} for each in (answer, never)]
            assert (answer.text, answer.status_code, said[0]) == (never.text, never.status_code, said[1])
    assert told == {person: row.expected(person) for person in ORDER}


async def test_a_curator_sees_what_readers_say_of_their_creator_and_of_nobody_else(
    http: httpx.AsyncClient, people: dict[str, dict[str, str]], place: dict[str, str]
) -> None:
    seen = (await http.get(f"/api/v1/creators/{CREATOR}/feedback", headers=people["curator"])).json()["items"]
    assert {each["creator"] for each in seen} == {CREATOR}
    assert COMMENT in {each["comment"] for each in seen}
    assert set(seen[0]) == {"question", "creator", "rating", "comment", "rated_at"}
    nobody = "/api/v1/creators/nobody/feedback"
    assert (await http.get(nobody, headers=people["curator"])).status_code == 403
    assert (await http.get(nobody, headers=people["admin"])).status_code == 404
    odd = await http.get("/api/v1/creators/%00/feedback", headers=people["admin"])
    assert (odd.status_code, odd.json()["code"]) == (422, "invalid_request")


async def test_the_same_answer_for_anothers_and_for_nothing_takes_the_same_time(
    http: httpx.AsyncClient, people: dict[str, dict[str, str]], place: dict[str, str]
) -> None:
    """Both are one lookup by the same index: no more is looked at for what is there and somebody else's."""
    times: dict[str, list[float]] = {"another's": [], "nothing": []}
    for _ in range(60):
        for name, conversation in (("another's", place["conversation_id"]), ("nothing", str(uuid4()))):
            begun = time.perf_counter()
            await http.get(f"/api/v1/conversations/{conversation}/messages", headers=people["other visitor"])
            times[name].append(time.perf_counter() - begun)
    medians = [sorted(each)[30] for each in times.values()]
    assert max(medians) < 3 * min(medians)
