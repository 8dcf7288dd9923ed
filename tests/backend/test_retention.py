"""How long a conversation is kept that nobody goes on with, and what Postgres and Redis remember of it afterwards."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis
from sqlalchemy import event, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from backend import residue
from backend.chat import deletion as deleting
from backend.chat.deletion import CLEARED, CLEARING, RESIDUE, Deletion
from backend.conversations import expired
from backend.conversations.deleted import DeletedConversations
from backend.conversations.expired import ExpiredConversations
from backend.conversations.models import Answer, Question, RunRecord, conversations
from backend.conversations.postgres import PostgresConversations
from backend.database import autocommit, transaction
from backend.errors import ConfigurationError, NotFound, Unavailable
from backend.settings import Settings, load
from backend.settings_access import SiteSettings
from tests.pipeline.traces import folders_with
from tests.postgres import ask_postgres
from tests.service import Visitor, running

ANSWER = Answer("said", "complete", {"finish_reason": "stop"})


async def ask(engine: AsyncEngine, site: str, query: str = "How loud?") -> RunRecord:
    """A question that is being answered."""
    run, _ = await PostgresConversations(engine).begin(
        Question(str(uuid4()), query, None, None, 0.0, None, None, "hash", site=site)
    )
    return run


async def age(engine: AsyncEngine, run: RunRecord, days: float) -> None:
    """Moves the last answer of a conversation into the past."""
    aged = update(conversations).where(conversations.c.id == run.conversation_id)
    async with autocommit(engine) as connection:
        await connection.execute(aged.values(updated_at=func.now() - timedelta(days=days)))


async def last_answered(engine: AsyncEngine, site: str, days: float) -> RunRecord:
    """A conversation whose last answer is so many days old."""
    run = await ask(engine, site)
    await PostgresConversations(engine).finish(run, ANSWER)
    await age(engine, run, days)
    return run


async def gone(engine: AsyncEngine, runs: Collection[RunRecord]) -> set[UUID]:
    """Those of these conversations that nobody can read any more."""
    ids = [run.conversation_id for run in runs]
    query = select(conversations.c.id).where(conversations.c.id.in_(ids), conversations.c.deleted_at.is_not(None))
    async with autocommit(engine) as connection:
        return set((await connection.execute(query)).scalars())


async def test_each_site_forgets_in_its_own_time_and_one_that_is_not_configured_in_everybodys(
    engine: AsyncEngine,
) -> None:
    days = {"quick": 7, "slow": 800}
    kept_for = {"quick": 7, "slow": 800, "": 30, "no-longer-there": 30}
    old = [await last_answered(engine, site, limit + 0.01) for site, limit in kept_for.items()]
    young = [await last_answered(engine, site, limit - 0.01) for site, limit in kept_for.items()]
    await ExpiredConversations(engine, 30, days).delete()
    assert await gone(engine, old + young) == {run.conversation_id for run in old}


async def test_a_conversation_that_is_answering_has_not_expired(engine: AsyncEngine) -> None:
    run = await ask(engine, "")
    await age(engine, run, 31)
    forgetting = ExpiredConversations(engine, 30, {})
    await forgetting.delete()
    assert await gone(engine, [run]) == set()
    assert await PostgresConversations(engine).finish(run, ANSWER)  # which is activity
    await forgetting.delete()
    assert await gone(engine, [run]) == set()


@contextmanager
def before_marking(engine: AsyncEngine, act: Callable[[], None]) -> Iterator[None]:
    """Does something once, when what has expired was looked for and is about to be marked."""

    done = False

    def act_once(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        nonlocal done
        if not done and statement.startswith("UPDATE conversations SET deleted_at"):
            done = True
            act()

    event.listen(engine.sync_engine, "before_cursor_execute", act_once)
    yield
    event.remove(engine.sync_engine, "before_cursor_execute", act_once)
    assert done


async def test_a_run_that_begins_between_the_look_and_the_lock_keeps_its_conversation(
    settings: Settings, engine: AsyncEngine
) -> None:
    run = await last_answered(engine, "", 31)

    def begin() -> None:
        ask_postgres(settings, "psql", "-c", f"UPDATE runs SET state = 'running' WHERE id = '{run.id}'")

    with before_marking(engine, begin):
        await ExpiredConversations(engine, 30, {}).delete()
    assert await gone(engine, [run]) == set()
    await PostgresConversations(engine).finish(run, ANSWER)


async def test_a_question_that_comes_too_late_is_refused_before_anything_begins(engine: AsyncEngine) -> None:
    run = await last_answered(engine, "", 31)
    again = Question(run.owner, "And?", None, None, 0.0, run.conversation_id, None, "hash")
    asked: list[asyncio.Task[Any]] = []

    def ask_again() -> None:
        asked.append(asyncio.ensure_future(PostgresConversations(engine).begin(again)))

    with before_marking(engine, ask_again):
        await ExpiredConversations(engine, 30, {}).delete()
    with pytest.raises(NotFound):
        await asked[0]


async def test_a_conversation_in_which_somebody_is_just_asking_is_left_alone(engine: AsyncEngine) -> None:
    asking, other = [await last_answered(engine, "", 31) for _ in range(2)]
    async with transaction(engine) as connection, asyncio.timeout(5):
        locked = select(conversations.c.id).where(conversations.c.id == asking.conversation_id).with_for_update()
        await connection.execute(locked)
        await ExpiredConversations(engine, 30, {}).delete()
        assert await gone(engine, [asking, other]) == {other.conversation_id}


async def test_several_workers_forget_many_at_once_in_small_batches(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expired, "CONVERSATIONS_AT_ONCE", 3)
    old = [await last_answered(engine, site, 40) for site in ("", "blog") for _ in range(10)]
    young = await last_answered(engine, "blog", 20)
    workers = [ExpiredConversations(engine, 30, {}) for _ in range(4)]
    await asyncio.gather(*(worker.delete() for worker in workers))
    assert await gone(engine, [*old, young]) == {run.conversation_id for run in old}


async def test_the_service_forgets_by_itself_what_is_older_than_its_site_says(
    library: Settings, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deleting, "PURGE_AFTER_S", 0)
    site = SiteSettings(origins=("https://blog.example",), retention_days=7)
    settings = library.model_copy(update={"sites": {"blog": site}, "retention_days": 30})
    async with running(settings) as address, Visitor(address) as visitor:
        kept = await visitor.ask()
    old = await last_answered(engine, "blog", 8)
    still = await last_answered(engine, "", 8)
    there = select(conversations.c.id).where(conversations.c.id == old.conversation_id)
    async with running(settings) as address, Visitor(address, visitor.token) as visitor, asyncio.timeout(10):
        async with autocommit(engine) as connection:
            while (await connection.execute(there)).first():
                await asyncio.sleep(0.02)
        assert await gone(engine, [still]) == set()
        assert len(await visitor.messages(kept.conversation_id)) == 2


async def test_what_was_said_is_not_sampled_for_the_planner(engine: AsyncEngine) -> None:
    run = await ask(engine, "", query="What of Axolotli?")
    await PostgresConversations(engine).finish(run, ANSWER)
    async with autocommit(engine) as connection:
        await connection.execute(text("ANALYZE conversations, messages"))
        sampled = text("SELECT attname FROM pg_stats WHERE tablename IN ('conversations', 'messages')")
        columns = set((await connection.execute(sampled)).scalars())
    assert {"owner", "site", "role", "finish_reason"} <= columns
    said = {"title", "content", "sources", "citations", "terminal", "upstream_events", "comment"}
    assert columns & said == set()


@pytest.fixture
async def workers(engine: AsyncEngine, redis: Redis) -> list[Deletion]:
    """Three that purge, and nothing that anybody has left to clear."""
    await redis.delete(RESIDUE, CLEARING, CLEARED)
    await redis.config_resetstat()
    unused: Any = None
    return [Deletion(unused, unused, DeletedConversations(engine), unused, redis) for _ in range(3)]


async def rewritten(redis: Redis) -> int:
    """How often Redis was asked to write its file anew."""
    found: dict[str, Any] = await redis.info("commandstats")
    return int(found.get("cmdstat_bgrewriteaof", {"calls": 0})["calls"])


async def delete_one(engine: AsyncEngine, redis: Redis, words: str) -> None:
    """A conversation with these words, also in Redis, is deleted by its visitor."""
    run = await ask(engine, "", query=words)
    await PostgresConversations(engine).finish(run, ANSWER)
    await redis.set(f"footnote:history:{run.conversation_id}", words)
    await PostgresConversations(engine).delete(run.owner, run.conversation_id)


async def test_files_are_written_anew_by_one_worker_and_only_where_something_is_gone(
    settings: Settings, engine: AsyncEngine, redis: Redis, workers: list[Deletion]
) -> None:
    canary = uuid4().hex
    await asyncio.gather(*(worker.clear() for worker in workers))
    assert await rewritten(redis) == 0
    await delete_one(engine, redis, canary)
    await workers[0].purge(0)
    assert {"redis", "postgres/pg_wal"} <= folders_with(settings.data_dir, canary.encode())
    await asyncio.gather(*(worker.clear() for worker in workers))
    assert await rewritten(redis) == 1
    assert folders_with(settings.data_dir, canary.encode()) == set()
    await delete_one(engine, redis, canary)
    await workers[1].purge(0)
    await workers[2].clear()  # too soon
    assert await rewritten(redis) == 1
    await redis.delete(CLEARED)
    await workers[2].clear()
    assert await rewritten(redis) == 2
    assert folders_with(settings.data_dir, canary.encode()) == set()


async def test_what_a_worker_did_not_bring_to_its_end_another_does(
    settings: Settings, engine: AsyncEngine, redis: Redis, workers: list[Deletion], monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = uuid4().hex
    await delete_one(engine, redis, canary)
    await workers[0].purge(0)
    monkeypatch.setattr(residue, "ATTEMPTS", 1)
    async with transaction(engine) as connection:
        await connection.execute(select(conversations.c.id).limit(1))
        with pytest.raises(Unavailable):
            await workers[0].clear()
    assert "postgres/pg_wal" in folders_with(settings.data_dir, canary.encode())
    await redis.delete(CLEARED)
    await workers[1].clear()
    assert folders_with(settings.data_dir, canary.encode()) == set()
    assert await redis.exists(RESIDUE, CLEARING) == 0


async def test_tables_that_are_not_small_are_not_rewritten_while_visitors_ask(
    engine: AsyncEngine, redis: Redis, workers: list[Deletion], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = text("SELECT pg_relation_filenode('messages')")
    async with autocommit(engine) as connection:
        before = (await connection.execute(file)).scalar_one()
        for limit, is_rewritten in ((1, False), (2**30, True)):
            monkeypatch.setattr(residue, "SMALL_BYTES", limit)
            await delete_one(engine, redis, "How loud?")
            await workers[0].purge(0)
            await redis.delete(CLEARED)
            await workers[0].clear()
            assert ((await connection.execute(file)).scalar_one() != before) == is_rewritten


@pytest.mark.parametrize("days", ["0", "-1", "36501", "null", "soon"])
def test_a_time_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, days: str) -> None:
    monkeypatch.setenv("FOOTNOTE_RETENTION_DAYS", days)
    with pytest.raises(ConfigurationError, match="retention_days"):
        load()


def test_a_site_says_how_long_it_remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_SITES", '{"blog": {"origins": ["https://blog.example"], "retention_days": 90}}')
    assert load().sites["blog"].retention_days == 90
    assert load().retention_days == 365
