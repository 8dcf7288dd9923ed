"""The schema that the migrations make, beside the tables that the code knows, and what becomes of rows on the way."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, make_url, text

import backend.conversations.models
import backend.knowledge.catalogue  # noqa: F401  (registers its tables)
from backend import migrations
from backend.conversations.answers import Answers
from backend.conversations.postgres import PostgresConversations
from backend.database import autocommit, metadata, open_database
from backend.settings import Settings

OWNER = "somebody"


async def test_the_migrations_make_the_tables_that_the_code_knows(settings: Settings) -> None:
    engine = open_database(settings.database.url, pool_size=1)

    def differences(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def run_sql(url: str, *statements: tuple[str, dict[str, Any]]) -> None:
    engine = open_database(url, pool_size=1)
    async with autocommit(engine) as connection:
        for statement, values in statements:
            await connection.execute(text(statement), values)
    await engine.dispose()


@pytest.fixture
def empty_database(settings: Settings) -> Iterator[str]:
    """The address of a database of its own, without a table."""
    name = f"migrated_{uuid4().hex[:8]}"
    asyncio.run(run_sql(settings.database.url, (f"CREATE DATABASE {name}", {})))
    yield make_url(settings.database.url).set(database=name).render_as_string(hide_password=False)
    asyncio.run(run_sql(settings.database.url, (f"DROP DATABASE {name} WITH (FORCE)", {})))


def migrate_to(url: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["url"] = url
    command.upgrade(config, revision)


def turn(conversation: UUID, seq: int, terminal: str) -> list[tuple[str, dict[str, Any]]]:
    """A question and its answer as they were kept before answers could be made anew."""
    run, answer = uuid4(), uuid4()
    said = {"conversation": conversation, "run": run, "seq": seq, "terminal": terminal, "answer": answer}
    return [
        ("INSERT INTO runs (id, conversation_id, message_id, seq, owner, body_hash, state)"
         " VALUES (:run, :conversation, :answer, :seq, 'somebody', 'hash', 'ended')",
         {name: said[name] for name in ("run", "conversation", "answer", "seq")}),
        ("INSERT INTO messages (id, conversation_id, seq, role, content, status, run_id)"
         " VALUES (:id, :conversation, :seq, 'user', 'How loud?', 'complete', :run)",
         {"id": uuid4(), "conversation": conversation, "seq": seq, "run": run}),
        ("INSERT INTO messages (id, conversation_id, seq, role, content, status, run_id, terminal)"
         " VALUES (:answer, :conversation, :seq + 1, 'assistant', 'Said.', 'complete', :run,"
         " CAST(:terminal AS jsonb))", said),
    ]  # fmt: skip


def test_answers_from_before_are_there_afterwards_and_their_questions_can_be_asked_anew(empty_database: str) -> None:
    migrate_to(empty_database, "0007")
    asked_of = {
        '{"creator": "ana", "persona": 0.5}': ("ana", 0.5),
        '{"creator": null, "persona": "off"}': (None, 0.0),
        '{"code": "unavailable"}': ("dex", 0.0),
    }
    conversations = {terminal: uuid4() for terminal in asked_of}
    statements = []
    for terminal, conversation in conversations.items():
        about = {"id": conversation, "owner": OWNER}
        insert = "INSERT INTO conversations (id, owner, creator, title) VALUES (:id, :owner, 'dex', 'How loud?')"
        statements += [(insert, about), *turn(conversation, 1, '{"creator": "dex"}'), *turn(conversation, 3, terminal)]
    asyncio.run(run_sql(empty_database, *statements))
    migrate_to(empty_database, "head")

    async def look() -> None:
        engine = open_database(empty_database, pool_size=2)
        store = PostgresConversations(engine)
        for terminal, conversation in conversations.items():
            saved = await store.list_messages(conversation, OWNER, 0, 9)
            assert [(one.seq, one.content, one.feedback) for one in saved] == [
                (1, "How loud?", None), (2, "Said.", None), (3, "How loud?", None), (4, "Said.", None),
            ]  # fmt: skip
            question = await Answers(engine).asked(OWNER, conversation, saved[-1].id)
            assert (question.creator, question.personality_weight) == asked_of[terminal]
            assert (question.query, question.topic, question.widen) == ("How loud?", None, True)
        async with autocommit(engine) as connection:
            ended = "SELECT count(*) FROM runs JOIN messages m ON message_id = m.id WHERE ended_at = m.created_at"
            assert (await connection.execute(text(ended))).scalar_one() == 6
        page, place = await store.list_conversations(OWNER, None, 1)
        rest, _ = await store.list_conversations(OWNER, place, 9)
        assert {one.id for one in (*page, *rest)} == set(conversations.values())
        await engine.dispose()

    asyncio.run(look())
