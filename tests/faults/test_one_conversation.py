"""One conversation answers one question at a time, however many are asked at once and whichever worker takes them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest

from backend.settings import Settings
from tests.faults.conftest import ROUNDS
from tests.faults.stores import serving, started
from tests.model_server import ModelServer
from tests.service import QUESTION, Visitor

pytestmark = pytest.mark.alone

AT_ONCE = 100
WITHIN_S = 60


@pytest.fixture(scope="module")
async def address(library: Settings, model: ModelServer) -> AsyncIterator[str]:
    """The service with four workers."""
    async with started(library, serving(library, model, FOOTNOTE_SERVER__WORKERS="4")) as service:
        yield service.address


@pytest.fixture
async def crowd(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that opens a connection for each question."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=WITHIN_S, verify=False) as client:
        yield client


async def check_order(visitor: Visitor, conversation_id: str, answered: int) -> None:
    """All messages: numbered 1, 2, 3 …, and each question followed by its own answer."""
    page = await visitor.get(f"/api/v1/conversations/{conversation_id}/messages?limit=200")
    messages, cursor = page.json()["items"], page.json()["next_cursor"]
    while cursor:
        page = await visitor.get(f"/api/v1/conversations/{conversation_id}/messages?limit=200&cursor={cursor}")
        messages, cursor = messages + page.json()["items"], page.json()["next_cursor"]
    assert [message["seq"] for message in messages] == list(range(1, 2 * answered + 1))
    assert [message["role"] for message in messages] == ["user", "assistant"] * answered


class Refusals:
    """Counts those who found the conversation busy; `all_others` have when one alone is left."""

    def __init__(self) -> None:
        self.count = 0
        self.all_others = asyncio.Event()

    def add(self) -> None:
        self.count += 1
        if self.count == AT_ONCE - 1:
            self.all_others.set()


async def ask(crowd: httpx.AsyncClient, visitor: Visitor, conversation_id: str, refusals: Refusals) -> int:
    """Asks; who is answered stops the answer when all others have been refused. The status."""
    body = {"query": QUESTION, "conversation_id": conversation_id}
    async with crowd.stream("POST", "/api/v1/chat", json=body, headers=visitor.headers) as response:
        if response.status_code == 200:
            await refusals.all_others.wait()
            await visitor.post(f"/api/v1/chat/runs/{response.headers['x-run-id']}/stop")
            assert b"event: done" in await response.aread()
        elif response.status_code == 409:
            assert b'"conversation_busy"' in await response.aread()
            refusals.add()
        return response.status_code


async def test_of_a_hundred_questions_at_once_one_is_answered_and_the_others_find_the_conversation_busy(
    address: str, crowd: httpx.AsyncClient, model: ModelServer
) -> None:
    async with Visitor(address) as visitor:
        conversation_id = (await visitor.ask()).conversation_id
        model.first_token_delay_s = WITHIN_S  # until it is stopped
        for number in range(ROUNDS):
            refusals = Refusals()
            async with asyncio.timeout(WITHIN_S):
                asking = (ask(crowd, visitor, conversation_id, refusals) for _ in range(AT_ONCE))
                told = Counter(await asyncio.gather(*asking))
            assert told == {200: 1, 409: AT_ONCE - 1}
            await check_order(visitor, conversation_id, answered=number + 2)


async def test_of_a_hundred_quick_questions_at_once_some_are_answered_one_after_the_other(
    address: str, crowd: httpx.AsyncClient
) -> None:
    async with Visitor(address) as visitor:
        conversation_id = (await visitor.ask()).conversation_id
        answered = 1
        for _ in range(ROUNDS):
            body = {"query": QUESTION, "conversation_id": conversation_id}
            asking = (crowd.post("/api/v1/chat", json=body, headers=visitor.headers) for _ in range(AT_ONCE))
            answers = await asyncio.gather(*asking)
            told = Counter(answer.status_code for answer in answers)
            assert told[200] + told[409] == AT_ONCE
            assert told[200] >= 1
            assert all(b"event: done" in answer.content for answer in answers if answer.status_code == 200)
            answered += told[200]
            await check_order(visitor, conversation_id, answered)
