"""The breaker: the same rules in Redis and in the process, and what two workers make of a tier that is dead."""

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from redis.asyncio import Redis

from backend.llm.breaker import Admission, Breaker, Circuit, fingerprint
from backend.llm.circuit import LocalCircuit, Rules, SharedCircuit
from backend.llm.tier import TierFailure
from backend.settings import Settings
from backend.settings_tiers import BreakerSettings
from tests.model_server import ModelServer
from tests.service import Visitor, running, with_model

RULES = Rules(threshold=3, window_s=0.4, cooldown_s=0.4, probe_s=0.3)
LONG = Rules(threshold=3, window_s=60, cooldown_s=60, probe_s=60)
BROKEN = TierFailure("broken_stream")
names = (f"tier-{number}" for number in itertools.count())


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    client = Redis.from_url(settings.redis.url)
    yield client
    await client.aclose()


@pytest.fixture(params=["shared", "local"])
def make_circuit(request: pytest.FixtureRequest, redis: Redis) -> Any:
    def make(rules: Rules) -> Circuit:
        return SharedCircuit(redis, next(names), rules) if request.param == "shared" else LocalCircuit(rules)

    return make


async def fail(circuit: Circuit, times: int = 1, *, probe: bool = False, retry_after_s: float | None = None) -> Any:
    for _ in range(times):
        standing = await circuit.fail(probe=probe, retry_after_s=retry_after_s)
    return standing


async def test_failures_up_to_the_threshold_are_counted_and_then_it_opens_once(make_circuit: Any) -> None:
    circuit = make_circuit(LONG)
    assert (await circuit.admit()).state == "closed"
    standing = await fail(circuit, 2)
    assert (standing.state, standing.failures, standing.opened) == ("closed", 2, False)
    standing = await fail(circuit)
    assert (standing.state, standing.opened) == ("open", True)
    assert 59 < standing.wait_s < 60.001  # the clock's sums are rounded
    assert (await circuit.admit()).state == "open"
    assert not (await fail(circuit)).opened


async def test_an_answer_forgets_the_failures_before_it(make_circuit: Any) -> None:
    circuit = make_circuit(LONG)
    await fail(circuit, 2)
    await circuit.succeed(probe=False)
    assert (await fail(circuit, 2)).failures == 2


async def test_failures_are_forgotten_one_by_one_as_the_window_passes(make_circuit: Any) -> None:
    circuit = make_circuit(Rules(threshold=3, window_s=0.4, cooldown_s=9, probe_s=9))
    await fail(circuit)
    await asyncio.sleep(0.25)
    await fail(circuit)
    await asyncio.sleep(0.25)
    assert (await circuit.look()).failures == 1
    assert (await fail(circuit)).failures == 2


async def test_after_the_cooldown_one_question_tries_and_the_others_wait_for_it(make_circuit: Any) -> None:
    circuit = make_circuit(RULES)
    await fail(circuit, 3)
    await asyncio.sleep(0.45)
    assert (await circuit.look()).state == "half_open"
    assert sorted([(await circuit.admit()).state for _ in range(4)]) == ["open", "open", "open", "trying"]
    await circuit.succeed(probe=True)
    assert (await circuit.admit()).state == "closed"


async def test_a_probe_that_fails_opens_it_anew_and_one_that_tells_nothing_is_followed_by_another(
    make_circuit: Any,
) -> None:
    circuit = make_circuit(RULES)
    await fail(circuit, 3)
    await asyncio.sleep(0.45)
    assert (await circuit.admit()).state == "trying"
    await circuit.give_up()
    assert (await circuit.admit()).state == "trying"
    assert (await fail(circuit, probe=True)).opened
    assert (await circuit.admit()).state == "open"
    await asyncio.sleep(0.45)
    assert (await circuit.admit()).state == "trying"
    await asyncio.sleep(0.35)  # its worker has died
    assert (await circuit.admit()).state == "trying"


async def test_an_upstream_that_asks_for_a_pause_gets_it_at_the_first_failure(make_circuit: Any) -> None:
    circuit = make_circuit(RULES)
    assert (await fail(circuit, retry_after_s=30)).opened
    assert 29 < (await circuit.look()).wait_s <= 30
    assert not (await fail(circuit, retry_after_s=5)).opened
    assert 29 < (await circuit.look()).wait_s <= 30


async def test_a_probe_that_fails_rests_for_the_cooldown_however_short_a_pause_is_asked_for(make_circuit: Any) -> None:
    circuit = make_circuit(Rules(threshold=3, window_s=60, cooldown_s=60, probe_s=9))
    assert (await fail(circuit, retry_after_s=0.05)).wait_s < 1
    await asyncio.sleep(0.1)
    assert (await circuit.admit()).state == "trying"
    assert 59 < (await fail(circuit, probe=True, retry_after_s=0.05)).wait_s < 61
    assert 119 < (await fail(circuit, probe=True, retry_after_s=120)).wait_s < 121


@pytest.mark.parametrize("pauses", [(None, None, 1), (1, 1, 1)])
async def test_a_failure_that_asks_for_a_pause_counts_and_at_the_threshold_it_rests_for_the_cooldown(
    make_circuit: Any, pauses: tuple[float | None, ...]
) -> None:
    circuit = make_circuit(LONG)
    for pause in pauses[:-1]:
        assert (await fail(circuit, retry_after_s=pause)).wait_s < 2
    assert (await fail(circuit, retry_after_s=pauses[-1])).opened
    assert 59 < (await circuit.look()).wait_s <= 60
    assert 119 < (await fail(circuit, retry_after_s=120)).wait_s < 121


async def test_a_key_that_was_refused_a_day_ago_is_tried_again(
    make_circuit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.llm.circuit.KEPT_S", 1)
    circuit = make_circuit(LONG)
    await circuit.refuse_key()
    assert (await circuit.admit()).state == "key_refused"
    await asyncio.sleep(1.1)
    assert (await circuit.admit()).state == "closed"
    assert await circuit.refuse_key()


async def test_a_refused_key_takes_the_tier_out_and_is_news_once(make_circuit: Any) -> None:
    circuit = make_circuit(RULES)
    assert await circuit.refuse_key()
    assert not await circuit.refuse_key()
    assert (await circuit.admit()).state == "key_refused"
    await circuit.succeed(probe=True)
    assert (await circuit.look()).state == "key_refused"


async def test_of_many_workers_at_once_only_one_gets_the_probe(redis: Redis) -> None:
    name = next(names)
    workers = [SharedCircuit(redis, name, RULES) for _ in range(20)]
    await fail(workers[0], 3)
    await asyncio.sleep(0.45)
    states = [standing.state for standing in await asyncio.gather(*(worker.admit() for worker in workers))]
    assert states.count("trying") == 1


async def test_a_worker_that_knows_of_no_failure_asks_nobody(redis: Redis) -> None:
    breaker = Breaker(next(names), "a", redis, LONG)
    assert await breaker.admit() == Admission(clean=True)  # a new worker looks once
    before = (await redis.info("stats"))["total_commands_processed"]
    for _ in range(10):
        assert await breaker.admit() == Admission(clean=True)
        await breaker.speaks(Admission(clean=True))
        await breaker.answered(Admission(clean=True))
    assert (await redis.info("stats"))["total_commands_processed"] - before < 10  # others use this Redis too


async def test_an_answer_that_was_asked_for_after_a_failure_forgets_it_for_all(redis: Redis) -> None:
    name = next(names)
    ours, theirs = Breaker(name, "a", redis, LONG), Breaker(name, "a", redis, LONG)
    assert await ours.admit() == Admission(clean=True)
    await ours.failed(Admission(clean=True), BROKEN)
    await ours.answered(Admission(clean=True))  # which began before the failure
    assert await theirs.admit() == Admission()
    await theirs.answered(Admission())
    assert await ours.admit() == Admission(clean=True)


async def test_while_redis_is_away_each_worker_counts_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    breaker = Breaker("fast", "a", Redis.from_url("redis://127.0.0.1:1"), LONG)
    for _ in range(3):
        admission = await breaker.admit()
        assert admission is not None
        await breaker.failed(admission, BROKEN)
    assert await breaker.admit() is None
    assert await breaker.state() == "open"
    assert 59 < (await breaker.wait_s() or 0) <= 60
    assert caplog.text.count("Redis is away") == 1


async def test_a_wrong_key_is_said_loudly_once_and_until_the_configuration_changes(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    name = next(names)
    ours, theirs = (Breaker(name, fingerprint("http://a", "m", "wrong"), redis, LONG) for _ in range(2))
    for worker in (ours, theirs):
        await worker.failed(Admission(clean=True), TierFailure("refused", blame="key"))
        assert await worker.admit() is None
    loud = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(loud) == 1
    assert name in loud[0].getMessage()
    assert (await theirs.state(), await theirs.wait_s()) == ("key_refused", None)
    assert await Breaker(name, fingerprint("http://a", "m", "wrong"), redis, LONG).admit() is None
    assert await Breaker(name, fingerprint("http://a", "m", "right"), redis, LONG).admit() is not None


async def test_a_refused_access_is_a_failure_like_any_other_and_leaves_the_key_alone(redis: Redis) -> None:
    breaker = Breaker(next(names), "a", redis, LONG)
    states = []
    for _ in range(3):
        await breaker.failed(Admission(), TierFailure("refused", blame="access"))
        states.append(await breaker.state())
    assert states == ["closed", "closed", "open"]


async def test_what_one_question_brings_about_does_not_count(redis: Redis) -> None:
    breaker = Breaker(next(names), "a", redis, LONG)
    for _ in range(5):
        await breaker.failed(Admission(clean=True), TierFailure("refused", blame="question"))
    assert await breaker.admit() == Admission(clean=True)


def test_a_fingerprint_tells_configurations_apart_and_not_the_key() -> None:
    prints = {fingerprint(*parts) for parts in (("a", "m", "k"), ("a", "m", "l"), ("a", None, "k"), ("b", "m", "k"))}
    assert len(prints) == 4
    assert all(len(each) == 16 for each in prints)


async def test_content_of_redis_that_is_not_ours_is_as_if_redis_was_away(redis: Redis) -> None:
    name = next(names)
    await redis.set(f"footnote:tier:{{{name}:a}}:failures", "nonsense")
    breaker = Breaker(name, "a", redis, LONG)
    assert await breaker.admit() is not None
    await breaker.failed(Admission(), BROKEN)
    assert await breaker.admit() is not None


THRESHOLD, WINDOW_S = 3, 3.0  # on a slow machine three questions take a second or two


@pytest.mark.alone
async def test_two_workers_call_a_dead_tier_once_more_than_the_threshold_in_a_window_and_find_it_back(
    library: Settings,
) -> None:
    """One window long both are asked by turns; the tier fails, then it is well again."""
    async with ModelServer(fault="refuse_500") as server, AsyncExitStack() as stack:
        breaker = BreakerSettings(threshold=THRESHOLD, window_s=WINDOW_S, cooldown_s=WINDOW_S)
        cascade = library.cascade.model_copy(update={"breaker": breaker})
        settings = with_model(library, server.base_url).model_copy(update={"cascade": cascade})
        workers = [await stack.enter_async_context(running(settings)) for _ in range(2)]
        visitors = [await stack.enter_async_context(Visitor(address)) for address in workers]
        outcomes: list[str] = []
        calls: list[float] = []
        begun = time.monotonic()
        for visitor in itertools.cycle(visitors):
            before = len(server.requests)
            done = (await visitor.ask()).checked().last.json
            calls += [time.monotonic()] * (len(server.requests) - before)
            outcomes.append(done["tiers_tried"][0]["outcome"])
            assert done["cascade_tier"] == "extractive"
            if time.monotonic() - begun > 2.2 * WINDOW_S:
                break
        most = max(sum(first <= call < first + WINDOW_S for call in calls) for first in calls)
        assert THRESHOLD <= most <= THRESHOLD + 1
        assert set(outcomes) == {"refused", "skipped"}
        ready = (await visitors[0].get("/health/ready")).json()
        assert ready["dependencies"]["tier fast"] in ("left out, as it fails", "about to be tried again")
        server.fault = None
        well = time.monotonic()
        for visitor in itertools.cycle(visitors):
            if (await visitor.ask()).checked().last.json["cascade_tier"] == "fast":
                break
            await asyncio.sleep(0.02)
        assert time.monotonic() - well < WINDOW_S + 1
        assert all([(await visitor.ask()).last.json["cascade_tier"] == "fast" for visitor in visitors])
