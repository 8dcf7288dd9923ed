"""Answers that the database is away for."""

import asyncio
import time

import pytest

from backend.conversations.models import Answer, RunRecord
from backend.conversations.postgres import PostgresConversations
from backend.errors import Unavailable
from tests.service import Visitor


async def test_an_answer_that_could_not_be_saved_leaves_no_conversation_busy(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.chat.saving.SAVE_S", 0.3)
    finish, back_at = PostgresConversations.finish, time.monotonic() + 1.5

    async def away(store: PostgresConversations, run: RunRecord, answer: Answer) -> bool:
        if time.monotonic() < back_at:
            raise Unavailable("The service cannot reach its database; try again shortly.")
        return await finish(store, run, answer)

    monkeypatch.setattr(PostgresConversations, "finish", away)
    lost = (await visitor.ask()).checked()
    assert lost.last.json["code"] == "unavailable"
    await asyncio.sleep(3)
    again = (await visitor.ask(conversation_id=lost.conversation_id)).checked()
    assert again.last.event == "done"
    saved = await visitor.messages(lost.conversation_id)
    assert (saved[1]["status"], saved[1]["content"]) == ("interrupted", lost.text)
