"""Tests run two at a time; one that is marked `alone` runs while no other does.

Such a test measures times or makes the machine busy with faults: beside another, either would fail for what the other
one does.
"""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


@contextmanager
def turn(folder: Path, *, alone: bool) -> Iterator[None]:
    """Waits until a test may run, and keeps away what may not run beside it. `folder` is the same for all processes."""
    with ExitStack() as room:
        # Who waits in the entrance until nobody is left in the room keeps others from coming in before.
        with held(folder / "entrance.lock", fcntl.LOCK_EX):
            room.enter_context(held(folder / "room.lock", fcntl.LOCK_EX if alone else fcntl.LOCK_SH))
        yield


@contextmanager
def held(path: Path, how: int) -> Iterator[None]:
    """Holds a lock on a file, also where a child has inherited it."""
    with path.open("a") as lock:
        fcntl.flock(lock, how)
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)
