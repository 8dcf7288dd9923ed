"""How many answers one client reads at once, so that others can come back to theirs, and stop them."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from redis.asyncio import Redis

from backend.chat import readers
from backend.chat.journal import stop_key
from backend.chat.runs import Runs
from backend.conversations.models import Question
from backend.conversations.postgres import PostgresConversations
from backend.database import open_database
from backend.knowledge.catalogue import Catalogue
from backend.settings import Settings
from tests.model_server import ModelServer
from tests.service import Visitor, running, with_model

LONG = " ".join(f"word{number}" for number in range(2000))


@pytest.fixture
async def slow(library: Settings, model: ModelServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Settings]:
    """A service whose answers go on for longer than a test, and where an owner may read three at once."""
    monkeypatch.setattr(readers, "MOST_READERS", 3)
    model.answer, model.tokens_per_s = LONG, 50
    yield with_model(library, model.base_url)
    assert await model.no_stream_open()


async def come_back(stack: AsyncExitStack, visitor: Visitor, run_id: str) -> httpx.Response:
    """A stream that is open until the stack is closed; of a refusal also the body."""
    request = visitor.http.stream("GET", f"/api/v1/chat/runs/{run_id}/events", headers=visitor.headers)
    response = await stack.enter_async_context(request)
    if response.status_code != 200:
        await response.aread()
    return response


async def stop(visitor: Visitor, run_id: str) -> int:
    return (await visitor.post(f"/api/v1/chat/runs/{run_id}/stop")).status_code


async def readers_left(visitor: Visitor, run_id: str) -> None:
    """Returns when one may come back, which is noticed when the last has gone."""
    async with asyncio.timeout(5):
        while (await visitor.follow(run_id, stop_after=1)).response.status_code == 429:
            await asyncio.sleep(0.02)


async def test_a_reader_too_many_is_refused_before_anything_is_looked_up_and_others_are_not(slow: Settings) -> None:
    async with running(slow) as service, Visitor(service) as visitor, Visitor(service) as other:
        key = str(uuid.uuid4())
        await visitor.ask(stop_after=1)  # which gives the visitor their token
        mine, theirs = await visitor.ask(key=key, stop_after=2), await other.ask(stop_after=2)
        async with AsyncExitStack() as stack:
            for _ in range(3):
                assert (await come_back(stack, visitor, mine.run_id)).status_code == 200
            for run_id in (mine.run_id, str(uuid.uuid4())):  # also of a run that there is not
                refused = await come_back(stack, visitor, run_id)
                assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
                assert (refused.headers["retry-after"], refused.json()["retry_after"]) == ("1", 1)
            assert (await visitor.ask(key=key)).response.status_code == 429
            assert (await come_back(stack, other, theirs.run_id)).status_code == 200
            asked = await visitor.ask("And for a podcast?", stop_after=2)
            assert asked.response.status_code == 200  # who asks reads the answer, whatever else they read
            assert await stop(visitor, asked.run_id) == 202
        await readers_left(visitor, mine.run_id)
        for one, run_id in ((visitor, mine.run_id), (other, theirs.run_id)):
            assert await stop(one, run_id) == 202


async def test_a_reader_of_another_workers_run_counts_and_what_is_refused_was_never_counted(slow: Settings) -> None:
    async with running(slow) as here, running(slow) as there, Visitor(here) as visitor:
        first = await visitor.ask(stop_after=2)
        async with Visitor(there, visitor.token) as elsewhere, AsyncExitStack() as stack:
            for _ in range(5):  # a 404 is over when it is told
                assert (await elsewhere.follow(str(uuid.uuid4()))).response.status_code == 404
            answers = await asyncio.gather(*(come_back(stack, elsewhere, first.run_id) for _ in range(12)))
            assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 9
            assert await stop(elsewhere, first.run_id) == 202


async def test_a_stop_for_another_worker_does_not_wait_for_a_connection_of_the_readers(settings: Settings) -> None:
    engine = open_database(settings.database.url, pool_size=1)
    store = PostgresConversations(engine)
    redis = Redis.from_url(settings.redis.url)
    run, _ = await store.begin(Question(str(uuid.uuid4()), "How loud?", None, None, 0.0, None, None, "hash"))
    runs = Runs(
        store=store, catalogue=Catalogue(engine), redis=redis, blocking_redis=Redis.from_url("redis://127.0.0.1:1/0"),
        journal_ttl_s=60, keepalive_s=15, grace_s=30,
    )  # fmt: skip
    await runs.stop(run.id, run.owner)
    assert await redis.get(stop_key(run.id)) == b"1"
    await redis.aclose()
    await engine.dispose()
