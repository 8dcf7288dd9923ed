"""Readers who leave and do not come back: their runs end, are saved, and leave nothing behind."""

import asyncio
import random
import time

import pytest
from sqlalchemy import func, select

from backend.conversations.models import messages, runs
from backend.database import autocommit, open_database
from backend.settings import Settings
from tests.faults.conftest import ROUNDS
from tests.model_server import ModelServer
from tests.service import QUESTION, Visitor, running, with_model, with_section

pytestmark = pytest.mark.alone

READERS = 200 if ROUNDS > 1 else 50
ARRIVING_S = READERS / 25  # all of this runs in one process
GRACE_S = 1.0
WITHIN_S = 5.0


async def count_ended(library: Settings, run_ids: list[str]) -> int:
    """How many of these runs are over, with a saved answer and its terminal frame."""
    query = (
        select(func.count())
        .select_from(runs.join(messages, messages.c.id == runs.c.message_id))
        .where(runs.c.id.in_(run_ids), runs.c.state == "ended", messages.c.terminal.is_not(None))
    )
    engine = open_database(library.database.url, pool_size=1)
    try:
        async with autocommit(engine) as connection:
            count: int = (await connection.execute(query)).scalar_one()
    finally:
        await engine.dispose()
    return count


async def test_readers_who_leave_at_any_moment_leave_saved_answers_and_nothing_else(
    library: Settings, model: ModelServer
) -> None:
    model.answer, model.tokens_per_s = "word " * 2000, 5
    settings = with_section(with_model(library, model.base_url), "chat", grace_s=GRACE_S)
    chance = random.Random(20)
    moments = [(chance.uniform(0, ARRIVING_S), chance.uniform(0, 2)) for _ in range(READERS)]
    asked: list[str] = []
    async with running(settings) as here, running(settings) as there, Visitor(here) as first:
        await first.ask(stop_after=1)
        assert await model.no_stream_open(GRACE_S + WITHIN_S)
        before = asyncio.all_tasks()

        async def stay(address: str, comes_after_s: float, stays_s: float) -> None:
            await asyncio.sleep(comes_after_s)
            async with (
                Visitor(address, first.token) as visitor,
                visitor.http.stream(
                    "POST", "/api/v1/chat", json={"query": QUESTION}, headers=visitor.headers
                ) as response,
            ):
                asked.append(response.headers["x-run-id"])
                await asyncio.sleep(stays_s)

        async with asyncio.TaskGroup() as readers:
            for number, (comes_after_s, stays_s) in enumerate(moments):
                readers.create_task(stay((here, there)[number % 2], comes_after_s, stays_s))
        deadline = time.monotonic() + GRACE_S + WITHIN_S
        while (ended := await count_ended(library, asked)) < READERS and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
        assert ended == READERS
        assert await model.no_stream_open(max(deadline - time.monotonic(), 0.1))
        while (left := asyncio.all_tasks() - before) and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        assert left == set()
