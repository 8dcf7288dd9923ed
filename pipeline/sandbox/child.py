"""The child's side: locks itself up, then does what it is asked until nobody asks any more.

Run as `python -m pipeline.sandbox.child START`, with requests on its standard input and answers on its output.
"""

import os
import signal
import sys
import traceback
from io import BufferedReader
from typing import BinaryIO

from backend.errors import ContentError
from backend.processes import end_with_parent
from pipeline.sandbox.functions import function_of, signature_of
from pipeline.sandbox.limits import Limits, address_space, lock_down, processor_time
from pipeline.sandbox.wire import HEAD, LONGEST_TEXT, OUT_OF_MEMORY, START, Head, Outcome, frame, receive
from pipeline.sources.parsed import NothingToRead

PLACES = 12  # of a traceback, the innermost
MOST_ASKED = (1 << 32) - 1


def main() -> None:
    """Serves calls until its input ends."""
    start = START.validate_json(sys.argv[1])
    end_with_parent(signal.SIGKILL, start.parent)
    requests, answers = _take_pipes()
    lock_down(start.limits, may_write=start.may_write)
    try:
        while name := _next(requests):
            arguments = receive(requests.read, MOST_ASKED)
            with processor_time(start.limits):
                answer = _answer(name, arguments, start.limits)
            answers.write(answer)
            answers.flush()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)  # at once: there is no memory to clean up in


def _take_pipes() -> tuple[BufferedReader, BinaryIO]:
    """The two pipes under other numbers: whatever libraries print goes nowhere, as it may quote the document."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    return requests, answers


def _next(requests: BufferedReader) -> str:
    """The name of the function that is asked for, or nothing where the input has ended."""
    return receive(requests.read, MOST_ASKED).decode() if requests.peek(1) else ""


def _answer(name: str, arguments: bytes, limits: Limits) -> bytes:
    outcome: Outcome
    body = b""
    try:
        body = _result(name, arguments)
        if len(body) > limits.answer:
            raise ContentError("There is too much text in it for one document: divide it.")
        outcome, text = "done", ""
    except NothingToRead as error:
        outcome, text = "nothing", error.message
    except ContentError as error:
        outcome, text = "refused", error.message
    except RecursionError:
        outcome, text = "refused", "It is nested too deeply to be read."
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  whatever a reader stumbles over is the parent's to tell
        outcome, text = "stumbled", _told(error)
    worn = address_space() > limits.memory // 2
    head = frame(HEAD.dump_json(Head(outcome, text[:LONGEST_TEXT], worn)))
    return head + frame(body) if outcome == "done" else head


def _result(name: str, arguments: bytes) -> bytes:
    function = function_of(name)
    signature = signature_of(function)
    return signature.result.dump_json((function(*signature.arguments.validate_json(arguments)),))


def _told(error: Exception) -> str:
    """The error's name and where it arose; not its message, which may quote the document."""
    frames = list(traceback.walk_tb(error.__traceback__))[-PLACES:]
    places = (f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}:{line}" for frame, line in frames)
    return f"{type(error).__name__} {' > '.join(places)}"


if __name__ == "__main__":
    main()
