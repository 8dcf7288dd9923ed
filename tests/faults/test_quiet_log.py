"""Whatever visitors send, and whatever fails meanwhile, the logs of the service and of its engines quote none of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from uuid import uuid4

import httpx
import jwt
import pytest
from redis.asyncio import Redis

from backend.access.visitors import Visitors
from backend.conversations.cached import key
from backend.settings import Settings
from tests.model_faults import CANARY as MODELS_CANARY
from tests.model_faults import FAULTS, Fault
from tests.model_server import ModelServer, RecordedRequest
from tests.postgres import ask_postgres
from tests.served import Served
from tests.service import Answer, Visitor
from tests.wire import Wire

CANARY = "Xolotzin"
ADDRESSES = ("203.0.113.77", "2001:db8:77::1")
SECRET, USERS_SECRET = "b2a91f6c04d7e35881f0c6ad93e742b5", "8c51e0d7a2934bf6b1d07e85a94c3f62"
API_KEY = f"fnk_{CANARY:x<43}"
HERE = "/api/v1/conversations"
AT_ONCE = 8


def user(secret: str = USERS_SECRET, **claims: object) -> str:
    """A user's token; `claims` change it."""
    good = {"iss": "issuer", "aud": "audience", "sub": CANARY, "exp": 2_000_000_000, "name": CANARY}
    return jwt.encode(good | claims, secret, algorithm="HS256")


@pytest.fixture
def served(library: Settings, model: ModelServer) -> Iterator[Served]:
    """The service on the stores of the tests, with a tier that soon has enough and is asked however often it fails."""
    settings = {
        "DATABASE__URL": library.database.url,
        "REDIS__URL": library.redis.url,
        "SECRET": SECRET,
        "USERS": json.dumps({"issuer": "issuer", "audience": "audience", "secret": USERS_SECRET}),
        "SITES": json.dumps({"blog": {"origins": ["https://blog.example"]}}),
        "SERVER__TRUSTED_PROXIES": '["127.0.0.0/8"]',
        "SERVER__DRAIN_S": "0.5",
        "RETRIEVAL__MIN_CONFIDENCE": "0",
        "TIERS__FAST__BASE_URL": model.base_url,
        "TIERS__FAST__MODEL": "test",
        "TIERS__FAST__API_KEY": f"sk-{CANARY}",
        "TIERS__FAST__FIRST_TOKEN_TIMEOUT_S": "1",
        "TIERS__FAST__IDLE_TIMEOUT_S": "1",
        "TIERS__FAST__TOTAL_TIMEOUT_S": "3",
        "TIERS__FAST__MAX_RESPONSE_BYTES": "65536",
        "CASCADE__BREAKER__THRESHOLD": "1000000",
    }
    with Served(library.data_dir, **{f"FOOTNOTE_{name}": value for name, value in settings.items()}) as service:
        yield service


async def test_no_log_quotes_what_was_sent_or_what_failed(
    served: Served, library: Settings, model: ModelServer
) -> None:
    model.answer = f"It is {CANARY} [1]."
    async with Visitor(served.address) as visitor:
        visitor.http.headers["X-Forwarded-For"] = ", ".join(ADDRESSES)
        first = await visitor.ask(f"How loud is {CANARY}?", key=CANARY)
        assert first.last.event == "done"
        await act_on(visitor, first)
        await be_refused(visitor, first)
        await send_nonsense(served.address)
        redis = Redis.from_url(library.redis.url)
        for failing in (refusing_rows(library), without_tables(library)):
            with failing:
                await ask_all(visitor, first)
        for failing_redis in (full(redis), with_something_else(redis, first)):
            async with failing_redis:
                await ask_all(visitor, first)
        await redis.aclose()
        await meet_every_fault(visitor, model)
        model.fault, model.answer, model.tokens_per_s = None, " ".join([CANARY] * 300), 50
        assert (await visitor.ask(f"How loud is {CANARY}?", stop_after=5)).text
    await asyncio.to_thread(served.end)
    said = served.log.read_text()
    for happened in ("IntegrityError", "ProgrammingError", "tier fast failed: ", "Redis is away", "Invalid HTTP"):
        assert happened in said
    token = visitor.token or ""
    secrets = {
        CANARY,
        MODELS_CANARY,
        *ADDRESSES,
        token,
        token.rsplit(".", 1)[-1],
        user(),
        API_KEY,
        USERS_SECRET,
        SECRET,
    }
    for log in (served.log, *(library.data_dir / "engines").glob("*.log")):
        text = log.read_text(errors="replace").lower()
        assert [secret for secret in secrets if secret.lower() in text] == [], log.name


async def act_on(visitor: Visitor, first: Answer) -> None:
    """Everything that a visitor may do with a conversation."""
    one = f"{HERE}/{first.conversation_id}"
    opinion = {"rating": "down", "comment": CANARY}
    path = f"{one}/messages/{first.last.json['message_id']}"
    assert (await visitor.http.put(f"{path}/feedback", json=opinion, headers=visitor.headers)).status_code == 204
    assert (await visitor.http.patch(one, json={"title": CANARY}, headers=visitor.headers)).status_code == 200
    assert CANARY in (await visitor.get(f"{one}/export")).text
    assert (await visitor.post(f"{path}/regenerate")).status_code == 200
    signed_in = {"Authorization": f"Bearer {user()}"}
    assert (await visitor.http.get(HERE, headers=signed_in)).status_code == 200


async def be_refused(visitor: Visitor, first: Answer) -> None:
    """Every kind of refusal, of requests that carry what nobody may repeat."""
    chat, question = "/api/v1/chat", {"query": CANARY}
    credentials = [
        {"Authorization": f"Bearer {CANARY}"},
        {"Authorization": f"Bearer {API_KEY}"},
        {"Authorization": f"Bearer {user('0' * 32)}"},
        {"Authorization": f"Bearer {user(exp=1)}"},
        {"Authorization": f"Bearer {user(sub=CANARY * 100)}"},
        {"Authorization": f"Basic {CANARY}"},
        {"X-Visitor-Token": f"{visitor.token}{CANARY}"},
        {"X-Visitor-Token": Visitors(b"0" * 32).mint(str(uuid4()), CANARY)},
    ]
    for headers in credentials:
        assert (await visitor.http.post(chat, json=question, headers=headers)).status_code == 401
    for headers in ({"X-Footnote-Site": CANARY.lower()}, {"Origin": f"https://{CANARY}.example"}):
        assert (await visitor.http.post(chat, json=question, headers=headers)).status_code in (403, 404)
    bodies = [
        question | {CANARY: 1},
        question | {"creator": CANARY},
        question | {"topic": 7, "conversation_id": CANARY},
        {"query": CANARY * 1000},
        {"query": f"{CANARY}\0"},
    ]
    for body in bodies:
        assert (await visitor.post(chat, body)).status_code in (404, 422)
    raw = [f'{{"query": "{CANARY}', f'{{"query": "{CANARY}\\ud800"}}', f'"{CANARY}"', CANARY * 10_000]
    for content in raw:
        headers = {"Content-Type": "application/json"}
        assert (await visitor.http.post(chat, content=content, headers=headers)).status_code in (413, 422)
    content, headers = f"query={CANARY}", {"Content-Type": f"text/{CANARY}"}
    assert (await visitor.http.post(chat, content=content, headers=headers)).status_code in (415, 422)
    for path in (f"{HERE}?cursor={CANARY}", f"{HERE}/{CANARY}", f"/{CANARY}", f"{chat}/runs/{first.run_id}/{CANARY}"):
        assert (await visitor.get(path)).status_code in (404, 405, 422)
    other_body = await visitor.ask(f"Not {CANARY}?", key=CANARY)
    assert other_body.response.status_code == 422


async def send_nonsense(address: str) -> None:
    """What is no HTTP, or asks for another protocol."""
    for head in (
        f"{CANARY} {CANARY}\r\n\r\n",
        f"GET /{CANARY} HTTP/1.1\r\n{CANARY}\r\n\r\n",
        f"GET /{CANARY} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: {CANARY}\r\n\r\n",
        f"GET /{CANARY} HTTP/1.1\r\nHost: x\r\nX-{CANARY}: {CANARY * 10_000}\r\n\r\n",
    ):
        async with await Wire.to(address) as wire:
            await wire.send(head.encode())
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
                async with asyncio.timeout(5):
                    await wire.reply()


async def ask_all(visitor: Visitor, first: Answer) -> None:
    """Asks for everything there is, whatever comes of it."""
    with suppress(httpx.HTTPError):
        await visitor.ask(f"And {CANARY}?", conversation_id=first.conversation_id)
        await visitor.ask(f"How loud is {CANARY}?")
        await visitor.ask(f"How loud is {CANARY}?", creator=CANARY)
        for path in (HERE, f"{HERE}/{first.conversation_id}/messages", "/api/v1/creators"):
            await visitor.get(path)


@contextmanager
def refusing_rows(library: Settings) -> Iterator[None]:
    """A database that takes no answer with the word, and says in its refusal the row that it refuses."""
    check = f"CHECK (role = 'user' OR content NOT LIKE '%{CANARY}%') NOT VALID"
    ask_postgres(library, "psql", "-c", f"ALTER TABLE messages ADD CONSTRAINT refusing {check}")
    try:
        yield
    finally:
        ask_postgres(library, "psql", "-c", "ALTER TABLE messages DROP CONSTRAINT refusing")


@contextmanager
def without_tables(library: Settings) -> Iterator[None]:
    """A database whose schema is not ours."""
    ask_postgres(library, "psql", "-c", "ALTER TABLE messages RENAME TO hidden")
    try:
        yield
    finally:
        ask_postgres(library, "psql", "-c", "ALTER TABLE hidden RENAME TO messages")


@asynccontextmanager
async def full(redis: Redis) -> AsyncIterator[None]:
    """A Redis that takes no more."""
    before = (await redis.config_get("maxmemory"))["maxmemory"]
    await redis.config_set("maxmemory", 1)
    try:
        yield
    finally:
        await redis.config_set("maxmemory", before)


@asynccontextmanager
async def with_something_else(redis: Redis, first: Answer) -> AsyncIterator[None]:
    """A Redis in which somebody has written what we never would."""
    history = key(first.conversation_id)  # type: ignore[arg-type]
    await redis.delete(history)
    await redis.rpush(history, CANARY)
    try:
        yield
    finally:
        await redis.delete(history)


async def meet_every_fault(visitor: Visitor, model: ModelServer) -> None:
    """Every way in which a model fails, some at once; those that say when it may be asked again come last."""

    def fault_of(request: RecordedRequest) -> Fault | None:
        return next((fault for number, fault in enumerate(FAULTS) if f"number{number}x" in request.prompt), None)

    model.fault = fault_of
    room = asyncio.Semaphore(AT_ONCE)

    async def meet(fault: Fault) -> None:
        async with room:
            answer = await visitor.ask(f"How loud is {CANARY} of number{FAULTS.index(fault)}x?")
            assert answer.last.event in ("done", "error")

    last = [fault for fault in FAULTS if fault.startswith("refuse_") and fault[7:10] in ("401", "429", "503")]
    await asyncio.gather(*(meet(fault) for fault in FAULTS if fault not in last))
    await asyncio.gather(*map(meet, last))
