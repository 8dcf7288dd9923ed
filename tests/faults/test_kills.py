"""Whatever is killed in the middle of an answer: what was acknowledged is there after the restart."""

import asyncio
import random
import signal
import time

import httpx
import psutil
import pytest

from tests.faults.conftest import ROUNDS
from tests.model_server import ModelServer
from tests.served import Served
from tests.service import QUESTION, Answer, Visitor
from tests.sse import Reader

pytestmark = pytest.mark.alone

WORDS = " ".join(f"word{number}" for number in range(120)) + " [1]."
SEEDS = range(ROUNDS)


async def read_until_cut(visitor: Visitor, served: Served, kill_after: int, kill: object) -> Answer:
    """Asks, kills after some events, and reads on as far as the stream still goes."""
    reader = Reader()
    async with visitor.http.stream(
        "POST", "/api/v1/chat", json={"query": QUESTION}, headers=visitor.headers
    ) as response:
        visitor.token = response.headers.get("x-visitor-token", visitor.token)
        answer = Answer(response)
        killed = False
        try:
            async for chunk in response.aiter_raw():
                answer.events += reader.feed(chunk)
                if not killed and len(answer.events) >= kill_after:
                    killed = True
                    kill()  # type: ignore[operator]
        except httpx.HTTPError:
            pass
    return answer


async def start(served: Served) -> None:
    await asyncio.to_thread(served.start)


async def end(served: Served, how: signal.Signals = signal.SIGTERM) -> int:
    return await asyncio.to_thread(served.end, how)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_killed_service_finds_every_acknowledged_turn_again(
    served: Served, model: ModelServer, seed: int
) -> None:
    await start(served)
    async with Visitor(served.address) as visitor:
        complete = (await visitor.ask()).checked()
        model.answer, model.tokens_per_s = WORDS, 100
        kill_after = random.Random(seed).randint(1, 100)
        cut = await read_until_cut(visitor, served, kill_after, lambda: served.process and served.process.kill())
        assert served.process is not None
        await asyncio.to_thread(served.process.wait)
        assert cut.events[-1].event != "done"
        await start(served)
        whole = await visitor.messages(complete.conversation_id)
        assert [message["status"] for message in whole] == ["complete", "complete"]
        assert whole[1]["content"] == complete.text
        question, *answers = await visitor.messages(cut.conversation_id)
        assert question["content"] == QUESTION
        assert [message["status"] for message in answers] == ["interrupted"]
        assert WORDS.startswith(answers[0]["content"])
        # The journal is written in batches: the last few hundredths of a second may be missing.
        assert len(answers[0]["content"]) >= len(cut.text) - 100
        followed = await visitor.follow(cut.run_id)
        assert (followed.checked().last.event, followed.text) == ("error", answers[0]["content"])
        model.tokens_per_s = None
        again = await visitor.ask("And for a podcast?", conversation_id=cut.conversation_id)
        assert again.checked().last.event == "done"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("engine", ["postgres", "redis-server", "host"])
async def test_an_engine_that_is_killed_in_the_middle_of_an_answer_comes_back_and_nothing_is_lost(
    served: Served, model: ModelServer, engine: str, seed: int
) -> None:
    await start(served)
    model.answer, model.tokens_per_s = WORDS, 100
    async with Visitor(served.address) as visitor:
        kill_after = random.Random(seed).randint(1, 100)
        answer = await read_until_cut(visitor, served, kill_after, lambda: served.engine(engine).kill())
        assert answer.checked().last.event == "done"
        assert answer.text == WORDS
        await end(served)
        await start(served)
        question, reply = await visitor.messages(answer.conversation_id)
        assert (question["content"], reply["content"], reply["status"]) == (QUESTION, WORDS, "complete")


async def test_a_service_that_is_told_to_end_ends_its_streams_properly_and_every_child(
    served: Served, model: ModelServer
) -> None:
    await start(served)
    model.answer, model.tokens_per_s = WORDS * 3, 50
    async with Visitor(served.address) as visitor:
        sent = time.monotonic()

        def terminate() -> None:
            nonlocal sent
            sent = time.monotonic()
            assert served.process is not None
            served.process.terminate()

        answer = await read_until_cut(visitor, served, 10, terminate)
        assert answer.checked().last.event == "error"
        assert answer.last.json["retryable"] is True
        assert served.process is not None
        await asyncio.to_thread(served.process.wait, 10)
        assert time.monotonic() - sent < 0.5 + 5
        assert served.engines() == []
        await start(served)
        reply = (await visitor.messages(answer.conversation_id))[1]
        assert (reply["status"], reply["content"]) == ("interrupted", answer.text)


async def test_a_service_that_ends_while_the_database_hangs_still_ends_its_streams(
    served: Served, model: ModelServer
) -> None:
    await start(served)
    model.answer, model.tokens_per_s = WORDS * 3, 50
    hanging: list[psutil.Process] = []

    def hang_and_terminate() -> None:
        postmaster = served.engine("postgres")
        hanging.extend([postmaster, *postmaster.children()])
        for process in hanging:
            process.suspend()
        assert served.process is not None
        served.process.terminate()

    try:
        async with Visitor(served.address) as visitor:
            answer = await read_until_cut(visitor, served, 10, hang_and_terminate)
        assert answer.checked().last.event == "error"
        assert answer.last.json["retryable"] is True
        assert "message_id" not in answer.last.json
    finally:
        for process in hanging:
            process.resume()
    assert served.process is not None
    await asyncio.to_thread(served.process.wait, 20)


async def test_ctrl_c_ends_the_service_and_every_child(served: Served) -> None:
    await start(served)
    assert {process.name() for process in served.engines()} >= {"postgres", "redis-server"}
    assert await end(served, signal.SIGINT) == 0
    assert served.engines() == []


async def test_a_killed_service_leaves_no_engine_behind(served: Served) -> None:
    await start(served)
    await end(served, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while served.engines() and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    assert served.engines() == []
