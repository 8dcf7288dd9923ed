"""The schema's history (Alembic), and the one way to bring a database up to it."""

import asyncio
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from backend.database import open_database
from backend.errors import ConfigurationError
from backend.settings import Settings
from backend.settings_files import PREFIX

HERE = Path(__file__).parent
NEWEST = max(path.name.partition("_")[0] for path in (HERE / "versions").glob("[0-9]*.py"))


def migrate(url: str) -> None:
    """Brings the database at this address to the newest schema; safe when several processes do it at once.

    Ended on the way it goes on when it is called again. It takes as long as it takes: call it outside an event loop.
    """
    if asyncio.run(revision_of(url)) == NEWEST:
        return
    # Whoever has nothing to do need not carry 9 MB for it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["url"] = url
    command.upgrade(config, "head")


async def revision_of(url: str) -> str | None:
    """The revision of the schema there; None where there is none yet."""
    engine = open_database(url, pool_size=1, patient=True)
    try:
        async with engine.connect() as connection:
            found: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
            return found
    except ProgrammingError:
        return None
    finally:
        await engine.dispose()


def bring_up_to_date(settings: Settings) -> None:
    """Migrates the database, or says in one sentence why it cannot be used."""
    try:
        migrate(settings.database.url)
    except TimeoutError as error:
        raise ConfigurationError(
            f"The database does not answer in time: check that it runs, that nothing keeps it busy, and the address in "
            f"{PREFIX}DATABASE__URL, and start again. An upgrade that has begun goes on where it was."
        ) from error
    except (SQLAlchemyError, OSError) as error:
        raise ConfigurationError(
            f"The database cannot be used ({type(error).__name__}): check that it runs, and the address, the user and "
            f"the password in {PREFIX}DATABASE__URL."
        ) from error
