"""Every fault of an upstream, through the whole service: as its only tier, as the first of three, and as the last."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import psutil
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from backend.database import open_database
from backend.settings import Settings
from backend.settings_tiers import BreakerSettings, OpenAITierSettings
from tests.model_faults import CANARY, FAULTS, Fault, nobody_accepting, nobody_listening
from tests.model_server import Chunking, ModelServer, RecordedRequest
from tests.service import QUESTION, Answer, Visitor, running

pytestmark = pytest.mark.alone

CONNECT_S, SILENT_S, TOTAL_S, GRACE_S = 0.6, 1.0, 2.0, 0.5
AT_ONCE = 8
MOST_MIB = 50
POSITIONS = {"only": ["faulty"], "first": ["faulty", "healthy", "extractive"], "last": ["away", "gone", "faulty"]}
# After these the tier is left out, so they come one by one, and the breaker is told to forget them.
KEEPING_OUT: tuple[Fault, ...] = (
    "refuse_401", "refuse_429", "refuse_429_date", "refuse_429_absurd", "refuse_503",
)  # fmt: skip
WHOLE: tuple[Fault, ...] = ("hang_after_finish", "finish_twice")
OTHERS = [fault for fault in FAULTS if fault not in KEEPING_OUT]
NUMBER = re.compile(r"#(\d+)\s*</question>")


def tier(base_url: str) -> OpenAITierSettings:
    return OpenAITierSettings(
        kind="openai",
        base_url=base_url,
        model="test",
        connect_timeout_s=CONNECT_S,
        first_token_timeout_s=SILENT_S,
        idle_timeout_s=SILENT_S,
        total_timeout_s=TOTAL_S,
        max_response_bytes=100_000,  # which an endless answer has before it has its 800 tokens
        max_line_bytes=65_536,
    )


def settings_with(library: Settings, order: list[str], **tiers: str) -> Settings:
    """The library's settings with tiers at these addresses, and a breaker that only what is meant for it opens."""
    sections = {name: tier(base_url) for name, base_url in tiers.items()}
    breaker = BreakerSettings(threshold=1_000_000, window_s=30, cooldown_s=30)
    cascade = library.cascade.model_copy(update={"order": tuple(order), "breaker": breaker})
    return library.model_copy(update={"tiers": {**library.tiers, **sections}, "cascade": cascade})


class FaultyServer(ModelServer):
    """Fails in the way that the question names by its number, and knows when it was asked."""

    def __init__(self) -> None:
        super().__init__(fault=self.fault_of)
        self.asked_at: dict[str, float] = {}

    def fault_of(self, request: RecordedRequest) -> Fault | None:
        number = NUMBER.search(request.prompt)
        self.asked_at[request.body["messages"][-1]["content"]] = time.monotonic()
        return FAULTS[int(number[1])] if number else None


class Services:
    """One service for each position of the faulty tier."""

    def __init__(self, addresses: dict[str, str], faulty: FaultyServer, redis: Redis) -> None:
        self.addresses = addresses
        self.faulty = faulty
        self._redis = redis

    async def forget(self) -> None:
        """What breakers know."""
        keys = [key async for key in self._redis.scan_iter("footnote:tier:*")]
        if keys:
            await self._redis.delete(*keys)

    async def fail(self, position: str, fault: Fault) -> tuple[Answer, str]:
        """Asks a question that fails in this way; the answer, and what is wrong with it."""
        async with Visitor(self.addresses[position]) as visitor:
            asked = f"{QUESTION} #{FAULTS.index(fault)}"
            begun = time.monotonic()
            answer = await visitor.ask(asked)
            ended = time.monotonic()
            answer.checked()
            saved = await visitor.messages(answer.conversation_id)
        began = [moment for prompt, moment in self.faulty.asked_at.items() if asked in prompt and moment >= begun]
        wrong = []
        if ended - max(began) > TOTAL_S + GRACE_S:
            wrong.append(f"took {ended - max(began):.2f} s")
        if saved[1]["content"] != answer.text:
            wrong.append(f"saved {saved[1]['content']!r} and delivered {answer.text!r}")
        if saved[1]["status"] != expected_status(position, fault, answer):
            wrong.append(f"is {saved[1]['status']}")
        if CANARY.encode() in answer.raw:
            wrong.append("tells what the upstream said")
        return answer, "; ".join(wrong) and f"{position}: {'; '.join(wrong)}"

    async def is_healthy(self, position: str) -> str:
        """What is wrong with the next question."""
        async with Visitor(self.addresses[position]) as visitor:
            done = (await visitor.ask()).checked().last.json
        return "" if done.get("cascade_tier") == "faulty" else f"{position}: the next question got {done}"


def expected_status(position: str, fault: Fault, answer: Answer) -> str:
    if position == "first" or fault in WHOLE:
        return "complete"
    return "interrupted" if answer.text else "failed"


@pytest.fixture
async def services(library: Settings) -> AsyncIterator[Services]:
    with nobody_listening() as away, nobody_listening() as gone:
        async with AsyncExitStack() as stack:
            faulty = await stack.enter_async_context(FaultyServer())
            healthy = await stack.enter_async_context(ModelServer())
            urls = {"faulty": faulty.base_url, "healthy": healthy.base_url, "away": away, "gone": gone}
            addresses = {
                position: await stack.enter_async_context(running(settings_with(library, order, **urls)))
                for position, order in POSITIONS.items()
            }
            redis = Redis.from_url(library.redis.url)
            stack.push_async_callback(redis.aclose)
            yield Services(addresses, faulty, redis)


async def test_every_fault_ends_in_one_terminal_event_in_time_and_leaves_the_service_healthy(
    services: Services, library: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "backend")
    for position in POSITIONS:
        assert await services.is_healthy(position) == ""
    memory = psutil.Process().memory_info().rss
    wrong: list[str] = []
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(position: str, fault: Fault) -> None:
        async with slots:
            problem = (await services.fail(position, fault))[1] or await services.is_healthy(position)
        if problem:
            wrong.append(f"{fault}: {problem}")

    await asyncio.gather(*(one(position, fault) for fault in OTHERS for position in POSITIONS))
    assert wrong == []
    assert await services.faulty.no_stream_open()
    assert (psutil.Process().memory_info().rss - memory) / (1 << 20) < MOST_MIB
    assert CANARY not in caplog.text
    assert await rows_with(library, CANARY) == 0
    assert await rows_with(library, QUESTION) > 0


@pytest.mark.parametrize("fault", KEEPING_OUT)
async def test_a_refusal_that_keeps_a_tier_out_is_heeded_until_it_is_forgotten(
    fault: Fault, services: Services, library: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "backend")
    for position in POSITIONS:
        await services.forget()
        answer, wrong = await services.fail(position, fault)
        assert wrong == ""
        assert ("cascade_tier" in answer.last.json) == (position == "first")
        asked = len(services.faulty.requests)
        async with Visitor(services.addresses[position]) as visitor:
            after = (await visitor.ask()).checked().last.json
            ready = await visitor.get("/health/ready")
        said = "left out, as it refuses its key" if fault == "refuse_401" else "left out, as it fails"
        assert ready.json()["dependencies"]["tier faulty"] == said
        assert ready.status_code == (503 if position == "only" else 200)
        assert len(services.faulty.requests) == asked
        if position == "first":
            assert [tried["outcome"] for tried in after["tiers_tried"]] == ["skipped", "answered"]
        else:
            assert after["code"] == "unavailable"
        await services.forget()
        assert await services.is_healthy(position) == ""
    assert CANARY not in caplog.text
    assert await rows_with(library, CANARY) == 0


@pytest.mark.parametrize("where", [nobody_listening, nobody_accepting])
async def test_an_upstream_that_cannot_be_reached_is_passed_over_in_time(library: Settings, where: Any) -> None:
    async with ModelServer() as healthy:
        with where() as base_url, nobody_listening() as away:
            for position, order in POSITIONS.items():
                urls = {"faulty": base_url, "healthy": healthy.base_url, "away": away, "gone": away}
                async with running(settings_with(library, order, **urls)) as address, Visitor(address) as visitor:
                    begun = time.monotonic()
                    answer = (await visitor.ask()).checked()
                    assert time.monotonic() - begun < CONNECT_S + GRACE_S + 1  # to begin with, nothing is warm
                    assert answer.last.event == ("done" if position == "first" else "error")
                    saved = await visitor.messages(answer.conversation_id)
                    assert saved[1]["content"] == answer.text


@pytest.mark.parametrize(("chunking", "line_ending"), [("byte", "\n"), ("token", "\r"), ("byte", "\r\n")])
async def test_a_stream_that_is_only_unusual_is_an_answer(
    library: Settings, chunking: Chunking, line_ending: str
) -> None:
    said = "Naïve 👩‍🚀\u2028and loud [1]."
    async with ModelServer(said, chunking, line_ending=line_ending) as server:
        settings = settings_with(library, ["faulty"], faulty=server.base_url)
        async with running(settings) as address, Visitor(address) as visitor:
            answer = (await visitor.ask()).checked()
    assert (answer.text, answer.last.json["finish_reason"]) == (said, "stop")


async def rows_with(settings: Settings, words: str) -> int:
    """How many rows of the whole database hold these words in any column."""
    engine = open_database(settings.database.url, pool_size=1)
    tables = "select table_name from information_schema.tables where table_schema = 'public'"
    try:
        async with engine.connect() as connection:
            names = (await connection.execute(text(tables))).scalars().all()
            found = 0
            for name in names:
                statement = text(f'select count(*) from "{name}" as row where row::text like :words')
                found += (await connection.execute(statement, {"words": f"%{words}%"})).scalar_one()
            return found
    finally:
        await engine.dispose()
