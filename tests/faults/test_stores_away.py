"""Redis and Postgres killed, silent, slow or scarce: questions are answered, and what is said to be saved is."""

import asyncio
import os
import signal
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.absence import ALONE_S
from backend.conversations.cached import key
from backend.settings import Settings
from tests.faults.conftest import ROUNDS
from tests.faults.stores import ITS_OWN, ROLE, rows_of, serving, socket_of, started
from tests.link import Link
from tests.model_server import ModelServer
from tests.served import Served
from tests.service import QUESTION, Answer, Visitor

pytestmark = pytest.mark.alone

SLOWER_S = 0.25
FORGOTTEN_S = ALONE_S + 0.05  # so much later nobody goes by what was learnt of Redis with the last question
BACK_WITHIN_S = 5.0
SLOW_S = 0.05  # a slow Redis takes so long for everything it says
VISITORS = 10
STREAMS = 50
ENDING = 20  # streams that end while Postgres dies
POOL = 5


@pytest.fixture(scope="module")
async def service(library: Settings, model: ModelServer) -> AsyncIterator[Served]:
    """The service with a pool of five connections to the database."""
    async with started(library, serving(library, model, FOOTNOTE_DATABASE__POOL_SIZE=str(POOL))) as running:
        yield running


@dataclass
class Asked:
    """How long answers took, in seconds: to one who asks now and then, and to many; and how many were none."""

    alone: list[float] = field(default_factory=list)
    crowd: list[float] = field(default_factory=list)
    failed: int = 0

    async def ask(self, visitor: Visitor, conversation_id: str, durations: list[float], after_s: float = 0) -> None:
        """One question; it is answered where the stream ends with `done`."""
        await asyncio.sleep(after_s)
        asked = time.monotonic()
        try:
            answer = await visitor.ask(conversation_id=conversation_id)
        except httpx.HTTPError:
            self.failed += 1
            return
        if answer.events and answer.last.event == "done":
            durations.append(time.monotonic() - asked)
        else:
            self.failed += 1

    @property
    def share(self) -> float:
        answered = len(self.alone) + len(self.crowd)
        return answered / (answered + self.failed)


async def ask_alone_and_together(visitors: list[tuple[Visitor, str]], pause_s: float) -> Asked:
    """The first of them asks several times, with pauses; then all ask within a second, several times. All go on with
    their conversations, whose history is in Redis."""
    asked = Asked()
    for _ in range(2 * ROUNDS):
        await asked.ask(*visitors[0], asked.alone)
        await asyncio.sleep(pause_s)
    for _ in range(2 * ROUNDS):
        arriving = (asked.ask(*visitor, asked.crowd, number / len(visitors)) for number, visitor in enumerate(visitors))
        await asyncio.gather(*arriving)
    return asked


@asynccontextmanager
async def crowd(address: str) -> AsyncIterator[list[tuple[Visitor, str]]]:
    """Visitors who have begun a conversation each."""
    async with AsyncExitStack() as stack:
        visitors = [await stack.enter_async_context(Visitor(address)) for _ in range(VISITORS)]
        answers = await asyncio.gather(*(visitor.ask() for visitor in visitors))
        yield list(zip(visitors, (answer.conversation_id for answer in answers), strict=True))


def compare(how: str, before: Asked, away: Asked) -> None:
    """What the issue wants of questions while Redis is away."""
    for name in ("alone", "crowd"):
        was, now = (statistics.median(getattr(asked, name)) for asked in (before, away))
        worst = max(getattr(away, name))
        print(f"\nRedis {how}, {name}: {away.share:.1%} answered, median {was:.3f} -> {now:.3f} s, worst {worst:.3f} s")
        assert now - was <= SLOWER_S
    assert away.share >= 0.99


async def seconds_until(done: Callable[[], Awaitable[bool]]) -> float:
    """How long it takes."""
    started_at = time.monotonic()
    while not await done():
        assert time.monotonic() - started_at < 30
        await asyncio.sleep(0.05)
    return time.monotonic() - started_at


async def test_questions_are_answered_as_fast_while_redis_is_dead_or_silent_and_it_is_used_again_when_it_is_back(
    library: Settings, service: Served
) -> None:
    redis = Redis.from_url(library.redis.url, socket_timeout=1)

    async def answers() -> bool:
        with suppress(RedisError):
            return bool(await redis.ping())
        return False

    async with crowd(service.address) as visitors:
        visitor, conversation_id = visitors[0]

        async def keeps_histories() -> bool:
            await redis.delete(key(conversation_id))  # type: ignore[arg-type]
            await visitor.ask(conversation_id=conversation_id)
            await asyncio.sleep(0.05)  # it is written behind the last frame
            return bool(await redis.exists(key(conversation_id)))  # type: ignore[arg-type]

        before = await ask_alone_and_together(visitors, pause_s=0)
        for how in ("silent", "dead"):
            host, server = service.engine("host"), service.engine("redis-server")
            if how == "silent":
                server.suspend()
            else:
                host.suspend()  # it would start it again
                server.kill()
            try:
                away = await ask_alone_and_together(visitors, FORGOTTEN_S)
            finally:
                server.resume() if how == "silent" else host.resume()
            compare(how, before, away)
            await seconds_until(answers)
            back = await seconds_until(keeps_histories)
            print(f"Redis {how}: used again {back:.1f} s after it was back")
            assert back <= BACK_WITHIN_S
    await redis.aclose()


async def test_a_slow_redis_slows_an_answer_by_a_quarter_of_a_second_at_most(
    library: Settings, model: ModelServer
) -> None:
    async with Link(socket_of(library.redis.url)) as link:
        linked = serving(library, model, FOOTNOTE_REDIS__URL=f"unix://{link.socket}")
        async with started(library, linked) as service, crowd(service.address) as visitors:
            before = await ask_alone_and_together(visitors, pause_s=0)
            link.delay_s = SLOW_S
            compare("slow", before, await ask_alone_and_together(visitors, FORGOTTEN_S))


async def test_fifty_streams_leave_a_pool_of_five_free_while_the_model_talks(
    library: Settings, service: Served, model: ModelServer
) -> None:
    model.answer, model.tokens_per_s = "word " * 40, 10
    async with AsyncExitStack() as stack:
        visitors = [await stack.enter_async_context(Visitor(service.address)) for _ in range(STREAMS + 1)]
        rows = await stack.enter_async_context(rows_of(library))
        asking = [asyncio.create_task(visitor.ask()) for visitor in visitors[:STREAMS]]
        while model.open_streams < STREAMS:
            assert not any(task.done() for task in asking)
            await asyncio.sleep(0.02)
        seen = await rows.read(f"SELECT state FROM pg_stat_activity WHERE {ITS_OWN}")
        assert 1 <= len(seen) <= POOL
        for _ in range(20):  # a heartbeat or a look at the clock may be under way at one moment
            in_use = await rows.read(f"SELECT pid FROM pg_stat_activity WHERE state <> 'idle' AND {ITS_OWN}")
            assert len(in_use) <= 1
            await asyncio.sleep(0.02)
        listed = await asyncio.wait_for(visitors[STREAMS].get("/api/v1/conversations"), 1)
        assert listed.status_code == 200
        assert model.open_streams == STREAMS  # all that was while they were talking
        answers: list[Answer] = await asyncio.gather(*asking)
        assert {answer.checked().last.event for answer in answers} == {"done"}


SAVED = """
    SELECT messages.content, messages.status, runs.state
    FROM messages JOIN runs ON runs.message_id = messages.id WHERE messages.id = CAST(:id AS uuid)
"""

HELD = "SELECT id FROM conversations WHERE id = CAST(:id AS uuid) FOR UPDATE"


async def check_saved(library: Settings, answer: Answer) -> None:
    """`done` is true: the row is there, once, and says what the reader has."""
    assert answer.checked().last.event == "done"
    async with rows_of(library) as rows:
        saved = await rows.read(SAVED, id=answer.last.json["message_id"])
    assert [tuple(row) for row in saved] == [(answer.text, "complete", "ended")]


async def answered_again(service: Served) -> bool:
    async with Visitor(service.address) as visitor:
        answer = await visitor.ask()
        return answer.response.status_code == 200 and answer.last.event == "done"


@pytest.mark.parametrize("moment", ["before", "during"])
async def test_a_postgres_that_is_killed_before_or_during_a_commit_loses_no_answer_and_is_back_within_seconds(
    library: Settings, service: Served, model: ModelServer, moment: str
) -> None:
    model.answer, model.tokens_per_s = "word " * 20, 40
    for _ in range(ROUNDS):
        async with Visitor(service.address) as visitor, rows_of(library) as rows, rows_of(library) as watching:
            began = await visitor.ask(stop_after=1)
            asking = asyncio.create_task(visitor.follow(began.run_id))
            if moment == "during":
                # Whoever holds the conversation has its answer wait in the middle of its statement.
                holding = asyncio.create_task(
                    rows.read(f"SELECT pg_sleep(30) FROM ({HELD}) AS held", id=began.conversation_id)
                )
                waiting = f"SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND {ITS_OWN}"
                while not await watching.read(waiting):
                    await asyncio.sleep(0.02)
                holding.cancel()
            killed = time.monotonic()
            os.kill(service.engine("postgres").pid, signal.SIGKILL)
            await seconds_until(lambda: answered_again(service))
            back = time.monotonic() - killed
            print(f"\nPostgres killed {moment} a commit: questions are answered again after {back:.1f} s")
            assert back <= BACK_WITHIN_S
            await check_saved(library, await asking)


async def test_streams_that_end_around_the_death_of_postgres_say_done_only_for_what_is_saved(
    library: Settings, service: Served, model: ModelServer
) -> None:
    model.tokens_per_s = 100
    for _ in range(ROUNDS):
        async with AsyncExitStack() as stack:
            visitors = [await stack.enter_async_context(Visitor(service.address)) for _ in range(ENDING)]
            # They are long enough to end one after the other, and Postgres dies in the middle of that.
            model.answer = lambda _prompt: "word " * (50 + 10 * len(model.requests))
            model.requests.clear()
            asking = [asyncio.create_task(visitor.ask()) for visitor in visitors]
            async with asyncio.timeout(30):
                # One whose kept connection the model server closes just then is quoted an answer instead.
                while len(model.requests) + sum(task.done() for task in asking) < ENDING:
                    refused = [task.result().response for task in asking if task.done() and not task.result().events]
                    assert refused == []
                    await asyncio.sleep(0.02)
                await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            os.kill(service.engine("postgres").pid, signal.SIGKILL)
            answers: list[Answer] = await asyncio.wait_for(asyncio.gather(*asking), 60)
        for answer in answers:
            await check_saved(library, answer)
        await seconds_until(lambda: answered_again(service))


async def test_a_commit_that_was_not_heard_of_is_found_and_a_question_that_was_not_leaves_no_conversation_busy(
    library: Settings, model: ModelServer
) -> None:
    async with Link(socket_of(library.database.url)) as link:
        through = f"postgresql+asyncpg://{ROLE}@/postgres?host={link.socket.parent}"
        linked = serving(library, model, FOOTNOTE_DATABASE__URL=through)
        async with started(library, linked) as service, Visitor(service.address) as visitor:
            model.answer = "What a canary sings at the end."
            link.cut_at(b"What a canary sings at the end.")
            answer = await visitor.ask(QUESTION)
            assert link.cut.is_set()
            await check_saved(library, answer)
            # Asking again locks the conversation first, so its commit is a statement of its own.
            link.cut_at(b"And a canary that asks?", b"COMMIT")
            refused = await visitor.ask("And a canary that asks?", conversation_id=answer.conversation_id)
            assert link.cut.is_set()
            assert (refused.response.status_code, refused.response.json()["code"]) == (503, "unavailable")

            async def free_again() -> bool:
                again = await visitor.ask("And?", conversation_id=answer.conversation_id)
                return again.response.status_code == 200

            assert await seconds_until(free_again) <= BACK_WITHIN_S
            saved = await visitor.messages(answer.conversation_id)
            assert [(message["seq"], message["status"]) for message in saved] == [
                (1, "complete"), (2, "complete"), (3, "complete"), (4, "interrupted"), (5, "complete"), (6, "complete"),
            ]  # fmt: skip
