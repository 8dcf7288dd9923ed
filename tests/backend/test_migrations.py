"""The schema that the migrations make, beside the tables that the code knows."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

import backend.conversations.models
import backend.knowledge.catalogue  # noqa: F401  (registers its tables)
from backend.database import metadata, open_database
from backend.settings import Settings


async def test_the_migrations_make_the_tables_that_the_code_knows(settings: Settings) -> None:
    engine = open_database(settings.database.url, pool_size=1)

    def differences(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()
