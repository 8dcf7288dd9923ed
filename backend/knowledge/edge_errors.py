"""What Qdrant Edge raises when it fails: no class of its own, and over damaged files a panic, no `Exception` at all."""

from collections.abc import Iterator
from contextlib import contextmanager


class EngineFailure(Exception):
    """The engine could not do what it was asked for; the cause says why."""


@contextmanager
def engine_failures(*, passing: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Makes one class of everything that the engine raises; our own errors in `passing` go through as they are."""
    try:
        yield
    except passing:
        raise
    except Exception as error:  # it raises no narrower class than this
        raise EngineFailure from error
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":
            raise
        raise EngineFailure from error
