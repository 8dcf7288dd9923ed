"""The SQL database: one engine a process, one metadata for all tables."""

import asyncio
import logging
import math
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import lru_cache

import asyncpg
from sqlalchemy import MetaData, event, text
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection
from sqlalchemy.exc import DBAPIError, DisconnectionError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from backend.errors import Unavailable

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

log = logging.getLogger(__name__)

CONNECT_S = 5
CLOSE_S = 0.1
STATEMENT_S = 10
SAY_AGAIN_AFTER_S = 60.0
REFUSED = re.compile(r"53...|25006")  # no room on its disk, no memory, no connection; a server that is read-only
# Takes a page on the disk, and gives it back.
LITTLE_WRITE = text("CREATE TEMPORARY TABLE footnote_can_write ON COMMIT DROP AS SELECT 1 AS one")


def open_database(url: str, *, pool_size: int = 10, patient: bool = False) -> AsyncEngine:
    """An engine for a `postgresql+asyncpg://` address; connects on first use, and replaces connections that the server
    has closed before they are used, so that a restarted server costs nobody an error. Statements may take 10 s, after
    which the connection is taken for dead; those of a `patient` one take what they take."""
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        hide_parameters=True,
        connect_args={"timeout": CONNECT_S, "command_timeout": None if patient else STATEMENT_S},
    )
    event.listen(engine.sync_engine, "checkout", refuse_closed)
    return engine


async def close_database(engine: AsyncEngine) -> None:
    """Closes the connections; what has not ended within `CLOSE_S` seconds ends with the process. A server that hangs
    would take ten seconds for each of them."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            await engine.dispose()


def refuse_closed(connection: AsyncAdapt_asyncpg_connection, _record: object, _proxy: object) -> None:
    """Makes the pool take a new connection for one that the server has closed. The driver knows that without asking, so
    this saves the round trip of a ping for every statement."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction, committed when the block ends. Raises `Unavailable` where the database is away."""
    with translated():
        async with engine.begin() as connection:
            yield connection


@asynccontextmanager
async def autocommit(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection on which each statement is its own transaction: two round trips less. Raises `Unavailable`
    likewise."""
    with translated():
        async with autocommitting(engine).connect() as connection:
            yield connection


@lru_cache(maxsize=1)
def autocommitting(engine: AsyncEngine) -> AsyncEngine:
    """The same engine and pool; made once, as it costs as much as a small statement."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


class Refusals:
    """Whether the server that this process writes to refuses to be written, which a question that only reads does not
    show: its disk is full, say, or it has become a replica."""

    def __init__(self) -> None:
        self.last: str | None = None
        self._said_at = -math.inf

    def note(self, error: BaseException) -> None:
        """Keeps the SQLSTATE of a refusal, and says it in the log at most once a minute; its text may quote a row."""
        states = (str(getattr(cause, "sqlstate", "")) for cause in causes(error))
        state = next((state for state in states if REFUSED.fullmatch(state)), None)
        if state is None:
            return
        self.last = state
        if time.monotonic() >= self._said_at + SAY_AGAIN_AFTER_S:
            self._said_at = time.monotonic()
            log.error(
                "Postgres refuses to write (SQLSTATE %s), so questions get a 503: see its disk, memory and log", state
            )

    async def look(self, engine: AsyncEngine) -> None:
        """Raises `Unavailable` where the server does not answer, or has refused and still refuses to be written."""
        async with autocommit(engine) as connection:
            with suppress(ProgrammingError):  # no right to make temporary tables: the next question will show it
                await connection.execute(LITTLE_WRITE if self.last else text("SELECT 1"))
        self.last = None


refusals = Refusals()


@contextmanager
def translated() -> Iterator[None]:
    """A database that is away is `Unavailable`; every other error stays what it is."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        if not is_away(error):
            raise
        refusals.note(error)
        raise Unavailable("The service cannot reach its database; try again shortly.", retry_after=2) from error


# Connection exceptions, insufficient resources, operator intervention, a server that is read-only for a while, and a
# deadlock, out of which the server has chosen this statement to be the one that gives way.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
AWAY = re.compile(r"08...|53...|57...|25006|40P01")


def is_away(error: BaseException) -> bool:
    """Whether the database could not be reached, went away or cannot serve just now, so that a retry may help."""
    if isinstance(error, OSError | PoolTimeout):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return any(
        isinstance(cause, OSError | asyncpg.InterfaceError) or AWAY.fullmatch(str(getattr(cause, "sqlstate", "")))
        for cause in causes(error)
    )


def causes(error: BaseException) -> list[BaseException]:
    """The exception and everything it was raised from, outermost first."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or getattr(current, "orig", None)
    return chain
