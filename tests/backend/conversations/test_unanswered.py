"""What curators learn of the questions that nothing answered."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.conversations.feedback import feedback
from backend.conversations.models import Answer, Question, RunRecord, conversations, messages
from backend.conversations.postgres import PostgresConversations
from backend.conversations.unanswered import list_unanswered, unanswered
from backend.database import autocommit, transaction


async def ask(
    engine: AsyncEngine,
    query: str,
    creator: str | None,
    scope: str = "none",
    finish_reason: str = "abstained",
    *,
    searched: str | None = None,
    behind: RunRecord | None = None,
    again: bool = False,
) -> RunRecord:
    """A question and what became of it, as the service saves it: in a new conversation, or in that of `behind`, whose
    answer is made anew where `again` says so."""
    store = PostgresConversations(engine)
    asked = Question(
        owner=behind.owner if behind else str(uuid4()),
        query=query,
        creator=creator,
        topic=None,
        personality_weight=0.0,
        conversation_id=behind.conversation_id if behind else None,
        idempotency_key=None,
        body_hash="hash",
        replaces=behind.message_id if behind and again else None,
    )
    run, _ = await store.begin(asked)
    terminal = {"standalone_query": searched or query, "creator": creator, "scope": scope}
    await store.finish(run, Answer("said", "complete", terminal, finish_reason=finish_reason, may_replace=True))
    return run


async def test_questions_without_an_answer_are_counted_and_others_are_not(engine: AsyncEngine) -> None:
    creator = f"creator-{uuid4().hex[:8]}"
    for query in ("How deep is the well?", "how deep is the WELL?"):
        await ask(engine, query, creator, "none", "abstained")
    await ask(engine, "Who dug the well?", creator, "global", "length")
    await ask(engine, "Who dug the well?", creator, "none", "abstained")
    await ask(engine, "Who dug the well?", creator, "none", "abstained")
    await ask(engine, "Is the water cold?", creator, "creator", "stop")
    await ask(engine, "How deep is the sea?", None, "global", "stop")
    found = await list_unanswered(engine, creator=creator, limit=10)
    assert [(one.query.lower(), one.creator, one.times, one.elsewhere) for one in found] == [
        ("who dug the well?", creator, 3, 1),
        ("how deep is the well?", creator, 2, 0),
    ]
    assert await list_unanswered(engine, creator=creator, limit=1) == found[:1]


async def test_a_question_of_everybody_that_nothing_answers_is_of_nobody(engine: AsyncEngine) -> None:
    query = f"How deep is well {uuid4().hex}?"
    await ask(engine, query, None, "none", "abstained")
    found = await list_unanswered(engine, creator=None, limit=10_000)
    assert [one.creator for one in found if one.query == query] == [None]


async def test_a_deleted_conversation_takes_its_questions_along(engine: AsyncEngine) -> None:
    creator = f"creator-{uuid4().hex[:8]}"
    run = await ask(engine, "How deep is the well?", creator, "none", "abstained")
    async with autocommit(engine) as connection:
        gone = update(conversations).where(conversations.c.id == run.conversation_id)
        await connection.execute(gone.values(deleted_at=datetime.now(UTC)))
    assert await list_unanswered(engine, creator=creator, limit=10) == []


async def test_where_nothing_is_known_of_what_was_searched_the_question_itself_is_shown(engine: AsyncEngine) -> None:
    creator = f"creator-{uuid4().hex[:8]}"
    run = await ask(engine, "And how cold is it?", creator, searched="How cold is the well?")
    async with autocommit(engine) as connection:
        there = update(messages).where(messages.c.id == run.message_id)
        await connection.execute(there.values(terminal={"standalone_query": None, "creator": creator, "scope": "none"}))
    assert await shown(engine, creator) == [("And how cold is it?", 1)]


def names() -> tuple[str, str]:
    return f"ana-{uuid4().hex[:8]}", f"imke-{uuid4().hex[:8]}"


async def shown(engine: AsyncEngine, creator: str) -> list[tuple[str, int]]:
    found = await list_unanswered(engine, creator=creator, limit=10)
    return sorted((one.query, one.times) for one in found)


async def test_a_curator_reads_nothing_of_what_was_asked_of_another_creator_before(engine: AsyncEngine) -> None:
    ana, imke = names()
    first = await ask(engine, "What of my divorce?", ana)
    await ask(engine, "And how loud?", imke, searched="How loud my divorce?", behind=first)
    assert await shown(engine, imke) == [("And how loud?", 1)]
    assert await shown(engine, ana) == [("What of my divorce?", 1)]
    everybodys = await ask(engine, "What of my health?", None)
    await ask(engine, "And how long?", imke, searched="How long my health?", behind=everybodys)
    assert await shown(engine, imke) == [("And how long?", 1), ("And how loud?", 1)]
    back = await ask(engine, "And ana again?", ana, searched="ana again how loud?", behind=first)
    await ask(engine, "And more?", ana, searched="more of ana again?", behind=back)
    assert [query for query, _ in await shown(engine, ana)] == ["And ana again?", "And more?", "What of my divorce?"]


async def test_what_a_creator_alone_was_asked_is_shown_as_it_was_searched_also_when_answers_were_made_anew(
    engine: AsyncEngine,
) -> None:
    ana, imke = names()
    first = await ask(engine, "How loud is it?", ana, "creator", "stop")
    anew = await ask(engine, "How loud is it?", ana, "creator", "stop", behind=first, again=True)
    later = await ask(engine, "And why?", ana, searched="Why so loud?", behind=anew)
    assert await shown(engine, ana) == [("Why so loud?", 1)]
    later = await ask(engine, "And why?", ana, searched="Why so very loud?", behind=later, again=True)
    assert await shown(engine, ana) == [("Why so very loud?", 1)]
    mixed = await ask(engine, "And imke?", imke, searched="imke so loud?", behind=later)
    await ask(engine, "And imke?", imke, searched="imke so very loud?", behind=mixed, again=True)
    assert await shown(engine, imke) == [("And imke?", 1)]


async def test_questions_are_one_by_the_words_that_are_shown(engine: AsyncEngine) -> None:
    ana, imke = names()
    for secret in ("one", "two"):
        first = await ask(engine, f"What of {secret}?", ana)
        await ask(engine, "And how loud?", imke, searched=f"How loud {secret}?", behind=first)
    await ask(engine, "and how LOUD?", imke)
    found = await list_unanswered(engine, creator=imke, limit=10)
    assert [(one.query.lower(), one.times) for one in found] == [("and how loud?", 3)]


async def plan(engine: AsyncEngine, statement: Select[Any]) -> str:
    """How the database goes about a statement, among so many answers that it matters."""
    compiled = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
    async with transaction(engine) as connection:
        for made in (
            "INSERT INTO conversations (id, owner, title)"
            " SELECT gen_random_uuid(), 'plan', 't' FROM generate_series(1, 3000)",
            "INSERT INTO runs (id, conversation_id, message_id, seq, owner, body_hash, state, creator)"
            " SELECT gen_random_uuid(), id, gen_random_uuid(), 1, owner, 'h', 'ended', 'plan' FROM conversations"
            " WHERE owner = 'plan'",
            "INSERT INTO messages (id, conversation_id, seq, role, content, status, run_id, finish_reason, terminal)"
            " SELECT message_id, conversation_id, 2, 'assistant', 'said', 'complete', id, 'stop',"
            """ '{"creator": "plan", "scope": "creator"}' FROM runs WHERE owner = 'plan'""",
            "ANALYZE conversations, runs, messages",
        ):
            await connection.execute(text(made))
        explained = await connection.exec_driver_sql(f"EXPLAIN {compiled}")
        lines = "\n".join(explained.scalars())
        await connection.rollback()
    return lines


@pytest.mark.parametrize("creator", ["ana", None])
async def test_a_list_for_curators_is_found_in_an_index_and_not_among_all_answers(
    engine: AsyncEngine, creator: str | None
) -> None:
    for statement, index in (
        (unanswered(creator, 100), "ix_messages_unanswered"),
        (feedback(creator, 100), "ix_messages_rated_at"),
    ):
        lines = await plan(engine, statement)
        assert index in lines
        assert "Seq Scan on messages" not in lines
