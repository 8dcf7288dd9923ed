"""The log: where things went wrong, never what was said."""

import logging
import re
import sys
import threading
import traceback
import warnings
from copy import copy
from types import TracebackType
from typing import Any

from backend.errors import ConfigurationError

log = logging.getLogger(__name__)

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

OURS = ("backend", "pipeline")
# Behind these a message quotes: the text of an exception, the arguments of a call, an address.
QUOTING = re.compile("[\n'\"`<({=:]")


class FramesOnly(logging.Formatter):
    """Shows an exception as its type and its stack: its text may quote a question, an upstream, an address or a key.

    A configuration that is wrong is told in a sentence of ours. Of another library's message there is as much as its
    author has written: nothing that was put into it, and nothing from the first character on that begins a quotation.
    """

    def format(self, record: logging.LogRecord) -> str:
        record = copy(record)
        record.exc_text = None  # another handler may have written the whole exception there
        if record.name.split(".")[0] not in OURS:
            record.msg, record.args = without_quotation(record.msg), None
        return super().format(record)

    def formatException(self, ei: ExcInfo) -> str:
        lines = traceback.format_tb(ei[2])
        said = f": {ei[1].message}" if isinstance(ei[1], ConfigurationError) else ""
        return "".join(lines) + (f"{ei[0].__name__}{said}" if ei[0] else "")


def without_quotation(message: object) -> str:
    """The beginning of a message, up to where it quotes something; of an exception that is one, the type."""
    if not isinstance(message, str):
        return type(message).__name__
    quoting = QUOTING.search(message)
    return f"{message[: quoting.start()].rstrip()} …" if quoting and message[quoting.start() :].strip() else message


def log_what_python_prints() -> None:
    """Sends to the log what Python itself would print with its text: warnings, and exceptions that nobody caught."""

    def warned(
        _message: Warning | str, category: type[Warning], filename: str, lineno: int, *_more: object, **_named: object
    ) -> None:
        log.warning("%s at %s:%d", category.__name__, filename, lineno)

    def uncaught(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            log.critical("nobody caught an exception", exc_info=(kind, error, frames))

    def uncaught_in_thread(thrown: threading.ExceptHookArgs) -> None:
        if thrown.exc_value is not None:
            log.critical(
                "nobody caught an exception in a thread",
                exc_info=(thrown.exc_type, thrown.exc_value, thrown.exc_traceback),
            )

    def unraisable(thrown: Any) -> None:
        raised = (thrown.exc_type, thrown.exc_value, thrown.exc_traceback)
        log.error("an exception could not be raised", exc_info=raised)

    logging.raiseExceptions = False  # a message that cannot be formatted would be printed with what it quotes
    warnings.showwarning = warned  # type: ignore[assignment]
    sys.excepthook = uncaught
    threading.excepthook = uncaught_in_thread
    sys.unraisablehook = unraisable


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "backend.logs.FramesOnly", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    # What other libraries say of every request is of no use here: they are heard from WARNING on.
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "backend": {"level": "INFO"},
        "aiohttp": {"level": "CRITICAL"},  # quotes cookies and heads that it cannot read
    },
}
