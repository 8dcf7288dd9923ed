"""Attaches to the embedded Postgres and Redis of a data folder, starting them where nobody has.

The engines belong to one host process a data folder (`backend.engine_host`). Everybody who uses them holds a shared
lock; the host ends them when the last lock is gone, however its holder died. So `ingest` and `serve` may come and go in
any order, and a killed process leaves nothing behind.
"""

import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from backend.errors import ConfigurationError, FootnoteError
from backend.settings import EMBEDDED, Settings

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 15
POLL_S = 0.05


@contextmanager
def engines(settings: Settings) -> Iterator[Settings]:
    """The settings with real addresses in place of `embedded`; the engines run until the block ends.

    Raises `ConfigurationError` where the data folder is not writable or the engines do not start.
    """
    if EMBEDDED not in (settings.database.url, settings.redis.url):
        yield settings
        return
    folder = engine_folder(settings.data_dir)
    with open_lock(folder / "clients.lock") as clients:
        take_shared(clients)
        addresses = wait_for_host(settings.data_dir)
        ended = threading.Event()
        threading.Thread(target=keep_host, args=(settings.data_dir, ended), daemon=True).start()
        try:
            yield with_addresses(settings, addresses)
        finally:
            ended.set()
            fcntl.flock(clients, fcntl.LOCK_UN)
            wait_for_end(folder, clients)


def engine_folder(data_dir: Path) -> Path:
    """Where locks, addresses and logs of the engines lie; made if missing."""
    folder = data_dir.resolve() / "engines"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
    except OSError as error:
        raise ConfigurationError(
            f"The data folder {data_dir} cannot be written ({os.strerror(error.errno or 0).lower()}): "
            "free some space, mend its permissions, or choose another with DATA= or FOOTNOTE_DATA_DIR."
        ) from error
    return folder


def open_lock(path: Path) -> IO[str]:
    """A lock file, open; closing it gives the lock back."""
    return path.open("a")


def is_free(path: Path) -> bool:
    """Whether nobody holds the exclusive lock on this file."""
    with open_lock(path) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def take_shared(clients: IO[str]) -> None:
    """Becomes a client; waits while a host is just ending."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(clients, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return
        if time.monotonic() > deadline:
            raise ConfigurationError("The embedded engines of this data folder do not end; see engines/host.log in it.")
        time.sleep(POLL_S)


def wait_for_host(data_dir: Path) -> dict[str, str]:
    """The addresses that the host has published; starts a host where there is none."""
    folder = engine_folder(data_dir)
    published, host_lock = folder / "addresses.json", folder / "host.lock"
    deadline = time.monotonic() + START_TIMEOUT_S
    host: subprocess.Popen[bytes] | None = None
    while time.monotonic() < deadline:
        if not is_free(host_lock):
            with suppress(FileNotFoundError):
                addresses: dict[str, str] = json.loads(published.read_text())
                return addresses
        elif host is None or host.poll() == 0:
            published.unlink(missing_ok=True)
            host = start_host(data_dir, folder)
        elif host.poll() is not None:
            break
        time.sleep(POLL_S)
    raise ConfigurationError(
        f"The embedded Postgres and Redis did not start; the reason is at the end of {folder}/host.log."
    )


def keep_host(data_dir: Path, ended: threading.Event) -> None:
    """Starts a host again that was killed; the addresses stay the same."""
    folder = engine_folder(data_dir)
    while not ended.wait(1):
        if is_free(folder / "host.lock") and not ended.is_set():
            with suppress(FootnoteError):
                wait_for_host(data_dir)


def start_host(data_dir: Path, folder: Path) -> subprocess.Popen[bytes]:
    """A host in a session of its own, so that Ctrl-C reaches its clients and not the engines."""
    with (folder / "host.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "backend.engine_host", str(data_dir.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def wait_for_end(folder: Path, clients: IO[str]) -> None:
    """Where we were the last client, waits until the engines have ended, so that no child outlives the command."""
    deadline = time.monotonic() + STOP_TIMEOUT_S
    published, host_lock = folder / "addresses.json", folder / "host.lock"
    while time.monotonic() < deadline and not is_free(host_lock):
        if published.exists():
            try:
                fcntl.flock(clients, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if published.exists():
                    return  # somebody else goes on using them
            fcntl.flock(clients, fcntl.LOCK_UN)
        time.sleep(POLL_S)


def with_addresses(settings: Settings, addresses: dict[str, str]) -> Settings:
    """The same settings with `embedded` replaced."""
    database, redis = settings.database, settings.redis
    if database.url == EMBEDDED:
        database = database.model_copy(update={"url": addresses["database"]})
    if redis.url == EMBEDDED:
        redis = redis.model_copy(update={"url": addresses["redis"]})
    return settings.model_copy(update={"database": database, "redis": redis})
