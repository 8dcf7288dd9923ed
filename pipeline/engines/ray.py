"""The heavy part of an ingestion on a Ray cluster."""

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from backend.errors import FootnoteError, Unavailable
from pipeline.engines import ray_driver
from pipeline.engines.engine import Batch
from pipeline.engines.order import Order
from pipeline.source import Task

WINDOW = 10_000  # documents that Ray is told of at once; for the next, actors are made anew on what machines there are
STORE = 32 << 20  # bytes an actor that may wait between the stages, before the first of them has to
STOP_S = 20  # in which a cluster of our own ends


class RayEngine:
    """See `Engine`. Holds one batch here; on the cluster at most `store` bytes an actor wait for whoever is slow.

    `model` is the folder of the exported model and `log` a file for what goes wrong with a document; the machines of
    the cluster must have both, and the documents, under the same paths. What an actor was at when it died, another does
    again. `window` documents are under way at most.
    """

    def __init__(self, model: Path, log: Path, *, window: int = WINDOW, store: int = STORE) -> None:
        self._model = model
        self._log = log
        self._window = window
        self._store = store

    def batches(self, tasks: Iterable[Task]) -> Generator[Batch, None, None]:
        """See `Engine.batches`.

        Raises `ConfigurationError` where the cluster is unfit, `Unavailable` where it does not answer, or is lost.
        """
        waiting = iter(tasks)
        with self._driver() as driver:
            while window := list(islice(waiting, self._window)):
                yield from _through(driver, window)

    @contextmanager
    def _driver(self) -> Iterator["subprocess.Popen[bytes]"]:
        """The process that drives the cluster, which ends with the block."""
        with tempfile.TemporaryDirectory(prefix="footnote-ray-", ignore_cleanup_errors=True) as folder:
            given = [str(os.getpid()), str(self._model), str(self._log), str(self._store), folder]
            with subprocess.Popen(
                [sys.executable, "-P", "-m", ray_driver.__name__, *given],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, process_group=0,
            ) as driver:  # fmt: skip
                assert driver.stdin is not None
                try:
                    yield driver
                finally:
                    driver.terminate()
                    with suppress(BrokenPipeError):
                        driver.stdin.close()
                    try:
                        driver.wait(STOP_S)
                    except subprocess.TimeoutExpired:
                        driver.kill()


def _through(driver: "subprocess.Popen[bytes]", tasks: list[Task]) -> Iterator[Batch]:
    assert driver.stdin is not None
    assert driver.stdout is not None
    order = Order(task.source for task in tasks)
    with suppress(BrokenPipeError):  # it has said why it ended
        pickle.dump(tasks, driver.stdin)
        driver.stdin.flush()
    try:
        while (made := pickle.load(driver.stdout)) is not None:
            if isinstance(made, FootnoteError):
                raise made
            order.check(made)
            yield made
    except (EOFError, pickle.UnpicklingError) as error:
        raise Unavailable(ray_driver.LOST) from error
    order.check_end()
