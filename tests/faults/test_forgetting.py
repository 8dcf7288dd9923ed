"""What a visitor deletes is nowhere any more: not in Postgres, not in Redis, not in a file, not in a log."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import jwt
import pytest
from redis.asyncio import Redis

from backend.chat import deletion
from backend.chat import run as live
from backend.logs import FramesOnly
from backend.settings import Settings
from tests.backend.api.test_conversations import HERE, places_of
from tests.conftest import ingest_sample, own_stores
from tests.faults.conftest import ROUNDS
from tests.model_server import ModelServer
from tests.pipeline.traces import folders_with
from tests.postgres import ask_postgres
from tests.service import Answer, Visitor, running, with_model, with_section

# As short as the pieces in which the model server answers, so that no frame has half of one.
GONE, KEPT = "Xolotl", "Tlaloc"
LONG = " ".join([GONE, *(f"word{number}" for number in range(300)), GONE])
WORKERS = 3
MIDSTREAM = 6 * ROUNDS
SOON_S = 30


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stated times, each a hundredth or so of what it is."""
    monkeypatch.setattr(live, "KEEP_ENDED_S", 0.3)
    monkeypatch.setattr(deletion, "PURGE_AFTER_S", 0.6)
    monkeypatch.setattr(deletion, "PURGE_EVERY_S", 0.3)
    monkeypatch.setattr(deletion, "CLEAR_EVERY_S", 1)


@pytest.fixture(scope="module")
def library(model_cache: Path) -> Iterator[Settings]:
    """Stores that no other test has filled: `backend.residue` lets dead rows be where tables are large."""
    with own_stores(model_cache) as settings:
        ingest_sample(settings)
        yield settings


@pytest.fixture
async def redis(library: Settings) -> AsyncIterator[Redis]:
    """A connection to a Redis whose file can be read as it is."""
    connection = Redis.from_url(library.redis.url)
    await connection.config_set("rdbcompression", "no")
    await connection.delete(deletion.CLEARED)
    yield connection
    await connection.config_set("rdbcompression", "yes")
    await connection.aclose()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """The file to which all that the services say is written, as `footnote serve` would."""
    handler = logging.FileHandler(tmp_path / "service.log")
    handler.setFormatter(FramesOnly("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield tmp_path / "service.log"
    root.setLevel(before)
    root.removeHandler(handler)
    handler.close()


@dataclass
class Stores:
    """Where something could be kept."""

    settings: Settings
    redis: Redis
    log: Path

    async def places_of(self, words: str) -> set[str]:
        """Where these words are just now."""
        kept = await places_of(self.settings, self.redis, words)
        files = await asyncio.to_thread(folders_with, self.settings.data_dir, words.encode())
        dump = await asyncio.to_thread(ask_postgres, self.settings, "pg_dump")
        return {
            *("a key in Redis" if ":" in place else place for place in kept),
            *files,
            *(["a dump of Postgres"] if words.encode() in dump else []),
            *(["a log"] if words in self.log.read_text() else []),
            *(["commands that were slow"] if words in str(await self.redis.slowlog_get(1000)) else []),
        }


def owner_of(visitor: Visitor) -> str:
    """The name by which the service knows a visitor."""
    assert visitor.token is not None
    name: str = jwt.decode(visitor.token, options={"verify_signature": False})["sub"]
    return name


async def use(visitor: Visitor, words: str) -> Answer:
    """A conversation with the words in every place where a visitor can put them."""
    first = (await visitor.ask(f"What of {words}?", key=words)).checked()
    one = f"{HERE}/{first.conversation_id}"
    message = f"{one}/messages/{first.last.json['message_id']}"
    opinion = {"rating": "down", "comment": f"{words}!"}
    assert (await visitor.http.patch(one, json={"title": words}, headers=visitor.headers)).status_code == 200
    assert (await visitor.post(f"{message}/regenerate")).status_code == 200
    anew = (await visitor.messages(first.conversation_id))[-1]["id"]
    rated = await visitor.http.put(f"{one}/messages/{anew}/feedback", json=opinion, headers=visitor.headers)
    assert rated.status_code == 204
    for form in ("json", "markdown"):
        assert words in (await visitor.get(f"{one}/export?format={form}")).text
    await visitor.ask(f"And what else of {words}?", conversation_id=first.conversation_id)
    return first


async def delete(visitor: Visitor, conversation_id: str | None = None) -> None:
    path = HERE if conversation_id is None else f"{HERE}/{conversation_id}"
    assert (await visitor.http.delete(path, headers=visitor.headers)).status_code == 204


async def test_after_a_while_nothing_is_left_of_what_was_deleted_also_in_the_middle_of_answers_on_several_workers(
    library: Settings, model: ModelServer, redis: Redis, log: Path
) -> None:
    stores = Stores(library, redis, log)
    settings = with_section(with_model(library, model.base_url), "retrieval", min_confidence=0)
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(running(settings)) for _ in range(WORKERS)]

        async def elsewhere(visitor: Visitor | None, number: int) -> Visitor:
            """The same visitor, or a new one, at this worker."""
            token = visitor.token if visitor else None
            return await stack.enter_async_context(Visitor(workers[number % WORKERS], token))

        keeper, one, all_of_theirs = [await elsewhere(None, number) for number in range(3)]
        model.answer = f"It is {KEPT} [1]."
        await use(keeper, KEPT)
        model.answer = f"It is {GONE} [1]."
        first = await use(one, GONE)
        await use(all_of_theirs, GONE)
        there = await stores.places_of(GONE)
        assert {"messages", "conversations", "runs", "a key in Redis", "redis", "a dump of Postgres"} <= there
        assert "a log" not in there

        model.answer, model.tokens_per_s = LONG, 40
        here = [await elsewhere(one if number % 2 else all_of_theirs, number) for number in range(MIDSTREAM)]
        begun = await asyncio.gather(*(visitor.ask(f"Is {GONE} loud?", stop_after=6) for visitor in here))
        readers = [asyncio.create_task(visitor.follow(each.run_id)) for visitor, each in zip(here, begun, strict=True)]
        await delete(await elsewhere(one, 1), first.conversation_id)
        deleting = [
            delete(await elsewhere(one, number + 1), each.conversation_id)
            for number, each in enumerate(begun)
            if number % 2
        ]
        await asyncio.gather(*deleting, delete(await elsewhere(all_of_theirs, 2)))
        for answer in await asyncio.gather(*readers):
            assert (answer.checked().last.event, answer.last.json["code"]) == ("error", "not_found")
        for visitor in (one, all_of_theirs):
            assert (await visitor.get(HERE)).json()["items"] == []

        async with asyncio.timeout(SOON_S):
            while await stores.places_of(GONE):
                await asyncio.sleep(0.2)
    await redis.save()
    try:
        words = (GONE, *map(owner_of, (one, all_of_theirs)))
        assert [await stores.places_of(each) for each in words] == [set()] * 3
        assert {"messages", "conversations", "runs", "redis", "a dump of Postgres"} <= await stores.places_of(KEPT)
    finally:
        (library.data_dir / "redis" / "dump.rdb").unlink()
