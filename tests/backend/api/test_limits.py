"""The limits of asking, over HTTP: what is counted, what is not, and what a refusal says."""

import asyncio
import ipaddress
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from backend.limits.shared_counters import PREFIX
from backend.retrieval.models import Retrieved
from backend.retrieval.retriever import Retriever
from backend.settings import Settings
from backend.settings_access import SiteSettings
from tests.model_server import ModelServer
from tests.served import free_port
from tests.service import QUESTION, Visitor, running, with_model, with_section

LOCAL = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.fixture(autouse=True)
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    """Redis, without anything that was counted before."""
    client = Redis.from_url(settings.redis.url)
    async for key in client.scan_iter(f"{PREFIX}:*"):
        await client.delete(key)
    yield client
    await client.aclose()


def with_limits(settings: Settings, **subjects: dict[str, int]) -> Settings:
    """The settings with some limits lowered, behind a proxy on this machine."""
    limits = settings.limits
    changed = {name: getattr(limits, name).model_copy(update=values) for name, values in subjects.items()}
    own = SiteSettings(origins=("https://site.example",))
    limited = settings.model_copy(update={"limits": limits.model_copy(update=changed), "sites": {"own": own}})
    return with_section(limited, "server", trusted_proxies=LOCAL)


async def post(address: str, client: str = "203.0.113.1", **fields: Any) -> httpx.Response:
    """A question of somebody without a token, from this address; read to the end."""
    async with httpx.AsyncClient(base_url=address, timeout=60, verify=False) as http:
        headers = {"X-Forwarded-For": client, "Origin": "https://site.example"}
        return await http.post("/api/v1/chat", json={"query": QUESTION, **fields}, headers=headers)


async def test_a_client_without_a_token_is_counted_by_its_address(library: Settings) -> None:
    async with running(with_limits(library, address={"per_minute": 3})) as service:
        answers = [await post(service) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 2
        assert len({answer.headers["x-visitor-token"] for answer in answers[:3]}) == 3
        assert [answer.headers["ratelimit"].split(";")[:2] for answer in answers[:3]] == [
            ['"address-minute"', f"r={left}"] for left in (2, 1, 0)
        ]
        assert '"address-minute";q=3;w=60' in answers[0].headers["ratelimit-policy"]
        refused = answers[-1]
        body = refused.json()
        assert (body["code"], body["retry_after"]) == ("rate_limited", int(refused.headers["retry-after"]))
        assert 50 < body["retry_after"] <= 60
        assert refused.headers["ratelimit"] == f'"address-minute";r=0;t={body["retry_after"]}'
        exposed = refused.headers["access-control-expose-headers"]
        assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(exposed.split(", "))
        assert (await post(service, "203.0.113.2")).status_code == 200
        assert (await post(service, "2001:db8:1:2::1")).status_code == 200
        assert (await post(service, f"{uuid.uuid4()}, 203.0.113.1")).status_code == 429


async def test_one_ipv6_subscriber_is_one_client_however_many_addresses_it_has(library: Settings) -> None:
    async with running(with_limits(library, address={"per_minute": 2})) as service:
        statuses = [(await post(service, f"2001:db8:1:2::{number}")).status_code for number in range(1, 5)]
        assert statuses == [200, 200, 429, 429]
        assert (await post(service, "2001:db8:1:3::1")).status_code == 200


async def test_repeats_resumes_and_stops_are_not_counted_and_not_refused(library: Settings) -> None:
    async with running(with_limits(library, visitor={"per_minute": 2})) as service, Visitor(service) as visitor:
        await visitor.ask()
        key = str(uuid.uuid4())
        second = await visitor.ask(key=key)
        assert (await visitor.ask()).response.status_code == 429
        for _ in range(3):
            again = await visitor.ask(key=key)
            assert (again.response.status_code, again.run_id) == (200, second.run_id)
            assert "ratelimit" not in again.response.headers
            assert (await visitor.follow(second.run_id)).response.status_code == 200
            assert (await visitor.post(f"/api/v1/chat/runs/{second.run_id}/stop")).status_code == 202
        assert (await visitor.ask(key=str(uuid.uuid4()))).response.status_code == 429


async def test_a_repeat_is_not_counted_while_there_is_room(library: Settings) -> None:
    async with running(with_limits(library, visitor={"per_minute": 2})) as service, Visitor(service) as visitor:
        key = str(uuid.uuid4())
        await visitor.ask()
        runs = {(await visitor.ask(key=key)).run_id for _ in range(4)}
        assert len(runs) == 1


async def test_only_creators_that_exist_are_keys(library: Settings, redis: Redis) -> None:
    async with running(with_limits(library)) as service:
        for number in range(5):
            assert (await post(service, creator=f"nobody-{number}")).status_code == 404
        assert [key async for key in redis.scan_iter(f"{PREFIX}:*")] == []


async def test_a_refused_question_leaves_nothing_behind(library: Settings) -> None:
    async with running(with_limits(library, visitor={"per_minute": 1})) as service, Visitor(service) as visitor:
        first = await visitor.ask()
        refused = await visitor.ask("And then?", conversation_id=first.conversation_id)
        assert refused.response.status_code == 429
        assert len(await visitor.messages(first.conversation_id)) == 2


async def test_so_many_answers_run_at_once(library: Settings, model: ModelServer) -> None:
    model.answer, model.tokens_per_s = "A peak of -1 dBTP is safe [1]. " * 20, 50
    settings = with_model(with_limits(library, visitor={"runs": 1}), model.base_url)
    async with running(settings) as service, Visitor(service) as visitor:
        first = await visitor.ask(stop_after=2)
        second = await visitor.ask()
        assert (second.response.status_code, second.response.json()["retry_after"]) == (429, 1)
        await asyncio.sleep(1)
        assert (await visitor.post(f"/api/v1/chat/runs/{first.run_id}/stop")).status_code == 202
        assert (await visitor.follow(first.run_id)).last.event == "done"
        model.tokens_per_s = 0
        for _ in range(3):  # whoever has read the end may ask again at once
            assert (await visitor.ask()).last.event == "done"


async def test_of_many_at_once_over_two_workers_exactly_so_many_are_admitted(library: Settings) -> None:
    settings = with_limits(library, address={"per_minute": 20})
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(running(settings)) for _ in range(2)]
        answers = await asyncio.gather(*(post(workers[number % 2]) for number in range(120)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(429)) == (20, 100)


@pytest.mark.alone
async def test_one_client_that_hammers_a_creator_does_not_keep_others_from_asking(library: Settings) -> None:
    settings = with_limits(library, visitor={"per_minute": 10}, address={"per_minute": 10}, creator={"per_minute": 40})
    async with running(settings) as service:
        async with Visitor(service) as visitor:
            creator = (await visitor.get("/api/v1/creators")).json()["items"][0]["slug"]
        over = asyncio.Event()

        async def hammer() -> int:
            refused = 0
            while not over.is_set():
                refused += (await post(service, "203.0.113.66", creator=creator)).status_code == 429
            return refused

        hammering = [asyncio.create_task(hammer()) for _ in range(8)]
        served = [(await post(service, f"198.51.100.{each}", creator=creator)).status_code for each in range(25)]
        over.set()
        refused = sum(await asyncio.gather(*hammering))
    assert served.count(200) >= 0.95 * len(served)
    assert refused > 100


async def test_while_redis_is_away_there_is_a_limit_still(library: Settings) -> None:
    away = with_section(library, "redis", url=f"redis://127.0.0.1:{free_port()}/0")
    async with running(with_limits(away, address={"per_minute": 6})) as service:
        statuses = [(await post(service)).status_code for _ in range(6)]
    assert statuses == [200] * 3 + [429] * 3


async def test_who_sends_one_key_over_and_over_has_nothing_searched_for_it(
    library: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = 0
    retrieve = Retriever.retrieve

    async def counted(self: Retriever, query: str, **how: Any) -> Retrieved:
        nonlocal searched
        searched += 1
        return await retrieve(self, query, **how)

    monkeypatch.setattr(Retriever, "retrieve", counted)
    async with running(with_limits(library)) as service, Visitor(service) as visitor:
        await visitor.ask(key="one")
        statuses = [(await visitor.ask(f"Question number {number}?", key="one")).response for number in range(10)]
        assert {response.status_code for response in statuses} == {422}
        assert searched == 2  # that of the question, and the first of these, before it was known
        assert (await visitor.ask(key="two")).response.status_code == 200
        assert searched == 3
