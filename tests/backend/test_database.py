"""A server that answers and refuses to be written is said to be away, with the reason in the log."""

import logging
import math
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from backend.database import Refusals, refusals, transaction
from backend.errors import Unavailable
from backend.knowledge.catalogue import Catalogue
from backend.settings import Settings


@pytest.fixture
async def read_only(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """The database as a replica shows itself: it answers, and takes no write."""
    own = {"server_settings": {"default_transaction_read_only": "on"}}
    connections = create_async_engine(settings.database.url, connect_args=own)
    yield connections
    await connections.dispose()
    refusals.last = None


async def test_a_server_that_refuses_a_write_is_not_ready_until_it_takes_one(
    read_only: AsyncEngine, engine: AsyncEngine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_said_at", -math.inf)
    assert await Catalogue(read_only).ready()
    for _ in range(3):
        with pytest.raises(Unavailable):
            async with transaction(read_only) as connection:
                await connection.execute(text("DELETE FROM documents WHERE title = 'a secret'"))
    assert not await Catalogue(read_only).ready()
    (said,) = caplog.messages
    assert "SQLSTATE 25006" in said
    assert "secret" not in caplog.text
    assert await Catalogue(engine).ready()
    assert await Catalogue(read_only).ready()


async def test_a_full_disk_is_a_refusal_and_a_statement_that_is_wrong_is_none(
    engine: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    full = "DO $$ BEGIN RAISE EXCEPTION 'a secret' USING ERRCODE = '53100'; END $$"
    caplog.set_level(logging.ERROR)
    seen = Refusals()
    for statement in (full, "SELECT nothing"):
        with pytest.raises(DBAPIError) as raised:
            async with engine.begin() as connection:
                await connection.execute(text(statement))
        seen.note(raised.value)
    assert seen.last == "53100"
    assert len(caplog.messages) == 1
    assert "secret" not in caplog.text
