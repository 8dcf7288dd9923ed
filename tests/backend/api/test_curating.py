"""What curators read takes nothing that those who ask wait for."""

import asyncio
from typing import Any

import httpx
import pytest

from backend.access.keys import create_key
from backend.api import curation
from backend.database import open_database
from backend.settings import Settings
from tests.service import running

CREATOR = "ana-velloret"


async def test_of_many_lists_that_are_asked_for_at_once_one_is_read_at_a_time(
    library: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = most = 0

    def counted(read: Any) -> Any:
        async def one(*arguments: Any, **named: Any) -> Any:
            nonlocal reading, most
            reading += 1
            most = max(most, reading)
            try:
                return await read(*arguments, **named)
            finally:
                reading -= 1

        return one

    for name in ("list_unanswered", "list_feedback"):
        monkeypatch.setattr(curation, name, counted(getattr(curation, name)))
    engine = open_database(library.database.url, pool_size=1)
    _, key = await create_key(engine, "curating", "admin", [], None, None)
    await engine.dispose()
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        running(library) as service,
        httpx.AsyncClient(base_url=service, timeout=30, verify=False, headers=headers) as http,
    ):
        paths = [f"/api/v1/creators/{CREATOR}/{name}" for name in ("unanswered", "feedback")] * 10
        answers = await asyncio.gather(*map(http.get, paths))
    assert {answer.status_code for answer in answers} == {200}
    assert most == 1
