"""The whole product as a person starts it: `footnote serve` in a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx
import psutil

FOOTNOTE = Path(sys.executable).parent / "footnote"
READY_TIMEOUT_S = 120
# Tests and measurements ask more from one address than any site wants.
PLENTY: dict[str, dict[str, int]] = {
    "visitor": {"per_minute": 1_000_000, "per_hour": 1_000_000, "runs": 1_000_000},
    "address": {"per_minute": 1_000_000, "per_hour": 1_000_000, "runs": 1_000_000},
    "user": {"per_minute": 1_000_000, "per_hour": 1_000_000, "runs": 1_000_000},
    "key": {"per_minute": 1_000_000, "per_hour": 1_000_000, "runs": 1_000_000},
    "site": {"per_minute": 2_000_000, "per_hour": 2_000_000},
    "creator": {"per_minute": 2_000_000, "per_hour": 2_000_000},
}


class Served:
    """Starts the service on a free port and a data folder; `environment` adds settings. Limits are high without it."""

    def __init__(self, data_dir: Path, *arguments: str, **environment: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.log = data_dir.parent / f"{data_dir.name}.log"
        self._arguments = arguments
        self._environment = os.environ | {"FOOTNOTE_LIMITS": json.dumps(PLENTY)} | environment
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> Self:
        """Returns once it is ready to answer."""
        environment = self._environment | {
            "FOOTNOTE_DATA_DIR": str(self.data_dir),
            "FOOTNOTE_SERVER__PORT": str(self.port),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(FOOTNOTE), "serve", *self._arguments], env=environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the service ended:\n{self.log.read_text()}")
            try:
                if httpx.get(f"{self.address}/health/ready", timeout=1).status_code == 200:
                    return self
            except httpx.HTTPError:
                time.sleep(0.05)
        raise RuntimeError(f"the service is not ready:\n{self.log.read_text()}")

    def end(self, how: signal.Signals = signal.SIGTERM, timeout_s: float = 20) -> int:
        """Sends a signal and waits; the exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(timeout_s)

    def engine(self, name: str) -> psutil.Process:
        """A process of the embedded engines: `postgres` (the postmaster), `redis-server`, or their `host`."""
        if name == "host":
            return self.engines()[0]
        for process in self.engines():
            if process.name() == name:
                return process
        raise LookupError(name)

    def engines(self) -> list[psutil.Process]:
        """The engine host's children of this data folder, and the host itself."""
        found = []
        for host in psutil.process_iter(["cmdline"]):
            words = host.info["cmdline"] or []
            if "backend.engine_host" in words and str(self.data_dir.resolve()) in words:
                found += [host, *host.children()]
        return found

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.end()


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
