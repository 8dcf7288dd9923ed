"""Who may ask now, also while Redis is away; and what nobody finds in Redis."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from backend.absence import ALONE_S
from backend.errors import RateLimited
from backend.limits.limiter import Limiter
from backend.limits.rules import AskerKind
from backend.limits.shared_counters import PREFIX
from backend.settings import Settings
from backend.settings_limits import AskerLimits, LimitsSettings, WindowLimits
from tests.served import free_port

LIMITS = LimitsSettings(
    visitor=AskerLimits(per_minute=4, per_hour=20, runs=3),
    address=AskerLimits(per_minute=8, per_hour=40, runs=6),
    user=AskerLimits(per_minute=5, per_hour=40, runs=3),
    key=AskerLimits(per_minute=6, per_hour=40, runs=3),
    site=WindowLimits(per_minute=40, per_hour=80),
    creator=WindowLimits(per_minute=16, per_hour=80),
)
SECRET = b"s" * 32
ADDRESS = "203.0.113.77"


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    client = Redis.from_url(settings.redis.url, socket_timeout=2)
    await forget(client)
    yield client
    await client.aclose()


async def forget(redis: Redis) -> None:
    async for key in redis.scan_iter(f"{PREFIX}:*"):
        await redis.delete(key)


def limiter(redis: Redis, workers: int = 1) -> Limiter:
    return Limiter(redis, LIMITS, {"small": WindowLimits(per_minute=10, per_hour=80)}, SECRET, workers)


async def ask(
    limiter: Limiter,
    asker: str,
    address: str = ADDRESS,
    creator: str | None = None,
    *,
    site: str = "",
    kind: AskerKind = "visitor",
) -> bool:
    """Asks, and has the answer at once."""
    allowance = limiter.allowance(kind, asker, address, site, creator)
    try:
        await allowance.take()
    except RateLimited:
        return False
    await allowance.release()
    return True


async def test_a_new_visitor_at_the_same_address_does_not_begin_anew(redis: Redis) -> None:
    asked = limiter(redis)
    assert [await ask(asked, f"visitor-{number}") for number in range(12)] == [True] * 8 + [False] * 4
    assert await ask(asked, "visitor-0", "203.0.113.78")


async def test_a_visitor_who_moves_from_address_to_address_does_not_begin_anew(redis: Redis) -> None:
    asked = limiter(redis)
    assert [await ask(asked, "visitor", f"203.0.113.{number}") for number in range(7)] == [True] * 4 + [False] * 3


async def test_one_address_leaves_most_of_a_creators_share_to_others(redis: Redis) -> None:
    asked = limiter(redis)
    for number in range(50):
        await ask(asked, f"visitor-{number}", creator="ana")
    assert [await ask(asked, "other", "198.51.100.1", "ana") for _ in range(4)] == [True] * 4


async def test_users_and_keys_have_limits_of_their_own_and_are_not_counted_by_their_address(redis: Redis) -> None:
    asked = limiter(redis)
    for number in range(8):
        await ask(asked, f"visitor-{number}")
    assert not await ask(asked, "new visitor")  # the address is used up
    assert [await ask(asked, "ana", kind="user") for _ in range(7)] == [True] * 5 + [False] * 2
    assert [await ask(asked, "ana", kind="key") for _ in range(8)] == [True] * 6 + [False] * 2


async def test_a_site_has_its_own_limit_or_that_of_all_and_what_one_client_is_refused_takes_nothing_of_it(
    redis: Redis,
) -> None:
    asked = limiter(redis)

    async def admitted(site: str) -> int:
        return sum([await ask(asked, f"{each}", f"198.51.100.{each}", site=site) for each in range(60)])

    for _ in range(50):
        await ask(asked, "greedy")
    assert await admitted("small") == 10
    assert await admitted("") == 40 - 4


async def test_a_refusal_says_when_to_come_back_and_which_limit_it_was(redis: Redis) -> None:
    asked = limiter(redis)
    for _ in range(4):
        await ask(asked, "visitor")
    for _ in range(2):  # asked of Redis, and remembered
        with pytest.raises(RateLimited) as refused:
            await asked.allowance("visitor", "visitor", ADDRESS, creator="ana").take()
        assert refused.value.retry_after == 60
        assert refused.value.headers["RateLimit"] == '"visitor-minute";r=0;t=60'
        assert refused.value.headers["RateLimit-Policy"] == (
            '"visitor-minute";q=4;w=60, "visitor-hour";q=20;w=3600, "visitor-runs";q=3;qu="concurrent-requests", '
            '"address-minute";q=8;w=60, "address-hour";q=40;w=3600, "address-runs";q=6;qu="concurrent-requests", '
            '"site-minute";q=40;w=60, "site-hour";q=80;w=3600, "creator-minute";q=16;w=60, "creator-hour";q=80;w=3600'
        )


async def test_who_was_told_to_come_back_later_is_refused_without_asking_redis(redis: Redis) -> None:
    asked = limiter(redis)
    while await ask(asked, "visitor"):
        pass
    await forget(redis)
    assert asked.allowance("visitor", "visitor", ADDRESS).exhausted
    assert not await ask(asked, "visitor")
    assert await ask(asked, "other")
    assert await ask(limiter(redis), "visitor")  # a worker that has not heard of it asks


async def test_keys_hold_neither_addresses_nor_visitors_and_depend_on_the_secret(redis: Redis) -> None:
    await ask(limiter(redis), "visitor-canary", ADDRESS, "creator-canary")
    first = {key async for key in redis.scan_iter(f"{PREFIX}:*")}
    assert len(first) == 4
    for key in first:
        held = b" ".join([key, *await redis.zrange(key, 0, -1)])
        assert not [word for word in (ADDRESS, "canary", "203") if word.encode() in held]
    await ask(Limiter(redis, LIMITS, {}, b"t" * 32, 1), "visitor-canary", ADDRESS, "creator-canary")
    assert len({key async for key in redis.scan_iter(f"{PREFIX}:*")} - first) == 4


async def test_while_redis_is_away_a_worker_admits_less_and_not_nothing() -> None:
    away = Redis.from_url(f"redis://127.0.0.1:{free_port()}/0", socket_timeout=2, retry=None)
    asked = limiter(away, workers=2)
    assert [await ask(asked, f"visitor-{number}") for number in range(5)] == [True] * 2 + [False] * 3
    assert await ask(asked, "visitor", "198.51.100.1")
    await away.aclose()


@pytest.mark.alone
async def test_a_redis_that_does_not_answer_costs_a_fifth_of_a_second_once_in_a_while() -> None:
    silent = await asyncio.start_server(lambda _reader, _writer: asyncio.sleep(60), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    away = Redis.from_url(f"redis://127.0.0.1:{port}/0", socket_timeout=2, retry=None)
    asked = limiter(away)
    started = time.monotonic()
    admitted = await asyncio.gather(*(ask(asked, "visitor", f"198.51.100.{number}") for number in range(20)))
    assert sum(admitted) == 2
    assert await ask(asked, "other")
    assert time.monotonic() - started < 0.5
    silent.close()
    await away.aclose()


async def test_only_the_first_question_waits_for_a_silent_redis_which_is_used_again_when_it_answers(
    redis: Redis,
) -> None:
    asked = limiter(redis)
    asked.open()
    await redis.client_pause(1800)  # milliseconds
    waits = []
    for number in range(2):
        started = time.monotonic()
        assert await ask(asked, f"visitor-{number}", f"198.51.100.{number}")
        waits.append(time.monotonic() - started)
        await asyncio.sleep(ALONE_S + 0.2)
    assert waits[0] > 0.15
    assert waits[1] < 0.05
    await redis.ping()  # which it answers when it goes on
    await forget(redis)
    while asked.absence.lasts:
        await asyncio.sleep(0.05)
    assert await ask(asked, "visitor-2", "198.51.100.2")
    assert [key async for key in redis.scan_iter(f"{PREFIX}:asked:*")]
    await asked.close()


async def test_a_worker_that_is_late_itself_does_not_take_redis_for_away(redis: Redis) -> None:
    asked = limiter(redis)
    taking = [asyncio.create_task(ask(asked, f"visitor-{number}")) for number in range(20)]
    for _ in range(6):
        await asyncio.sleep(0)
        time.sleep(0.15)  # noqa: ASYNC251
    assert sum(await asyncio.gather(*taking)) == 6  # so many may run at once; alone it would have been 3


async def test_a_running_answer_is_counted_until_it_is_released(redis: Redis) -> None:
    asked = limiter(redis)
    running = [asked.allowance("visitor", "visitor", ADDRESS) for _ in range(3)]
    for allowance in running:
        await allowance.take()
    with pytest.raises(RateLimited) as refused:
        await asked.allowance("visitor", "visitor", ADDRESS).take()
    assert (refused.value.retry_after, refused.value.headers["RateLimit"]) == (1, '"visitor-runs";r=0;t=1')
    await running[0].release()
    await running[0].release()
    assert await ask(limiter(redis), "visitor")
