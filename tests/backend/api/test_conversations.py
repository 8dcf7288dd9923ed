"""Conversations over HTTP: whose they are, how they are listed and renamed, and that deleting leaves nothing."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import Text, cast, func, literal_column, select, table

import backend.knowledge.catalogue  # noqa: F401  (registers its tables)
from backend.chat import deletion as deleting
from backend.chat.deletion import Deletion
from backend.conversations.deleted import DeletedConversations
from backend.database import metadata, open_database
from backend.settings import Settings
from backend.settings_access import SiteSettings
from tests.model_server import ModelServer
from tests.service import Visitor, running, with_model, with_section

CANARY = "Xolotl"  # short, so that the model server sends it as one token
HERE = "/api/v1/conversations"
LONG = " ".join([CANARY, *(f"word{number}" for number in range(300))])


def told(response: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All that a client can tell two responses apart by."""
    return response.status_code, response.content, [pair for pair in response.headers.items() if pair[0] != "date"]


async def every_verb(visitor: Visitor, conversation_id: str) -> list[httpx.Response]:
    """Everything that can be done to one conversation."""
    one = f"{HERE}/{conversation_id}"
    headers = visitor.headers
    return [
        await visitor.get(one),
        await visitor.get(f"{one}/messages"),
        await visitor.http.patch(one, json={"title": "Taken over"}, headers=headers),
        await visitor.http.delete(one, headers=headers),
        await visitor.post("/api/v1/chat", {"query": "And?", "conversation_id": conversation_id}),
    ]


async def test_someone_elses_a_deleted_and_a_missing_one_cannot_be_told_apart(visitor: Visitor, service: str) -> None:
    mine = await visitor.ask()
    async with Visitor(service) as other:
        deleted = await other.ask()
        assert (await other.http.delete(f"{HERE}/{deleted.conversation_id}", headers=other.headers)).status_code == 204
        foreign = await every_verb(other, mine.conversation_id)
        for response in (await every_verb(other, deleted.conversation_id), await every_verb(other, str(uuid4()))):
            assert list(map(told, response)) == list(map(told, foreign))
        assert {response.status_code for response in foreign} == {404}
        assert (await other.get(HERE)).json() == {"items": [], "next_cursor": None}
        assert (await other.http.delete(HERE, headers=other.headers)).status_code == 204
    kept = (await visitor.get(f"{HERE}/{mine.conversation_id}")).json()
    assert kept["title"] == "How loud should my master be?"


async def test_who_has_no_token_has_no_conversations_and_a_broken_one_is_401(service: str) -> None:
    async with Visitor(service) as nobody:
        assert (await nobody.get(HERE)).json() == {"items": [], "next_cursor": None}
        assert (await nobody.http.delete(HERE)).status_code == 204
        nobody.token = "broken"
        assert (await nobody.get(HERE)).status_code == 401
        assert (await nobody.http.delete(HERE, headers=nobody.headers)).status_code == 401


async def test_a_list_is_paged_and_a_title_changed(visitor: Visitor) -> None:
    made = [(await visitor.ask()).conversation_id for _ in range(3)]
    first = (await visitor.get(f"{HERE}?limit=2")).json()
    assert [item["id"] for item in first["items"]] == [made[2], made[1]]
    second = (await visitor.get(f"{HERE}?limit=2&cursor={first['next_cursor']}")).json()
    assert ([item["id"] for item in second["items"]], second["next_cursor"]) == ([made[0]], None)
    assert (await visitor.get(f"{HERE}?cursor=1")).status_code == 422
    path = f"{HERE}/{made[0]}"
    renamed = await visitor.http.patch(path, json={"title": "  Loud\n masters "}, headers=visitor.headers)
    assert (renamed.status_code, renamed.json()["title"]) == (200, "Loud masters")
    assert renamed.json() == (await visitor.get(path)).json()


@pytest.mark.parametrize("body", [{}, {"title": " \n"}, {"title": "x" * 201}, {"title": "a\0b"}, {"title": 7},
                                  {"title": "\u200b"}, {"title": "x", "owner": "me"}])  # fmt: skip
async def test_a_title_that_cannot_be_one_is_422(visitor: Visitor, body: dict[str, Any]) -> None:
    await visitor.ask()
    response = await visitor.http.patch(f"{HERE}/{uuid4()}", json=body, headers=visitor.headers)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


async def test_half_a_character_is_no_title(visitor: Visitor) -> None:
    await visitor.ask()
    headers = visitor.headers | {"Content-Type": "application/json"}
    response = await visitor.http.patch(f"{HERE}/{uuid4()}", content=rb'{"title": "\ud800"}', headers=headers)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


async def test_a_site_may_rename_and_delete_from_its_own_origin(library: Settings) -> None:
    sites = {"blog": SiteSettings(origins=("https://site.example",))}
    async with (
        running(library.model_copy(update={"sites": sites})) as service,
        httpx.AsyncClient(base_url=service) as browser,
    ):
        for method in ("PATCH", "DELETE"):
            asked = {"Origin": "https://site.example", "Access-Control-Request-Method": method,
                     "Access-Control-Request-Headers": "x-visitor-token"}  # fmt: skip
            assert (await browser.options(f"{HERE}/{uuid4()}", headers=asked)).status_code == 200


async def places_of(settings: Settings, redis: Redis, text: str) -> list[str]:
    """Every table and every key in Redis in which a text stands."""
    places = []
    engine = open_database(settings.database.url, pool_size=1)
    async with engine.connect() as connection:
        for name in metadata.tables:
            row = cast(literal_column(f'"{name}"'), Text)
            query = select(func.count()).select_from(table(name)).where(row.contains(text))
            places += [name] if (await connection.execute(query)).scalar() else []
    await engine.dispose()
    readers: dict[bytes, Callable[[bytes], Any]] = {
        b"stream": redis.xrange,
        b"hash": redis.hgetall,
        b"string": redis.get,
        b"zset": lambda name: redis.zrange(name, 0, -1),
    }
    async for name in redis.scan_iter(count=1000):
        kind = await redis.type(name)
        value = await readers[kind](name) if kind != b"none" else None  # it has expired since it was named
        places += [name.decode()] if text in str(value) else []
    return places


async def purge(settings: Settings, redis: Redis) -> None:
    """What each worker does again and again, without the wait before."""
    engine = open_database(settings.database.url, pool_size=1)
    unused: Any = None
    await Deletion(unused, unused, DeletedConversations(engine), unused, redis).purge(0)
    await engine.dispose()


async def test_a_conversation_deleted_in_the_middle_of_its_answer_leaves_nothing_anywhere(
    library: Settings, model: ModelServer, redis: Redis
) -> None:
    model.answer, model.tokens_per_s = LONG, 40
    settings = with_section(with_model(library, model.base_url), "retrieval", min_confidence=0)
    async with running(settings) as here, running(settings) as there, Visitor(here) as visitor:
        first = await visitor.ask(f"What of {CANARY}?", stop_after=6)
        async with Visitor(there, visitor.token) as elsewhere:
            readers = [asyncio.create_task(one.follow(first.run_id)) for one in (visitor, elsewhere)]
            while f"footnote:run:{first.run_id}:frames" not in await places_of(settings, redis, CANARY):
                await asyncio.sleep(0.02)
            assert "messages" in await places_of(settings, redis, CANARY)
            one = f"{HERE}/{first.conversation_id}"
            assert (await elsewhere.http.delete(one, headers=elsewhere.headers)).status_code == 204
            for reader in (visitor, elsewhere):
                assert {response.status_code for response in await every_verb(reader, first.conversation_id)} == {404}
                assert (await reader.follow(first.run_id)).response.status_code == 404
                assert (await reader.post(f"/api/v1/chat/runs/{first.run_id}/stop")).status_code == 404
                assert (await reader.get(HERE)).json()["items"] == []
            async with asyncio.timeout(3):
                for answer in await asyncio.gather(*readers):
                    last = answer.checked().last
                    assert (last.event, last.json["code"], last.json["retryable"]) == ("error", "not_found", False)
                    assert "word299" not in answer.text
            assert await model.no_stream_open()
        assert [place for place in await places_of(settings, redis, CANARY) if place.startswith("footnote:")] == []
    await purge(settings, redis)
    assert await places_of(settings, redis, CANARY) == []


async def test_what_a_worker_wrote_to_redis_late_goes_with_the_purge_and_other_conversations_stay(
    library: Settings, model: ModelServer, visitor: Visitor, redis: Redis
) -> None:
    model.answer = f"{CANARY} [1]."
    kept, gone = await visitor.ask(), await visitor.ask()
    again = await visitor.ask("And why?", conversation_id=gone.conversation_id)
    await visitor.http.delete(f"{HERE}/{gone.conversation_id}", headers=visitor.headers)
    late = [f"footnote:run:{answer.run_id}:frames" for answer in (gone, again)]
    late.append(f"footnote:history:{gone.conversation_id}")
    await redis.mset(dict.fromkeys(late, CANARY))
    await asyncio.gather(*(purge(library, redis) for _ in range(4)))
    assert await redis.exists(*late) == 0
    assert len(await visitor.messages(kept.conversation_id)) == 2
    assert "messages" in await places_of(library, redis, CANARY)
    assert (await visitor.http.delete(HERE, headers=visitor.headers)).status_code == 204
    assert (await visitor.get(HERE)).json()["items"] == []
    await purge(library, redis)
    assert await places_of(library, redis, CANARY) == []


async def test_the_service_purges_by_itself_and_not_before_workers_have_forgotten(
    library: Settings, model: ModelServer, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.answer = CANARY
    settings = with_model(library, model.base_url)
    async with running(settings) as address, Visitor(address) as visitor:
        answer = await visitor.ask()
        await visitor.http.delete(f"{HERE}/{answer.conversation_id}", headers=visitor.headers)
    async with running(settings):
        assert "messages" in await places_of(settings, redis, CANARY)
    monkeypatch.setattr(deleting, "PURGE_AFTER_S", 0)
    async with running(settings), asyncio.timeout(5):
        while await places_of(settings, redis, CANARY):
            await asyncio.sleep(0.02)


async def test_an_answer_is_stopped_on_another_worker_while_redis_is_away(
    library: Settings, model: ModelServer
) -> None:
    model.answer, model.tokens_per_s = LONG, 20
    settings = with_section(with_model(library, model.base_url), "redis", url="redis://127.0.0.1:1/0")
    async with running(settings) as here, running(settings) as there, Visitor(here) as visitor:
        first = await visitor.ask(stop_after=4)
        reading = asyncio.create_task(visitor.follow(first.run_id))
        async with Visitor(there, visitor.token) as elsewhere:
            path = f"{HERE}/{first.conversation_id}"
            assert (await elsewhere.http.delete(path, headers=elsewhere.headers)).status_code == 204
        async with asyncio.timeout(5):
            assert json.dumps((await reading).checked().last.json).count("not_found") == 1
