"""The schema that the migrations make, beside the tables that the code knows, and what becomes of rows on the way."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text

import backend.conversations.models
import backend.knowledge.catalogue  # noqa: F401  (registers its tables)
from backend import database, migrations
from backend.conversations.answers import Answers
from backend.conversations.postgres import PostgresConversations
from backend.database import autocommit, metadata, open_database
from backend.errors import ConfigurationError
from backend.settings import Settings

OWNER = "somebody"


async def test_the_migrations_make_the_tables_that_the_code_knows(settings: Settings) -> None:
    engine = open_database(settings.database.url, pool_size=1)

    def differences(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


def test_a_schema_that_is_the_newest_is_left_alone(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    history = Config()
    history.set_main_option("script_location", str(migrations.HERE))
    assert ScriptDirectory.from_config(history).get_heads() == [migrations.NEWEST]
    monkeypatch.setattr(command, "upgrade", None)  # which nobody may call
    migrations.migrate(settings.database.url)


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


MANY = 4500


def test_a_great_many_questions_are_filled_in_a_part_at_a_time_and_a_second_start_goes_on(empty_database: str) -> None:
    migrate_to(empty_database, "0007")
    conversation = uuid4()
    numbers = f"FROM generate_series(1, {MANY}) n"
    asyncio.run(run_sql(
        empty_database,
        ("INSERT INTO conversations (id, owner, creator, title) VALUES (:id, 'somebody', 'dex', 't')",
         {"id": conversation}),
        (f"INSERT INTO runs (id, conversation_id, message_id, seq, owner, body_hash, state)"
         f" SELECT gen_random_uuid(), :id, gen_random_uuid(), 2 * n, 'somebody', 'hash', 'ended' {numbers}",
         {"id": conversation}),
        ("INSERT INTO messages (id, conversation_id, seq, role, content, status, run_id, terminal)"
         " SELECT message_id, conversation_id, seq, 'assistant', 'Said.', 'complete', id,"
         " CAST('{\"creator\": \"ana\"}' AS jsonb) FROM runs", {}),
    ))  # fmt: skip
    migrate_to(empty_database, "0010")
    done = "UPDATE runs SET ended_at = now(), creator = 'done before' WHERE seq = 2"
    asyncio.run(run_sql(empty_database, (done, {})))
    migrate_to(empty_database, "head")

    async def look() -> None:
        engine = open_database(empty_database, pool_size=1)
        async with autocommit(engine) as connection:
            found = text("SELECT creator, count(*), count(DISTINCT xmin::text) FROM runs GROUP BY creator")
            rows = {creator: counts for creator, *counts in await connection.execute(found)}
        await engine.dispose()
        assert rows == {"done before": [1, 1], "ana": [MANY - 1, 3]}  # transactions: two whole parts and a rest

    asyncio.run(look())


async def waiting_for_a_lock(url: str) -> bool:
    engine = open_database(url, pool_size=1)
    async with autocommit(engine) as connection:
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        found: int = (await connection.execute(waiting)).scalar_one()
    await engine.dispose()
    return found > 0


def test_a_start_waits_for_another_that_migrates_for_longer_than_a_statement_may_take(
    empty_database: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "STATEMENT_S", 0.3)
    ends: list[BaseException | None] = []

    def start() -> None:
        try:
            migrations.bring_up_to_date(with_database(settings, empty_database))
        except ConfigurationError as error:
            ends.append(error)
        else:
            ends.append(None)

    async def while_locked() -> threading.Thread:
        engine = open_database(empty_database, pool_size=1)
        async with engine.begin() as connection:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({lock_of_migrations()})"))
            starting = threading.Thread(target=start)
            starting.start()
            while not await waiting_for_a_lock(empty_database):
                await asyncio.sleep(0.02)
            until = time.monotonic() + 3 * database.STATEMENT_S
            while not ends and time.monotonic() < until:
                await asyncio.sleep(0.02)
        await engine.dispose()
        return starting

    asyncio.run(while_locked()).join(30)
    assert ends == [None]


def test_a_database_that_does_not_answer_is_not_said_to_have_another_password(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CONNECT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+asyncpg://somebody:secret@127.0.0.1:{silent.getsockname()[1]}/none"
        with pytest.raises(ConfigurationError, match="does not answer in time") as raised:
            migrations.bring_up_to_date(with_database(settings, url))
    assert "password" not in raised.value.message


def with_database(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"database": settings.database.model_copy(update={"url": url})})


def lock_of_migrations() -> int:
    """The number that a migration locks; its module cannot be imported, for it runs then."""
    source = (Path(migrations.__file__).parent / "env.py").read_text()
    return int(source.split("LOCK = ")[1].split(" ")[0])
