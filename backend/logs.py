"""The log: where things went wrong, never what was said."""

import logging
import traceback
from types import TracebackType
from typing import Any

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class FramesOnly(logging.Formatter):
    """Shows an exception as its type and its stack. Its text may quote a question, an upstream, an address or a key."""

    def formatException(self, ei: ExcInfo) -> str:
        lines = traceback.format_tb(ei[2])
        return "".join(lines) + (ei[0].__name__ if ei[0] else "")


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "backend.logs.FramesOnly", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    # Other libraries' messages may quote what an upstream said: they are heard from WARNING on.
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "backend": {"level": "INFO"},
        "aiohttp": {"level": "CRITICAL"},  # quotes cookies and heads that it cannot read
    },
}
