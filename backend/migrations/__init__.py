"""The schema's history (Alembic), and the one way to bring a database up to it."""

from pathlib import Path

from alembic import command
from alembic.config import Config


def migrate(url: str) -> None:
    """Brings the database at this address to the newest schema; safe when several processes do it at once.

    Ended on the way it goes on when it is called again. It takes as long as it takes: call it outside an event loop.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = url
    command.upgrade(config, "head")
