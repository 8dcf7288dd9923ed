"""The schema's history (Alembic), and the one way to bring a database up to it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.exc import SQLAlchemyError

from backend.errors import ConfigurationError
from backend.settings import Settings
from backend.settings_files import PREFIX


def migrate(url: str) -> None:
    """Brings the database at this address to the newest schema; safe when several processes do it at once.

    Ended on the way it goes on when it is called again. It takes as long as it takes: call it outside an event loop.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = url
    command.upgrade(config, "head")


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
