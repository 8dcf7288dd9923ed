"""A Ray cluster of two workers, as somebody else would have started it.

python -m tests.pipeline.ray_cluster FOLDER prints its address, and ends it when its input ends.
"""

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from pipeline.engines import ray_driver

WORKERS = 2
STORE = 128 << 20


@contextmanager
def two_workers(folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which a command finds the cluster; `folder` must have a short path."""
    environment = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # on loopback
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.pipeline.ray_cluster", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
        text=True,
    ) as holder:
        assert holder.stdout is not None
        try:
            yield {**environment, "RAY_ADDRESS": holder.stdout.readline().strip()}
        finally:
            holder.communicate("")


def actors(kind: str, among: psutil.Process | None = None) -> list[psutil.Process]:
    """The processes of the actors of this kind, of whatever `among` (by default, this process) has started."""
    found = []
    for process in (among or psutil.Process()).children(recursive=True):
        try:
            name = " ".join(process.cmdline())
        except psutil.Error:  # it is gone
            continue
        if name.startswith("ray::") and kind in name and "get_location" not in name:
            found.append(process)
    return found


def own_folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("footnote-ray-*"))


def listening(process: psutil.Process) -> set[str]:
    """The addresses at which a process can be reached."""
    try:
        connections = process.net_connections("inet")
    except psutil.NoSuchProcess:
        return set()
    return {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}


def drivers() -> list[psutil.Process]:
    """The processes of ours that drive a cluster, whose end is also that of a driver that loses it."""
    return [child for child in psutil.Process().children() if ray_driver.__name__ in child.cmdline()]


def until(what: object, seconds: float = 120) -> None:
    """Waits until `what()` is true."""
    deadline = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def main(folder: str) -> None:
    import ray

    context = ray.init(
        "local", num_cpus=WORKERS, object_store_memory=STORE, include_dashboard=False, log_to_driver=False,
        logging_level="ERROR", _temp_dir=folder,
    )  # fmt: skip
    print(context.address_info["gcs_address"], flush=True)  # noqa: T201
    sys.stdin.read()
    ray.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
