"""Requests that are given up at any moment: nobody reads what is another's, and nothing is left open."""

import asyncio
import json
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
from redis.asyncio import Redis

from backend.chat.journal import JOURNALS
from backend.conversations.cached import COPIES
from backend.settings import Settings
from tests.faults.conftest import ROUNDS
from tests.faults.stores import ITS_OWN, rows_of, serving, started
from tests.model_server import ModelServer
from tests.served import Served
from tests.service import Visitor

pytestmark = pytest.mark.alone

REQUESTS = 2000 if ROUNDS > 1 else 150
VISITORS = 20
AT_ONCE = 30
POOL = 5  # connections of each of two workers
LONG = 240  # messages of a conversation whose export takes three pages
QUIET_WITHIN_S = 10
# As long as a token of the model server, and like nothing in identifiers.
CANARY = re.compile(r"(?<![\w-])zq[0-9a-f]{4}(?![\w-])")
API = "/api/v1/conversations"
KINDS = {"begin": 8, "go on": 8, "follow": 6, "messages": 4, "list": 3, "export": 4, "stop": 1, "delete": 1}


@pytest.fixture(scope="module")
async def service(library: Settings, model: ModelServer) -> AsyncIterator[Served]:
    """Two workers with few connections each, so that a bad one is soon met again."""
    few = {"FOOTNOTE_SERVER__WORKERS": "2", "FOOTNOTE_DATABASE__POOL_SIZE": str(POOL), "FOOTNOTE_CHAT__GRACE_S": "1"}
    async with started(library, serving(library, model, **few)) as running:
        yield running


@dataclass
class Owner:
    """A visitor, the canary in all of their questions, and what they know to ask for."""

    canary: str
    token: str
    conversations: list[str]
    runs: list[str] = field(default_factory=list)

    @property
    def question(self) -> str:
        return f"How loud should my master be, {self.canary}?"

    def check(self, read: bytes) -> None:
        """Whatever they read has no canary but their own."""
        assert set(CANARY.findall(read.decode(errors="replace"))) <= {self.canary}

    def request(self, kind: str, chance: random.Random) -> bytes:
        """The bytes of one request."""
        conversation_id = chance.choice(self.conversations)
        run_id = chance.choice(self.runs)
        match kind:
            case "begin":
                return self._bytes("POST", "/api/v1/chat", {"query": self.question})
            case "go on":
                body = {"query": self.question, "conversation_id": conversation_id}
                return self._bytes("POST", "/api/v1/chat", body)
            case "follow":
                return self._bytes("GET", f"/api/v1/chat/runs/{run_id}/events")
            case "stop":
                return self._bytes("POST", f"/api/v1/chat/runs/{run_id}/stop")
            case "messages":
                return self._bytes("GET", f"{API}/{conversation_id}/messages?limit=200")
            case "export":
                form = chance.choice(["json", "markdown"])
                return self._bytes("GET", f"{API}/{self.conversations[0]}/export?format={form}")
            case "delete" if len(self.conversations) > 2:
                return self._bytes("DELETE", f"{API}/{self.conversations.pop()}")
            case _:
                return self._bytes("GET", API)

    def _bytes(self, method: str, path: str, body: object = None) -> bytes:
        content = b"" if body is None else json.dumps(body).encode()
        head = [
            f"{method} {path} HTTP/1.1",
            "Host: 127.0.0.1",
            "Connection: close",
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
            f"X-Visitor-Token: {self.token}",
        ]
        return "\r\n".join([*head, "", ""]).encode() + content


@dataclass
class Leaving:
    """When somebody gives up a request: so long after it was sent, or as soon as this has come so many times."""

    after_s: float
    sight: bytes = b""
    times: int = 1

    @classmethod
    def some(cls, chance: random.Random) -> "Leaving":
        moments = [
            cls(0),  # before the head
            cls(chance.uniform(0, 0.03)),
            cls(chance.uniform(0, 0.3)),
            cls(30, b"HTTP/1.1"),
            cls(30, b"event: sources"),
            cls(30, b"event: token", chance.randint(1, 30)),
            cls(30),  # they stay
        ]
        return chance.choice(moments)


async def send(port: int, request: bytes, leaving: Leaving, chance: random.Random) -> bytes:
    """What was read of the response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    read = b""
    try:
        async with asyncio.timeout(leaving.after_s):
            while piece := await reader.read(1 << 16):
                read += piece
                if leaving.sight and read.count(leaving.sight) >= leaving.times:
                    break
    except TimeoutError:
        assert leaving.after_s < 1, "a response has not ended"
    if chance.random() < 0.5:
        writer.transport.abort()
    else:
        writer.close()
    return read


async def begin(service: Served, library: Settings, number: int) -> Owner:
    """A visitor with some conversations, one of them long."""
    canary = f"zq{number:04x}"
    async with Visitor(service.address) as visitor:
        answers = [await visitor.ask(f"How loud should my master be, {canary}?") for _ in range(3)]
        assert visitor.token is not None
        owner = Owner(canary, visitor.token, [answer.conversation_id for answer in answers])
        owner.runs = [answer.run_id for answer in answers]
    async with rows_of(library) as rows:
        await rows.read(
            """
            INSERT INTO messages (id, conversation_id, seq, role, content, status)
            SELECT gen_random_uuid(), CAST(:id AS uuid), 2 + number,
                   CASE number % 2 WHEN 1 THEN 'user' ELSE 'assistant' END, :content, 'complete'
            FROM generate_series(1, :count) AS number RETURNING seq
            """,
            id=owner.conversations[0],
            content=f"Said with {canary} in it.",
            count=LONG,
        )
    return owner


async def test_requests_given_up_at_random_show_nobody_anothers_words_and_leave_nothing_open(
    service: Served, library: Settings, model: ModelServer
) -> None:
    chance = random.Random(20)
    # Whatever the model is told of, it says, so that another's history would be heard.
    model.answer = lambda prompt: " ".join(sorted(set(CANARY.findall(prompt)))) + " word" * 30
    owners = [await begin(service, library, number) for number in range(VISITORS)]
    model.tokens_per_s = 100
    room = asyncio.Semaphore(AT_ONCE)
    told: Counter[str] = Counter()
    failures: list[bytes] = []

    async def ask_and_leave() -> None:
        owner = chance.choice(owners)
        (kind,) = chance.choices(list(KINDS), list(KINDS.values()))
        async with room:
            read = await send(service.port, owner.request(kind, chance), Leaving.some(chance), chance)
        owner.check(read)
        told[read[9:12].decode() or "left"] += 1
        if read[9:10] == b"5":
            failures.append(read)
        for name, known in (("x-conversation-id", owner.conversations), ("x-run-id", owner.runs)):
            found = re.search(rf"{name}: (\S+)".encode(), read)
            if found and found[1].decode() not in known:
                known.append(found[1].decode())

    async with asyncio.TaskGroup() as asking:
        for _ in range(REQUESTS):
            asking.create_task(ask_and_leave())
    print(f"\n{REQUESTS} requests of {VISITORS} visitors: {dict(told)}")
    assert failures == []
    assert set(told) <= {"left", "200", "202", "204", "404", "409"}
    assert told["200"] > REQUESTS / 5
    assert told["left"] > REQUESTS / 10

    async with rows_of(library) as rows:
        deadline = time.monotonic() + QUIET_WITHIN_S
        left = f"state LIKE 'idle in transaction%' AND {ITS_OWN}"
        while (
            await rows.read(f"SELECT pid FROM pg_stat_activity WHERE {left}")
            or await rows.read("SELECT id FROM runs WHERE state = 'running'")
            # One that was given up is closed by its client and, when the system gets to it, by its server.
            or len(await rows.read(f"SELECT pid FROM pg_stat_activity WHERE {ITS_OWN}")) > 2 * POOL
        ):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        said = await rows.read(
            "SELECT owner, title || content FROM conversations JOIN messages ON conversation_id = conversations.id"
        )
    assert await model.no_stream_open(QUIET_WITHIN_S)
    check_apart((owner, text) for owner, text in said)
    check_apart(enumerate(request.prompt for request in model.requests))
    check_apart(await copies_in_redis(library))
    await check_health(service, owners)
    log = service.log.read_text()
    assert "Traceback" not in log
    assert "non-checked-in" not in log  # so SQLAlchemy complains of a connection that nobody gave back


def check_apart(kept: "Iterator[tuple[object, str]] | enumerate[str] | list[tuple[object, str]]") -> None:
    """What belongs to one has the canary of one."""
    canaries: dict[object, set[str]] = {}
    for owner, text in kept:
        canaries.setdefault(owner, set()).update(CANARY.findall(text))
    assert canaries
    assert max(map(len, canaries.values())) == 1


async def copies_in_redis(library: Settings) -> list[tuple[object, str]]:
    """Each history and each journal that Redis has."""
    redis = Redis.from_url(library.redis.url)
    try:
        kept: list[tuple[object, str]] = [
            (name, (await redis.get(name) or b"").decode()) async for name in redis.scan_iter(COPIES)
        ]
        kept += [(name, str(await redis.xrange(name))) async for name in redis.scan_iter(JOURNALS)]
    finally:
        await redis.aclose()
    return kept


async def check_health(service: Served, owners: list[Owner]) -> None:
    """Everybody finds what is theirs and nothing else, and more questions at once than there are connections are
    answered."""

    async def look(owner: Owner) -> None:
        async with Visitor(service.address, owner.token) as visitor:
            assert (await visitor.get("/health/ready")).status_code == 200
            asked = await visitor.ask(owner.question)
            assert asked.checked().last.event == "done"
            listed = await visitor.get(f"{API}?limit=200")
            owner.check(asked.raw + listed.content)
            found = [item["id"] for item in listed.json()["items"]]
            assert asked.conversation_id in found
            for conversation_id in found:
                for path in ("messages?limit=200", "export?format=json", "export?format=markdown"):
                    read = await visitor.get(f"{API}/{conversation_id}/{path}")
                    assert read.status_code == 200
                    owner.check(read.content)

    await asyncio.gather(*map(look, owners))
