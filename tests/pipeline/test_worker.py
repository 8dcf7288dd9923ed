"""Whatever a child answers, or does not, its parent goes on."""

import sys
import time

import pytest

from backend.errors import ContentError
from pipeline.sandbox.limits import MIB, Limits
from pipeline.sandbox.wire import HEAD, Head, frame
from pipeline.sandbox.worker import CRASHED, Worker

REFUSED = HEAD.dump_json(Head("refused", "It is odd.", worn=False))
DONE = HEAD.dump_json(Head("done", "", worn=False))


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff\xff\xff\xff",
        b"garbage that looks like a very long frame",
        frame(b"not JSON"),
        frame(b'{"outcome": "done", "text": "", "worn": 0, "more": 1}') + b"\0",
        frame(REFUSED.replace(b"odd", b"odd" * 1000)),
        frame(DONE) + b"\x7f\xff\xff\xff",
        frame(DONE)[:-3],
        b"",
    ],
)
def test_whatever_a_child_says_that_is_no_answer_counts_as_a_crash(answer: bytes) -> None:
    script = f"import sys; sys.stdin.buffer.read(5); sys.stdout.buffer.write({answer!r}); sys.stdout.close()"
    worker = Worker([sys.executable, "-c", script], Limits(seconds=5, answer=MIB))
    with pytest.raises(ContentError) as refusal:
        worker.ask("a.md", "any:function", b"{}")
    assert refusal.value.message == CRASHED
    assert not worker.is_alive
    worker.close()


@pytest.mark.alone
@pytest.mark.parametrize("answer", [b"", frame(DONE), frame(DONE) + frame(b"x" * 1000)[:-1]])
def test_a_child_that_stops_answering_is_ended_in_time(answer: bytes) -> None:
    script = f"import sys, time; sys.stdout.buffer.write({answer!r}); sys.stdout.flush(); time.sleep(60)"
    worker = Worker([sys.executable, "-c", script], Limits(seconds=1.5))
    started = time.monotonic()
    with pytest.raises(ContentError, match=r"^It takes more than 1\.5 seconds to read\.$"):
        worker.ask("a.md", "any:function", b"x" * 10 * MIB)
    assert time.monotonic() - started < 2.5
    worker.close()
