"""What Postgres and Redis keep on disk of what was deleted, and how they are made to let go of it.

A row that was deleted or changed lies in its table's file until the table is rewritten, in the statistics until the
next sample, and in the write-ahead log until its segments go. A key that was deleted lies in Redis' append-only file
until that is rewritten.

What is done depends on what the server lets us do. Tables of up to `REWRITTEN_BYTES` are rewritten, larger ones only
vacuumed: their old bytes go when new rows need the room. Where we are the database's superuser, which the embedded one
and that of docker-compose.yml grant, statistics are rewritten and the log is closed at a checkpoint; the embedded one
then deletes its segments, another server recycles or archives them as it is set up to. Backups are beyond our reach.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import ResponseError
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.conversations.models import agent_sessions, conversations, messages, runs
from backend.database import is_away, open_database, translated
from backend.errors import Unavailable
from backend.knowledge.catalogue import creators, documents, embeddings
from backend.settings import Settings

CONVERSATIONS = (conversations, messages, runs, agent_sessions)
TABLES = (*CONVERSATIONS, documents, embeddings, creators)
# A table that is rewritten can neither be read nor written meanwhile: for 1 to 3 s a hundred megabytes, measured on two
# cores that were busy with other things.
REWRITTEN_BYTES = 64 * 2**20
SMALL_BYTES = 16 * 2**20  # of all conversations: visitors wait for some tenths of a second at most, and unasked
LOCK_TIMEOUT = "2s"  # whoever waits for a lock makes everybody behind it wait
SHORT_LOCK_TIMEOUT = "100ms"
ATTEMPTS = 5
STATEMENT_S = 600
OLDER_S = 15  # a statement of ours takes 10 s at most
OLDER = """
    SELECT EXISTS (
        SELECT FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND datname = current_database() AND backend_type = 'client backend'
        AND greatest(age(backend_xmin), age(backend_xid)) > age(CAST($1::text AS xid))
    )
"""
REWRITE_S = 120
POLL_S = 0.05


async def clear_database(settings: Settings) -> None:
    """Rewrites or vacuums the tables that hold content, and has the write-ahead log closed.

    Call it when the rows are gone. Raises `Unavailable` where the database is away, or too busy to give a table up for
    a moment.
    """
    engine = open_database(settings.database.url, pool_size=1)
    try:
        async with _connected(engine, LOCK_TIMEOUT) as connection:
            await _until_unseen(connection)
            for table in TABLES:
                size = await _size(connection, table.name)
                await _vacuum(connection, table.name, "FULL, ANALYZE" if size <= REWRITTEN_BYTES else "ANALYZE")
            await _close_log(connection, TABLES)
    finally:
        await engine.dispose()


async def clear_conversations(engine: AsyncEngine) -> None:
    """Does the same for the tables of conversations while visitors ask, if these are small enough for that; else
    nothing. Raises `Unavailable` likewise."""
    async with _connected(engine, SHORT_LOCK_TIMEOUT) as connection:
        if sum([await _size(connection, table.name) for table in CONVERSATIONS]) > SMALL_BYTES:
            return
        await _until_unseen(connection)
        for table in CONVERSATIONS:
            await _vacuum(connection, table.name, "FULL, ANALYZE")
        await _close_log(connection, CONVERSATIONS)


@asynccontextmanager
async def _connected(engine: AsyncEngine, lock_timeout: str) -> AsyncIterator[Any]:
    """The driver's own connection: no transaction around it, and no time limit of a visitor's statement."""
    with _translated():
        async with engine.connect() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            try:
                await raw.execute(f"SET lock_timeout = '{lock_timeout}'")
                yield raw
            finally:
                await connection.invalidate()  # its lock timeout is nobody else's


async def _size(connection: Any, table: str) -> int:
    size: int = await connection.fetchval("SELECT pg_total_relation_size($1::regclass)", table)
    return size


async def _until_unseen(connection: Any) -> None:
    """Waits until no transaction is left that might still read what is deleted by now: a table that is rewritten while
    there is one keeps it."""
    deadline = time.monotonic() + OLDER_S
    now: str = await connection.fetchval("SELECT pg_current_xact_id()::xid::text")
    while await connection.fetchval(OLDER, now):
        if time.monotonic() > deadline:
            raise Unavailable(
                "The database has a transaction open that began before and does not end: end it, and run the same "
                "command again."
            )
        await asyncio.sleep(POLL_S)


async def _close_log(connection: Any, tables: Iterable[Table]) -> None:
    """Rewrites the statistics and closes the write-ahead log, where we may."""
    if await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        for table in tables:  # ANALYZE leaves an empty one the statistics of the rows that it had
            forget = f"DELETE FROM pg_statistic WHERE starelid = $1::regclass AND NOT EXISTS (SELECT FROM {table.name})"
            await connection.execute(forget, table.name)
        await _until_unseen(connection)
        await _vacuum(connection, "pg_statistic", "FULL")
        await connection.execute("SELECT pg_switch_wal()")
        await connection.execute("CHECKPOINT", timeout=STATEMENT_S)


@contextmanager
def _translated() -> Iterator[None]:
    """As `database.translated`, for what the driver itself raises too."""
    with translated():
        try:
            yield
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if not is_away(error):
                raise
            raise Unavailable("The database went away: run the same command again.") from error


async def _vacuum(connection: Any, table: str, options: str) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await connection.execute(f"VACUUM ({options}) {table}", timeout=STATEMENT_S)
            return
        except asyncpg.LockNotAvailableError as error:
            if attempt == ATTEMPTS:
                raise Unavailable("The database is too busy to be cleared: run the same command again.") from error
            await asyncio.sleep(attempt)


async def clear_cache(redis: Redis) -> None:
    """Has Redis write its append-only file anew, where it keeps one, and waits until it has.

    Call it when the keys are gone. Raises `Unavailable` where that fails; what a managed server refuses is left to it.
    """
    persistence = await redis.info("persistence")
    if not persistence["aof_enabled"]:
        return
    await _until_rewritten(redis)
    with suppress(ResponseError):  # a managed server refuses
        await redis.bgrewriteaof()
    persistence = await _until_rewritten(redis)
    if persistence["aof_last_bgrewrite_status"] != "ok":
        raise Unavailable("Redis could not write its file anew: see that its disk has room, and run the command again.")


async def _until_rewritten(redis: Redis) -> dict[str, Any]:
    """Waits while a rewrite is under way; what Redis says of its persistence then."""
    deadline = time.monotonic() + REWRITE_S
    while True:
        persistence = await redis.info("persistence")
        if not persistence["aof_rewrite_in_progress"] and not persistence["aof_rewrite_scheduled"]:
            return dict(persistence)
        if time.monotonic() > deadline:
            raise Unavailable("Redis does not finish writing its file anew: run the same command again.")
        await asyncio.sleep(POLL_S)
