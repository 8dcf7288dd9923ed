"""A service whose Postgres and Redis a test can reach by itself: to kill them, to look into them, to stand between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.database import autocommit, open_database
from backend.errors import Unavailable
from backend.settings import Settings
from tests.model_server import ModelServer
from tests.served import Served

ROLE = "served"  # by which the connections of the service are known from those of the tests
ITS_OWN = f"usename = '{ROLE}'"  # of pg_stat_activity


def serving(library: Settings, model: ModelServer, **environment: str) -> Served:
    """The service on the engines of the tests, not started yet, with the tiers `fast` (the model server) and
    `extractive`."""
    shared = {
        "FOOTNOTE_DATABASE__URL": library.database.url.replace("postgres@", f"{ROLE}@"),
        "FOOTNOTE_REDIS__URL": library.redis.url,
        "FOOTNOTE_SECRET": "b2a91f6c04d7e35881f0c6ad93e742b5",
        "FOOTNOTE_TIERS__FAST__BASE_URL": model.base_url,
        "FOOTNOTE_TIERS__FAST__MODEL": "test",
    }
    return Served(library.data_dir, **(shared | environment))


@asynccontextmanager
async def started(library: Settings, service: Served) -> AsyncIterator[Served]:
    """The service from its start to its end."""
    async with rows_of(library) as rows:
        if not await rows.read(f"SELECT rolname FROM pg_roles WHERE rolname = '{ROLE}'"):
            await rows.run(f"CREATE ROLE {ROLE} SUPERUSER LOGIN")
    await asyncio.to_thread(service.start)
    try:
        yield service
    finally:
        await asyncio.to_thread(service.end)


def socket_of(url: str) -> Path:
    """The Unix socket behind the address of an embedded engine."""
    if url.startswith("unix://"):
        return Path(url.removeprefix("unix://"))
    return Path(url.partition("host=")[2]) / ".s.PGSQL.5432"


class Rows:
    """Reads from Postgres directly, and waits for it where it is being started again."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read(self, statement: str, **values: Any) -> list[Any]:
        """The rows of a statement."""
        query: TextClause = text(statement)
        while True:
            with suppress(Unavailable):
                async with autocommit(self._engine) as connection:
                    return list(await connection.execute(query, values))
            await asyncio.sleep(0.05)

    async def run(self, statement: str, **values: Any) -> None:
        """A statement that gives no rows."""
        async with autocommit(self._engine) as connection:
            await connection.execute(text(statement), values)


@asynccontextmanager
async def rows_of(library: Settings) -> AsyncIterator[Rows]:
    """A connection to Postgres beside those of the service."""
    engine = open_database(library.database.url, pool_size=1)
    try:
        yield Rows(engine)
    finally:
        await engine.dispose()
