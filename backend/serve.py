"""Starts the service: checks what can be checked, brings up what is embedded, fills an empty library, and serves."""

import asyncio
import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import uvicorn
from redis.asyncio import Redis
from sqlalchemy import func, select
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from backend.api.connection import Connection
from backend.chat.journal import JournalReader
from backend.chat.pulse import Pulse
from backend.chat.saving import DRAINING_SAVE_S, LAST_FRAMES_S
from backend.conversations.postgres import PostgresConversations
from backend.database import open_database, transaction
from backend.embedded import engines
from backend.errors import ConfigurationError, Unavailable
from backend.knowledge.catalogue import documents
from backend.knowledge.embedders import ensure_model, model_folder
from backend.knowledge.models import EmbeddingModel
from backend.knowledge.opening import open_index
from backend.logs import LOGGING
from backend.migrations import bring_up_to_date
from backend.settings import EMBEDDED, ServerSettings, Settings
from backend.settings_files import PREFIX

APP = "backend.app:create_app"
READY_TIMEOUT_S = 60
LAST_PORT = 65535
SAMPLE = Path(__file__).parent.parent / "scripts" / "sample"


def serve(settings: Settings, *, sample: bool, say: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM; every child has ended when it returns.

    `sample` ingests the sample content if nothing has been ingested yet. `say` gets lines for the terminal.
    Raises `ConfigurationError` with one sentence where it cannot start.
    """
    if problem := settings.problem_of_serving():
        raise ConfigurationError(problem)
    refuse_taken_port(settings.server.host, settings.server.port)
    signal.signal(signal.SIGTERM, exit_on_signal)
    with suppress(KeyboardInterrupt), engines(settings) as resolved, only_instance(settings):
        bring_up_to_date(resolved)
        model = asyncio.run(model_of_library(resolved))
        if model_folder(settings, model) is None:
            say("Preparing the embedding model, once …")
        ensure_model(settings, model)
        if settings.database.url == EMBEDDED:
            asyncio.run(end_interrupted_runs(resolved))
        if sample and asyncio.run(is_empty(resolved)):
            say("Ingesting the sample content, once …")
            ingest(SAMPLE, settings.data_dir)
        run_server(resolved, say)


def run_server(settings: Settings, say: Callable[[str], None]) -> None:
    """Runs the workers, which read these settings from the environment. Raises `SystemExit` where one cannot start."""
    os.environ[f"{PREFIX}DATA_DIR"] = str(settings.data_dir)
    os.environ[f"{PREFIX}DATABASE__URL"] = settings.database.url
    os.environ[f"{PREFIX}REDIS__URL"] = settings.redis.url
    server = settings.server
    threading.Thread(target=announce, args=(server.host, server.port, say), daemon=True).start()
    arguments: dict[str, Any] = {
        "factory": True,
        "host": server.host,
        "port": server.port,
        "workers": server.workers,
        "loop": "uvloop",
        "lifespan": "on",
        "server_header": False,
        "log_config": LOGGING,
        **connections(server),
    }
    if server.workers == 1:
        uvicorn.run(APP, **arguments)
        return
    config = uvicorn.Config(APP, **arguments)
    workers = Workers(config, sockets=[config.bind_socket()])
    workers.run()
    if workers.could_not_start:
        raise SystemExit(STARTUP_FAILURE)  # as the server does of one worker


class Workers(Multiprocess):
    """Several workers, of which is known afterwards whether one of them could not start; else a signal ended them."""

    could_not_start = False

    def keep_subprocess_alive(self) -> None:
        """Looks after the workers, and sees whether that was the end; signals are seen to elsewhere."""
        if not self.should_exit.is_set():
            super().keep_subprocess_alive()
            self.could_not_start = self.should_exit.is_set()


def connections(server: ServerSettings) -> dict[str, Any]:
    """How the server treats connections, as arguments for uvicorn.

    At the end what is still open is cut, unless it has ended by itself: streams of other workers' runs, whose readers
    go on elsewhere, and readers who do not read.
    """
    return {
        "http": partial(Connection, receive_timeout_s=server.receive_timeout_s, send_timeout_s=server.send_timeout_s),
        "ws": "none",
        "access_log": False,
        "proxy_headers": False,  # whom a proxy speaks for is read by one rule, `backend.limits.client_address`
        "timeout_graceful_shutdown": server.drain_s + DRAINING_SAVE_S + LAST_FRAMES_S,
    }


def announce(host: str, port: int, say: Callable[[str], None]) -> None:
    """Says where the service answers, once it does."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    while time.monotonic() < deadline:
        with suppress(OSError, urllib.error.URLError):
            direct.open(f"{address}/health/ready", timeout=2).close()
            say(f"Footnote answers at {address}  (Ctrl-C ends it)")
            return
        time.sleep(0.1)


def refuse_taken_port(host: str, port: int) -> None:
    """Finds out before anything is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise ConfigurationError(f"Port {port} needs more rights: choose one above 1023 with PORT=.") from error
        except (OSError, TypeError) as error:  # the second of a name that could not be one
            if getattr(error, "errno", None) != errno.EADDRINUSE:
                raise ConfigurationError(
                    "`server.host` is no address of this machine: name one that it has, or 0.0.0.0 for all of them."
                ) from error
            other = port + 1 if port < LAST_PORT else port - 1
            raise ConfigurationError(
                f"Port {port} on {host} is taken by another program: end that one, or choose another with PORT={other}."
            ) from error


@contextmanager
def only_instance(settings: Settings) -> Iterator[None]:
    """Holds the data folder where the embedded database lives in it; a second instance is refused with a sentence."""
    if settings.database.url != EMBEDDED:
        yield
        return
    with (settings.data_dir / "instance.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"The data folder {settings.data_dir} is in use by a running instance: "
                "end that, or choose another with DATA=."
            ) from error
        yield


async def end_interrupted_runs(settings: Settings) -> None:
    """Nobody else serves this folder, so whatever still counts as running was cut off."""
    engine = open_database(settings.database.url, pool_size=1)
    redis = Redis.from_url(settings.redis.url)
    try:
        await Pulse(PostgresConversations(engine), JournalReader(redis)).end_all()
    finally:
        await redis.aclose()
        await engine.dispose()


async def model_of_library(settings: Settings) -> EmbeddingModel | None:
    """The model that made the index, or None where it is empty or away."""
    index = open_index(settings)
    try:
        return await index.model()
    except Unavailable:
        return None
    finally:
        await index.close()


async def is_empty(settings: Settings) -> bool:
    """Whether nothing has been ingested yet."""
    engine = open_database(settings.database.url, pool_size=1)
    try:
        async with transaction(engine) as connection:
            return (await connection.execute(select(func.count()).select_from(documents))).scalar_one() == 0
    finally:
        await engine.dispose()


def ingest(folder: Path, data_dir: Path) -> None:
    """Runs the curators' command, which shows its own progress."""
    command = [str(Path(sys.executable).parent / "footnote"), "ingest", str(folder)]
    if subprocess.run(command, env=os.environ | {f"{PREFIX}DATA_DIR": str(data_dir)}).returncode:
        raise ConfigurationError("The sample content could not be ingested; the reason is above.")


def exit_on_signal(_signal: int, _frame: FrameType | None) -> NoReturn:
    """SIGTERM before the server runs ends like Ctrl-C: through every `finally`."""
    raise SystemExit(0)
