"""What curators read of how answers were rated."""

from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.conversations.answers import Answers
from backend.conversations.feedback import list_feedback
from backend.conversations.models import Feedback
from backend.conversations.postgres import PostgresConversations
from tests.backend.conversations.test_answers import talk


async def test_curators_read_the_newest_feedback_first_and_what_was_taken_back_or_deleted_is_gone(
    engine: AsyncEngine, store: PostgresConversations, answers: Answers
) -> None:
    creator = f"creator-{uuid4().hex[:8]}"
    made = [
        await talk(store, creator=creator, query=f"How loud is {word}?") for word in ("one", "two", "three", "four")
    ]
    other = await talk(store)
    for run in (*made, other):
        await answers.rate(run.owner, run.conversation_id, run.message_id, Feedback("up", None))
    first, taken_back, deleted, _ = made
    await answers.rate(first.owner, first.conversation_id, first.message_id, Feedback("down", "Not so."))
    await answers.rate(taken_back.owner, taken_back.conversation_id, taken_back.message_id, None)
    await store.delete(deleted.owner, deleted.conversation_id)
    found = await list_feedback(engine, creator=creator, limit=9)
    assert [(one.question, one.creator, one.rating, one.comment) for one in found] == [
        ("How loud is one?", creator, "down", "Not so."),
        ("How loud is four?", creator, "up", None),
    ]
    assert await list_feedback(engine, creator=creator, limit=1) == found[:1]
    assert set(found) <= set(await list_feedback(engine, creator=None, limit=10_000))
    saved = await store.find_answer(first.id, first.owner)
    assert saved is not None
    assert saved.feedback == Feedback("down", "Not so.")
