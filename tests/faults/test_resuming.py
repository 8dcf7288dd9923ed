"""Readers whose connection breaks, again and again, on two services: nothing is lost and nothing is there twice."""

import asyncio
import random
import time
import uuid
from collections.abc import Iterator

import pytest

from backend.settings import Settings
from tests.faults.conftest import ROUNDS, two_services
from tests.model_server import ModelServer
from tests.served import Served
from tests.service import QUESTION, Visitor
from tests.sse import Dispatched, check_stream, text_of

pytestmark = pytest.mark.alone

TOKENS = 200
ANSWER = " ".join(f"w{number}" for number in range(TOKENS - 1)) + " [1]."
FRAMES = TOKENS + 2
# `make test` takes some of the frames, `make faults` all of them.
CUTS = range(1, FRAMES + 1) if ROUNDS > 1 else (1, 2, 3, 77, FRAMES - 2, FRAMES - 1, FRAMES)
AT_ONCE = 8


@pytest.fixture(scope="module")
def services(library: Settings, model: ModelServer) -> Iterator[tuple[Served, Served]]:
    with two_services(library, model) as both:
        yield both


async def read_with_cuts(services: tuple[Served, Served], first_cut: int) -> None:
    """Reads one answer over four connections, by turns on both services; the first breaks after so many frames."""
    chance = random.Random(first_cut)
    addresses = [service.address for service in services]
    chance.shuffle(addresses)
    async with Visitor(addresses[0]) as visitor:
        asked = await visitor.ask(stop_after=first_cut)
        events = asked.events[:first_cut]
        for connection in (1, 2, 3):
            if events[-1].event == "done":
                break
            stop_after = chance.randint(1, 80) if connection < 3 else None
            async with Visitor(addresses[connection % 2], visitor.token) as again:
                answer = await again.follow(asked.run_id, after=int(events[-1].id), stop_after=stop_after)
            events += answer.events[:stop_after]
        check_stream(events)
        saved = (await visitor.messages(asked.conversation_id))[1]
        assert text_of(events) == saved["content"] == ANSWER, first_cut


async def test_an_answer_that_is_cut_at_any_frame_is_whole_after_three_reconnects(
    services: tuple[Served, Served], model: ModelServer
) -> None:
    model.answer, model.tokens_per_s = ANSWER, 150
    places = asyncio.Semaphore(AT_ONCE)

    async def one(cut: int) -> None:
        async with places:
            await read_with_cuts(services, cut)

    async with asyncio.TaskGroup() as group:
        for cut in CUTS:
            group.create_task(one(cut))


async def test_tabs_on_both_services_see_the_same_and_a_stop_on_either_ends_them_within_a_second(
    services: tuple[Served, Served], model: ModelServer
) -> None:
    model.answer, model.tokens_per_s = ANSWER * 10, 50
    ended: list[tuple[float, list[Dispatched]]] = []
    async with Visitor(services[0].address) as visitor:
        asked = await visitor.ask(stop_after=2)

        async def watch(service: Served) -> None:
            async with Visitor(service.address, visitor.token) as tab:
                answer = await tab.follow(asked.run_id)
            ended.append((time.monotonic(), answer.checked().events))

        async with Visitor(services[1].address, visitor.token) as elsewhere, asyncio.TaskGroup() as tabs:
            for service in services:
                tabs.create_task(watch(service))
            await elsewhere.follow(asked.run_id, stop_after=20)
            assert (await elsewhere.post(f"/api/v1/chat/runs/{asked.run_id}/stop")).status_code == 202
            stopped = time.monotonic()
        (one, here), (two, there) = ended
        assert here == there
        assert here[-1].json["finish_reason"] == "stopped"
        assert max(one, two) - stopped < 1


async def test_fifty_questions_with_one_key_on_two_services_ask_the_model_once(
    services: tuple[Served, Served], model: ModelServer
) -> None:
    model.answer = ANSWER
    key = str(uuid.uuid4())
    async with Visitor(services[0].address) as one:
        await one.ask()
        model.requests.clear()
        async with Visitor(services[1].address, one.token) as two:
            answers = await asyncio.gather(*((one, two)[number % 2].ask(QUESTION, key=key) for number in range(50)))
    assert len({answer.run_id for answer in answers}) == 1
    assert {answer.checked().text for answer in answers} == {ANSWER}
    assert len(model.requests) == 1
