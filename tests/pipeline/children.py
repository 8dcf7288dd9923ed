"""Documents on their way through the children that read them."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import psutil

from pipeline.cut import Cut
from pipeline.sandbox.pool import Pool
from pipeline.sandbox.reading import cut_document
from pipeline.source import Request, Source, Task

SLOW = "Gain staging is mostly solved.\n\n" * 300_000  # some ten seconds' work


def task_of(path: Path, text: str | None = None) -> Task:
    if text is not None:
        path.write_text(text)
    return Task(Source(path, path.name, str(path), Request(str(path)), creator="ana"))


def children() -> dict[int, psutil.Process]:
    """The children of this process that read documents."""
    found: dict[int, psutil.Process] = {}
    for child in psutil.Process().children():
        with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):  # another test's, which nobody has waited for
            if "pipeline.sandbox.child" in child.cmdline():
                found[child.pid] = child
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def reading(pool: Pool, task: Task) -> tuple[Future[Cut], psutil.Process]:
    """A document that a child of its own has begun to read."""
    before = children()
    future = pool.submit(task.source.origin, cut_document, task, pool.model)
    wait_until(lambda: bool(children().keys() - before.keys()))
    (child,) = (child for pid, child in children().items() if pid not in before)
    wait_until(lambda: child.cpu_times().user > 0.5)
    return future, child


def cut_in(pool: Pool, task: Task) -> Cut:
    return pool.submit(task.source.origin, cut_document, task, pool.model).result()
