"""Ending a task for certain."""

import asyncio

from backend.cancelling import cancelled


async def test_a_task_that_loses_its_cancellation_ends_nevertheless() -> None:
    lost = asyncio.Event()

    async def loses_the_first() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            lost.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(loses_the_first())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await cancelled(task)
    assert lost.is_set()
    assert task.cancelled()


async def test_a_task_that_has_ended_is_left_as_it_is() -> None:
    task = asyncio.create_task(asyncio.sleep(0, "said"))
    assert await task == "said"
    await cancelled(task)
    assert task.result() == "said"
