"""Counting questions: the same rules in Redis and in the process."""

import asyncio
from collections.abc import AsyncIterator
from secrets import token_hex
from typing import Protocol

import pytest
from redis.asyncio import Redis

from backend.limits.local_counters import LocalCounters
from backend.limits.rules import Counters, Subject, Verdict
from backend.limits.shared_counters import LEASE_S, PREFIX, SharedCounters
from backend.settings import Settings


def subject(name: str = "visitor", per_minute: int = 5, per_hour: int = 50, runs: int | None = 50) -> Subject:
    return Subject(name, token_hex(8), per_minute, per_hour, runs)


class Timed(Protocol):
    """Counters, and a time that passes at once."""

    counters: Counters

    async def wait(self, seconds: float) -> None: ...


class SharedTimed:
    """Time passes by making everything in Redis older."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.counters = SharedCounters(redis)

    async def wait(self, seconds: float) -> None:
        async for key in self._redis.scan_iter(f"{PREFIX}:*"):
            for member, score in await self._redis.zrange(key, 0, -1, withscores=True):
                await self._redis.zadd(key, {member: score - seconds * 1000})


class LocalTimed:
    def __init__(self, shares: int = 1) -> None:
        self._now = 1000.0
        self.counters = LocalCounters(shares, lambda: self._now)

    async def wait(self, seconds: float) -> None:
        self._now += seconds


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    client = Redis.from_url(settings.redis.url, socket_timeout=2)
    async for key in client.scan_iter(f"{PREFIX}:*"):
        await client.delete(key)
    yield client
    await client.aclose()


@pytest.fixture(params=["shared", "local"])
def timed(request: pytest.FixtureRequest, redis: Redis) -> Timed:
    return SharedTimed(redis) if request.param == "shared" else LocalTimed()


async def take(timed: Timed, *subjects: Subject, times: int = 1) -> list[Verdict]:
    return [await timed.counters.take(subjects, token_hex(8)) for _ in range(times)]


async def test_a_minute_has_so_many_and_the_next_when_the_first_is_a_minute_old(timed: Timed) -> None:
    visitor = subject(per_minute=5)
    verdicts = await take(timed, visitor, times=3)
    await timed.wait(20)
    verdicts += await take(timed, visitor, times=4)
    assert [verdict.admitted for verdict in verdicts] == [True] * 5 + [False] * 2
    assert [verdict.left for verdict in verdicts] == [4, 3, 2, 1, 0, 0, 0]
    assert (verdicts[-1].kind, verdicts[-1].subject) == ("minute", visitor)
    assert 39 < verdicts[-1].wait_s <= 40
    await timed.wait(verdicts[-1].wait_s - 0.5)
    assert not (await take(timed, visitor))[0].admitted
    await timed.wait(0.5)
    assert [verdict.admitted for verdict in await take(timed, visitor, times=4)] == [True] * 3 + [False]


async def test_an_hour_has_so_many_however_they_lie_in_it(timed: Timed) -> None:
    visitor = subject(per_minute=5, per_hour=8)
    for _ in range(2):
        await take(timed, visitor, times=4)
        await timed.wait(600)
    refused = (await take(timed, visitor))[0]
    assert (refused.admitted, refused.kind) == (False, "hour")
    assert 2399 < refused.wait_s <= 2400
    await timed.wait(refused.wait_s)
    assert (await take(timed, visitor))[0].admitted


async def test_never_more_than_the_limit_lie_in_any_minute(timed: Timed) -> None:
    visitor, now, admitted = subject(per_minute=5), 0.0, []
    for step in (0.0, 29.0, 1.0, 1.0, 27.5, 1.9, 0.6, 1.0, 26.0, 3.5, 30.5, 1.0, 57.0):
        await timed.wait(step)
        now += step
        admitted += [now for verdict in await take(timed, visitor, times=3) if verdict.admitted]
    for moment in admitted:
        assert len([other for other in admitted if moment <= other < moment + 60]) <= 5
    assert len(admitted) > 12


async def test_a_refusal_costs_nothing_elsewhere(timed: Timed) -> None:
    visitor, creator = subject(per_minute=2), subject("creator", per_minute=3, runs=None)
    other, third = subject(per_minute=9), subject(per_minute=9)
    await take(timed, visitor, creator, times=9)
    assert (await take(timed, other, creator))[0].admitted  # the visitor has used two of the creator's three
    refused = await take(timed, third, creator, times=9)
    assert {(verdict.admitted, verdict.subject.name) for verdict in refused} == {(False, "creator")}
    assert (await take(timed, third))[0].left == 8


async def test_who_is_refused_by_several_is_told_the_longest_wait(timed: Timed) -> None:
    visitor, address = subject(per_minute=1), subject("address", per_minute=9, per_hour=1)
    await take(timed, visitor, address)
    refused = (await take(timed, visitor, address))[0]
    assert (refused.subject.name, refused.kind) == ("address", "hour")
    assert refused.wait_s > 3590


async def test_so_many_answers_run_at_once_and_the_end_of_one_makes_room(timed: Timed) -> None:
    visitor = subject(runs=2)
    tickets = [token_hex(8) for _ in range(3)]
    verdicts = [await timed.counters.take([visitor], ticket) for ticket in tickets]
    assert [verdict.admitted for verdict in verdicts] == [True, True, False]
    assert verdicts[2].kind == "runs"
    await timed.counters.release([visitor], tickets[2])  # it has nothing
    assert not (await take(timed, visitor))[0].admitted
    await timed.counters.release([visitor], tickets[0])
    verdict = (await take(timed, visitor))[0]
    assert (verdict.admitted, verdict.left) == (True, 2)  # the question that has been answered stays counted


async def test_the_answers_of_a_dead_worker_count_until_their_lease_ends(redis: Redis) -> None:
    timed, visitor, held = SharedTimed(redis), subject(runs=2), token_hex(8)
    await timed.counters.take([visitor], held)
    await take(timed, visitor)
    await timed.wait(LEASE_S - 1)
    await timed.counters.renew([([visitor], held)])
    assert not (await take(timed, visitor))[0].admitted
    await timed.wait(2)
    assert [verdict.admitted for verdict in await take(timed, visitor, times=2)] == [True, False]


async def test_of_many_at_once_over_several_workers_exactly_so_many_are_admitted(settings: Settings) -> None:
    visitor = subject(per_minute=100, per_hour=1000, runs=None)
    address = subject("address", per_minute=1000, per_hour=1000, runs=None)
    clients = [Redis.from_url(settings.redis.url, socket_timeout=2) for _ in range(4)]
    workers = [SharedCounters(client) for client in clients]
    verdicts = await asyncio.gather(
        *(workers[number % 4].take([visitor, address], token_hex(8)) for number in range(500))
    )
    assert sum(verdict.admitted for verdict in verdicts) == 100
    assert (await workers[0].take([address], token_hex(8))).left == 1000 - 100 - 1
    for client in clients:
        await client.aclose()


async def test_everything_in_redis_expires(redis: Redis) -> None:
    await take(SharedTimed(redis), subject(), subject("creator", runs=None))
    lives = [await redis.pttl(key) async for key in redis.scan_iter(f"{PREFIX}:*")]
    assert len(lives) == 3
    assert all(0 < life <= 3600_000 for life in lives)


async def test_a_process_alone_gives_its_share_and_never_nothing() -> None:
    timed = LocalTimed(shares=4)
    assert [each.admitted for each in await take(timed, subject(per_minute=10), times=3)] == [True, True, False]
    assert [each.admitted for each in await take(timed, subject(per_minute=1), times=2)] == [True, False]
    assert [each.admitted for each in await take(timed, subject(per_minute=9, runs=1), times=2)] == [True, False]


async def test_a_process_forgets_those_who_do_not_come_back() -> None:
    timed = LocalTimed()
    for _ in range(100):
        await take(timed, subject(runs=None))
    await timed.wait(3601)
    await take(timed, subject(runs=None))
    assert len(timed.counters._asked) == 1


async def test_what_a_late_redis_counts_after_all_is_taken_back_and_what_ends_meanwhile_is_let_go(redis: Redis) -> None:
    counters, visitor, ticket = SharedCounters(redis), subject(), token_hex(8)
    assert (await counters.take([visitor], ticket)).admitted
    await redis.client_pause(400)  # milliseconds
    with pytest.raises(TimeoutError):
        await counters.take([visitor], token_hex(8))
    counters.let_go([visitor], ticket)
    await redis.ping()  # which it answers when it goes on
    await counters.release([visitor], ticket)  # comes after everything that waited
    assert [key async for key in redis.scan_iter(f"{PREFIX}:running:*")] == []
    (asked,) = [key async for key in redis.scan_iter(f"{PREFIX}:asked:*")]
    assert await redis.zrange(asked, 0, -1) == [ticket.encode()]
