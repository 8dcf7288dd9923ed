"""Alembic's entry: runs the migrations on one connection, behind a lock."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text

import backend.conversations.models
import backend.knowledge.catalogue  # noqa: F401  (registers its tables)
from backend.database import metadata, open_database

LOCK = 7_316_402_915_530_118  # any number that nothing else in this database locks


def run(connection: Connection) -> None:
    """Upgrades inside one transaction, so that a killed start leaves the old schema."""
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        context.run_migrations()


async def upgrade(url: str) -> None:
    """Opens an engine for this one purpose."""
    engine = open_database(url, pool_size=1)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(run)
            await connection.commit()
    finally:
        await engine.dispose()


asyncio.run(upgrade(context.config.attributes["url"]))
