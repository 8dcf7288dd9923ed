"""Alembic's entry: runs the migrations on one connection, behind a lock."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text

import backend.conversations.models
import backend.knowledge.catalogue  # noqa: F401  (registers its tables)
from backend.database import metadata, open_database

LOCK = 7_316_402_915_530_118  # any number that nothing else in this database locks


def run(connection: Connection) -> None:
    """Upgrades a step at a time, each in a transaction of its own, so that a killed start leaves the schema between two
    steps, the next one goes on there, and no step keeps the tables that another has locked.

    The lock is the session's: a step may commit on its way. Neither it nor a step has a time limit, for how long they
    take is a matter of how much there is.
    """
    connection.execute(
        text("SELECT set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false)")
    )
    connection.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
    connection.commit()
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


async def upgrade(url: str) -> None:
    """Opens an engine for this one purpose."""
    engine = open_database(url, pool_size=1, patient=True)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(run)
            await connection.commit()
    finally:
        await engine.dispose()


asyncio.run(upgrade(context.config.attributes["url"]))
