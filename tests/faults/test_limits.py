"""A limit holds over processes: of 500 questions at once exactly as many are admitted as it says."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx

from tests.served import Served
from tests.service import QUESTION

ADMITTED, AT_ONCE = 60, 500


async def test_of_500_questions_at_once_over_four_workers_exactly_so_many_are_admitted(data_dir: Path) -> None:
    environment = {"FOOTNOTE_SERVER__WORKERS": "4", "FOOTNOTE_LIMITS__ADDRESS__PER_MINUTE": str(ADMITTED)}
    with Served(data_dir, "--sample", **environment) as service:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=service.address, limits=limits, timeout=120, verify=False) as client:
            asking = (client.post("/api/v1/chat", json={"query": QUESTION}) for _ in range(AT_ONCE))
            answers = await asyncio.gather(*asking)
    assert Counter(answer.status_code for answer in answers) == {200: ADMITTED, 429: AT_ONCE - ADMITTED}
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {int(answer.headers["Retry-After"]) for answer in refused} <= set(range(45, 61))
    assert all(answer.json()["retry_after"] == int(answer.headers["Retry-After"]) for answer in refused)
