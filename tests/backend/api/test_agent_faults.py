"""Every fault of a bridge to an agent, through the whole service, within a conversation that has a session."""

import logging
import time
from dataclasses import dataclass
from typing import Any, get_args

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from backend.database import open_database
from backend.settings import Settings
from backend.settings_tiers import AgentTierSettings, BreakerSettings
from tests.agent_server import AgentFault, AgentServer, Broken, Refusal, Silent
from tests.model_server import CANARY, RecordedRequest
from tests.service import QUESTION, Visitor, running

pytestmark = pytest.mark.alone

FAULTS: tuple[AgentFault, ...] = (*get_args(Refusal), *get_args(Silent), *get_args(Broken))
SILENT_S, TOTAL_S, GRACE_S = 0.5, 1.0, 0.5


@dataclass
class TimedServer(AgentServer):
    """Knows when it was asked a question for the first time since `asked_at` was emptied."""

    asked_at: float | None = None

    async def respond(self, request: RecordedRequest, send: Any) -> None:
        self.asked_at = self.asked_at or time.monotonic()
        await super().respond(request, send)


def settings_with(library: Settings, address: str, *order: str) -> Settings:
    """The library's settings with a bridge that has little time, and a breaker that does not open by itself."""
    agent = AgentTierSettings(
        kind="agent",
        base_url=address,
        first_token_timeout_s=SILENT_S,
        idle_timeout_s=SILENT_S,
        total_timeout_s=TOTAL_S,
        max_response_bytes=20_000,  # which an endless answer has before it has its 800 tokens
    )
    breaker = BreakerSettings(threshold=1_000_000, window_s=30, cooldown_s=30)
    cascade = library.cascade.model_copy(update={"order": order, "breaker": breaker})
    return library.model_copy(update={"tiers": {**library.tiers, "agent": agent}, "cascade": cascade})


async def forget_refusals(settings: Settings) -> None:
    """What breakers know of keys that are wrong and of times to wait."""
    async with Redis.from_url(settings.redis.url) as redis:
        if keys := [key async for key in redis.scan_iter("footnote:tier:*")]:
            await redis.delete(*keys)


async def rows_with(settings: Settings, words: str) -> int:
    """How many rows of what is kept of conversations hold the words."""
    engine = open_database(settings.database.url, pool_size=1)
    found = 0
    async with engine.connect() as connection:
        for table in ("conversations", "messages", "runs", "agent_sessions"):
            query = text(f"SELECT count(*) FROM {table} row WHERE strpos(row::text, :words) > 0")
            found += (await connection.execute(query, {"words": words})).scalar_one()
    await engine.dispose()
    return found


@pytest.mark.parametrize("order", [("agent",), ("agent", "extractive")])
async def test_every_fault_of_a_bridge_ends_in_one_terminal_event_in_time_and_the_next_question_is_answered(
    order: tuple[str, ...], library: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "backend")
    await forget_refusals(library)
    async with (
        TimedServer() as server,
        running(settings_with(library, server.address, *order)) as address,
        Visitor(address) as visitor,
    ):
        for fault in FAULTS:
            conversation = (await visitor.ask()).checked().conversation_id
            server.failing, server.asked_at = fault, None
            answer = (await visitor.ask(f"{QUESTION} {fault}", conversation_id=conversation)).checked()
            assert server.asked_at is not None
            assert time.monotonic() - server.asked_at < TOTAL_S + GRACE_S, fault
            saved = await visitor.messages(conversation)
            assert saved[-1]["content"] == answer.text, fault
            assert answer.last.event == ("error" if order == ("agent",) else "done"), fault
            assert CANARY.encode() not in answer.raw, fault
            assert await server.no_stream_open(), fault
            await forget_refusals(library)
            server.failing = None
            healthy = (await visitor.ask(conversation_id=conversation)).checked()
            assert healthy.last.json.get("cascade_tier") == "agent", fault
    assert CANARY not in caplog.text
    assert await rows_with(library, CANARY) == 0
    assert await rows_with(library, QUESTION) > 0
