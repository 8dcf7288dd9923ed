"""A service that ends or dies in the middle of twenty answers, beside another: no turn is lost, nobody left alone."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import httpx
import psutil
import pytest

from backend.settings import Settings
from tests.faults.conftest import ROUNDS, two_services
from tests.faults.stores import serving, started
from tests.model_server import ModelServer
from tests.served import Served
from tests.service import QUESTION, Visitor
from tests.sse import Dispatched, Reader, text_of

pytestmark = pytest.mark.alone

STREAMS = 20
DRAIN_S = 0.5
LATER_S = 2  # the process is gone at most so much after the drain time
# One of each in `make test`; fifty and twenty in `make faults`.
SIGTERMS = 1 if ROUNDS == 1 else 5 * ROUNDS
KILLS = 1 if ROUNDS == 1 else 2 * ROUNDS
ANSWER = " ".join(f"word{number}" for number in range(400)) + " [1]."


@pytest.fixture(scope="module")
def services(library: Settings, model: ModelServer) -> Iterator[tuple[Served, Served]]:
    """The first is ended by the tests, the second stays."""
    with two_services(library, model, FOOTNOTE_SERVER__DRAIN_S=str(DRAIN_S)) as both:
        yield both


@dataclass
class Reading:
    """What a reader has of a run, and whether its connection ended as a stream should."""

    run_id: str
    conversation_id: str
    events: list[Dispatched]
    broken: bool = False

    @property
    def terminal(self) -> bool:
        return self.events[-1].event in ("done", "error")


async def read(visitor: Visitor, readings: list[Reading]) -> None:
    """Asks, and reads for as long as there is something."""
    reader = Reader()
    request = visitor.http.stream("POST", "/api/v1/chat", json={"query": QUESTION}, headers=visitor.headers)
    async with request as response:
        reading = Reading(response.headers["x-run-id"], response.headers["x-conversation-id"], [])
        readings.append(reading)
        try:
            async for chunk in response.aiter_raw():
                reading.events += reader.feed(chunk)
        except httpx.HTTPError:
            reading.broken = True


async def all_reading(readings: list[Reading]) -> None:
    """Returns once every stream has begun to carry text."""
    async with asyncio.timeout(20):
        while len(readings) < STREAMS or any(len(reading.events) < 3 for reading in readings):
            await asyncio.sleep(0.02)


async def end_in_the_middle(
    services: tuple[Served, Served], model: ModelServer, visitor: Visitor, elsewhere: Visitor, how: str
) -> tuple[list[Reading], list[list[Dispatched]], float]:
    """Twenty answers, half of them followed on the other service too, when the first one ends; what was read here and
    there, and how long the process took."""
    model.answer, model.tokens_per_s = ANSWER, 40
    readings: list[Reading] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(STREAMS):
            group.create_task(read(visitor, readings))
        await all_reading(readings)
        followers = [group.create_task(elsewhere.follow(reading.run_id)) for reading in readings[: STREAMS // 2]]
        await asyncio.sleep(0.2)
        process = services[0].process
        assert process is not None
        started = time.monotonic()
        getattr(process, how)()
        await asyncio.to_thread(process.wait, 30)
        took = time.monotonic() - started
    return readings, [follower.result().checked().events for follower in followers], took


@contextlib.asynccontextmanager
async def visitors(services: tuple[Served, Served]) -> AsyncIterator[tuple[Visitor, Visitor]]:
    """One visitor at both services. The first service is up."""
    if services[0].process is None or services[0].process.poll() is not None:
        await asyncio.to_thread(services[0].start)
    async with Visitor(services[0].address) as visitor:
        await visitor.ask()
        async with Visitor(services[1].address, visitor.token) as elsewhere:
            yield visitor, elsewhere


@pytest.mark.parametrize("number", range(SIGTERMS))
async def test_twenty_answers_end_saved_and_told_when_their_service_is_told_to_end(
    services: tuple[Served, Served], model: ModelServer, number: int
) -> None:
    async with visitors(services) as (visitor, elsewhere):
        readings, followed, took = await end_in_the_middle(services, model, visitor, elsewhere, "terminate")
        assert took < DRAIN_S + LATER_S
        for reading in readings:
            last = reading.events[-1]
            assert (reading.broken, last.event, last.json["retryable"]) == (False, "error", True)
            question, answer = await elsewhere.messages(reading.conversation_id)
            assert question["content"] == QUESTION
            assert (answer["status"], answer["content"]) == ("interrupted", text_of(reading.events))
            assert answer["id"] == last.json["message_id"]
        for reading, events in zip(readings, followed, strict=False):
            assert events == reading.events


@pytest.mark.parametrize("number", range(KILLS))
async def test_twenty_answers_whose_service_is_killed_are_ended_by_the_other_one(
    services: tuple[Served, Served], model: ModelServer, number: int
) -> None:
    async with visitors(services) as (visitor, elsewhere):
        readings, followed, _ = await end_in_the_middle(services, model, visitor, elsewhere, "kill")
        for reading in readings:
            assert reading.broken
            assert not reading.terminal
            rest = await elsewhere.follow(reading.run_id, after=int(reading.events[-1].id))
            assert (rest.last.event, rest.last.json["retryable"]) == ("error", True)
            question, answer = await elsewhere.messages(reading.conversation_id)
            assert question["content"] == QUESTION
            assert (answer["status"], answer["content"]) == ("interrupted", text_of(reading.events + rest.events))
            assert ANSWER.startswith(answer["content"])
            # The journal is written in batches: what was read in the last few hundredths of a second may be missing.
            assert len(answer["content"]) >= len(text_of(reading.events)) - 100
        for reading, events in zip(readings, followed, strict=False):
            assert events[-1].event == "error"
            assert text_of(events) == (await elsewhere.messages(reading.conversation_id))[1]["content"]


async def test_a_reader_whose_service_ends_before_the_run_of_another_goes_on_there(
    services: tuple[Served, Served], model: ModelServer
) -> None:
    async with visitors(services) as (follower, asker):
        whole = ANSWER[: ANSWER.index(" word250")]
        model.answer, model.tokens_per_s = whole, 100
        asked = await asker.ask(stop_after=3)
        reader = Reader()
        events: list[Dispatched] = []
        path = f"/api/v1/chat/runs/{asked.run_id}/events"
        broken = False
        async with follower.http.stream("GET", path, headers=follower.headers) as response:
            try:
                async for chunk in response.aiter_raw():
                    if not events:
                        assert services[0].process is not None
                        services[0].process.terminate()
                    events += reader.feed(chunk)
            except httpx.HTTPError:
                broken = True
        # Not an end that a client could take for the end of the answer.
        assert broken
        assert events[-1].event == "token"
        rest = await asker.follow(asked.run_id, after=int(events[-1].id))
        assert rest.last.event == "done"
        assert text_of(events + rest.events) == whole


@contextlib.contextmanager
def hanging(postmaster: psutil.Process) -> Iterator[None]:
    """Postgres does not answer any more, and no connection to it ends."""
    processes = [postmaster, *postmaster.children()]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


# What an answer takes of a budget is counted in the database too.
@pytest.mark.parametrize("budget", [{}, {"FOOTNOTE_BUDGETS__SITE__TOKENS": "1000000"}])
async def test_an_answer_that_waits_for_a_database_that_hangs_when_its_service_ends_is_told_to_be_lost_in_time(
    library: Settings, model: ModelServer, budget: dict[str, str]
) -> None:
    ending = serving(library, model, FOOTNOTE_SERVER__DRAIN_S=str(DRAIN_S), **budget)
    async with started(library, ending) as service, Visitor(service.address) as visitor:
        # So that there are connections to close.
        await asyncio.gather(*(visitor.get("/api/v1/conversations") for _ in range(5)))
        model.answer, model.tokens_per_s = "word " * 10, 20
        asking = asyncio.create_task(visitor.ask())
        await model.stream_open()
        with hanging(service.engine("postgres")):
            assert await model.no_stream_open(10)
            await asyncio.sleep(0.5)
            assert service.process is not None
            told = time.monotonic()
            service.process.terminate()
            await asyncio.to_thread(service.process.wait, 60)
            took = time.monotonic() - told
            last = (await asking).checked().last
        assert (last.event, last.json["retryable"]) == ("error", True)
        assert took < DRAIN_S + LATER_S
