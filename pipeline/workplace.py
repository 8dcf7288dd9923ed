"""What a curator's command works with: settings, running engines, the newest schema, a log."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from backend import settings as configuration
from backend.database import open_database
from backend.embedded import engines
from backend.migrations import bring_up_to_date
from backend.settings import Settings

LOG = "ingest.log"
CONNECTIONS = 4


@contextmanager
def workplace() -> Iterator[Settings]:
    """The settings with the addresses of engines that run until the block ends, and a database of today's schema.

    Call it outside an event loop. Raises a `FootnoteError` where nothing can be done at all.
    """
    settings = configuration.load()
    with engines(settings) as resolved:
        logging.basicConfig(filename=settings.data_dir / LOG, level=logging.WARNING)
        bring_up_to_date(resolved)
        yield resolved


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """The database, closed when the block ends."""
    engine = open_database(settings.database.url, pool_size=CONNECTIONS)
    try:
        yield engine
    finally:
        await engine.dispose()
