"""The log never quotes."""

import io
import logging
import subprocess
import sys
import textwrap

import pytest

from backend.errors import ConfigurationError
from backend.logs import FramesOnly, without_quotation

CANARY = chr(99) + "anary"  # not in the source itself, of which a stack shows lines


def logged(write: object, name: str = "backend.test") -> str:
    """What the log says of what `write` tells this logger."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(FramesOnly("%(message)s"))
    log = logging.Logger(name)
    log.addHandler(handler)
    write(log)  # type: ignore[operator]
    return stream.getvalue()


def fail(log: logging.Logger, error: Exception) -> None:
    try:
        raise error
    except Exception:
        log.exception("it failed")


def test_an_exception_is_logged_as_its_stack_and_type_without_its_text() -> None:
    said = logged(lambda log: fail(log, ValueError(CANARY)))
    assert "it failed" in said
    assert "ValueError" in said
    assert "test_logs.py" in said
    assert CANARY not in said


def test_that_another_handler_has_written_the_whole_exception_changes_nothing() -> None:
    def write(log: logging.Logger) -> None:
        other = logging.StreamHandler(io.StringIO())
        other.setFormatter(logging.Formatter())
        log.handlers.insert(0, other)
        fail(log, ValueError(CANARY))
        assert CANARY in other.stream.getvalue()

    assert CANARY not in logged(write)


def test_a_configuration_that_is_wrong_is_told_in_its_sentence() -> None:
    assert "Set it to 7." in logged(lambda log: fail(log, ConfigurationError("Set it to 7.")))


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Invalid HTTP request received.", "Invalid HTTP request received."),
        ("Exception in ASGI application\n", "Exception in ASGI application\n"),
        ("Child process [17] died", "Child process [17] died"),
        ("Task exception was never retrieved\nfuture: <Task coro=<ask('x')>>", "Task exception was never retrieved …"),
        ("Exception in callback answer('x') at chat.py:3", "Exception in callback answer …"),
        ("Cannot connect to host: x", "Cannot connect to host …"),
        ("It got x=3", "It got x …"),
        (ValueError("x"), "ValueError"),
    ],
)
def test_of_another_librarys_message_there_is_as_much_as_quotes_nothing(message: object, shown: str) -> None:
    assert without_quotation(message) == shown
    assert logged(lambda log: log.error(message), "asyncio") == f"{shown}\n"


def test_nothing_that_was_put_into_another_librarys_message_is_shown_and_what_is_in_ours_is() -> None:
    assert logged(lambda log: log.error("refused %s", CANARY), "redis.client") == "refused %s\n"
    assert logged(lambda log: log.error("tier %s", "fast"), "backend.llm.race") == "tier fast\n"
    assert logged(lambda log: log.error("refused %s", CANARY), "backendless") == "refused %s\n"


SETTING_UP = """
import asyncio, gc, logging, logging.config, sys, threading, warnings
import uvloop
from backend.logs import LOGGING, log_what_python_prints
logging.config.dictConfig(LOGGING)
log_what_python_prints()
canary = chr(99) + "anary"
async def fail(what=canary):
    raise ValueError(what)
def fail_now(what):
    raise ValueError(what)
async def forgotten():
    asyncio.create_task(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gc.collect()
async def called_back():
    asyncio.get_running_loop().call_soon(fail_now, canary)
    await asyncio.sleep(0)
class Closing:
    def __del__(self):
        fail_now(canary)
"""


@pytest.mark.parametrize(
    ("happening", "told"),
    [
        ("asyncio.run(forgotten())", "Task exception was never retrieved"),
        ("uvloop.run(forgotten())", "Task exception was never retrieved"),
        ("asyncio.run(called_back())", "Exception in callback"),
        ("uvloop.run(called_back())", "Exception in callback"),
        ("threading.Thread(target=fail_now, args=(canary,)).start()", "nobody caught an exception in a thread"),
        ("warnings.warn(canary)", "UserWarning at"),
        ("Closing()", "an exception could not be raised"),
        ("fail_now(canary)", "nobody caught an exception"),
        ("logging.getLogger('httpx2').info('HTTP Request: %s', canary)", ""),
        ("logging.getLogger('openai').warning('retrying %s', canary)", "retrying %s"),
        ("logging.getLogger('sqlalchemy.pool').error('Exception closing connection %r', canary)", "closing connection"),
        ("logging.getLogger('asyncpg').error('broken %d', canary)", "broken %d"),
        ("logging.getLogger('backend').error('it says %d', canary)", ""),
    ],
)
def test_what_python_and_others_say_of_a_failure_quotes_nothing(happening: str, told: str) -> None:
    program = f"{SETTING_UP}\n{textwrap.dedent(happening)}\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert told in done.stderr
    assert CANARY not in done.stderr + done.stdout
