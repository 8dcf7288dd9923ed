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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from backend.conversations.models import agent_sessions, conversations, messages, runs
from backend.database import is_away, open_database, translated
from backend.errors import Unavailable
from backend.knowledge.catalogue import creators, documents, embeddings
from backend.settings import Settings

TABLES = (conversations, messages, runs, agent_sessions, documents, embeddings, creators)
# A table that is rewritten can neither be read nor written meanwhile: for 1 to 3 s a hundred megabytes, measured on two
# cores that were busy with other things.
REWRITTEN_BYTES = 64 * 2**20
LOCK_TIMEOUT = "2s"  # whoever waits for a lock makes everybody behind it wait
ATTEMPTS = 5
STATEMENT_S = 600
REWRITE_S = 120
POLL_S = 0.05


async def clear_database(settings: Settings) -> None:
    """Rewrites or vacuums the tables that hold content, and has the write-ahead log closed.

    Call it when the rows are gone. Raises `Unavailable` where the database is away, or too busy to give a table up for
    a moment.
    """
    engine = open_database(settings.database.url, pool_size=1)
    try:
        with _translated():
            async with engine.connect() as connection:
                # The driver's own connection: no transaction around it, and no time limit of a visitor's statement.
                raw: Any = (await connection.get_raw_connection()).driver_connection
                await raw.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
                for table in TABLES:
                    size = await raw.fetchval("SELECT pg_total_relation_size($1::regclass)", table.name)
                    await _vacuum(raw, table.name, "FULL, ANALYZE" if size <= REWRITTEN_BYTES else "ANALYZE")
                if await raw.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
                    await _vacuum(raw, "pg_statistic", "FULL")
                    await raw.execute("SELECT pg_switch_wal()")
                    await raw.execute("CHECKPOINT", timeout=STATEMENT_S)
                await connection.invalidate()  # its lock timeout is nobody else's
    finally:
        await engine.dispose()


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
