"""The parent's side of one child: starts it, asks it, and ends it when it does not answer."""

import logging
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from time import monotonic

from backend.errors import ContentError
from pipeline.sandbox.limits import GIB, Limits
from pipeline.sandbox.wire import HEAD, LONGEST_HEAD, OUT_OF_MEMORY, START, Head, Start, frame, receive
from pipeline.sources.parsed import NothingToRead

log = logging.getLogger(__name__)

PIECE = 1 << 18  # bytes read at once
LAST_BREATH_S = 2  # in which a child that closed its pipe is to be gone
CRASHED = "Its reader crashed: it is damaged, or needs more memory than it may take."
# No key or address of the parent's environment; one heap, because each would reserve 64 MiB of the address space.
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": os.defpath, "MALLOC_ARENA_MAX": "1", "TOKENIZERS_PARALLELISM": "false"}


def child_command(limits: Limits, *, may_write: bool) -> list[str]:
    """What starts a child that ends with this process. It sees nothing of the user's Python, and keeps no bytecode."""
    start = START.dump_json(Start(os.getpid(), limits, may_write)).decode()
    return [sys.executable, "-IB", "-X", "utf8", "-m", "pipeline.sandbox.child", start]


class Worker:
    """One child, asked by one thread at a time; `stop` may come from any other.

    `command` starts a child that keeps `limits` by itself (`child_command`); those of time and of the answer's length
    are also kept from here.
    """

    def __init__(self, command: Sequence[str], limits: Limits) -> None:
        self._limits = limits
        # Its own process group: an interrupt at the keyboard is for the parent, who then ends it.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
            env=ENVIRONMENT, process_group=0,
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._requests, False)
        os.set_blocking(self._answers, False)
        self._is_stopped = False

    @property
    def pid(self) -> int:
        """The child's process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked again."""
        return not self._is_stopped and self._process.poll() is None

    def ask(self, about: str, name: str, arguments: bytes) -> bytes:
        """The result's JSON. `about` is what log lines call the content.

        Raises `ContentError` with the reason where there is none, whatever has become of the child.
        """
        deadline = monotonic() + self._limits.seconds
        try:
            self._write(frame(name.encode()) + frame(arguments), deadline)
            head = HEAD.validate_json(receive(lambda size: self._read(size, deadline), LONGEST_HEAD))
            body = b""
            if head.outcome == "done":
                body = receive(lambda size: self._read(size, deadline), self._limits.answer)
        except TimeoutError:
            self.stop()
            raise ContentError(self._too_slow) from None
        except (EOFError, BrokenPipeError) as error:
            raise self._death(about) from error
        except ValueError as error:
            raise self.distrust(about) from error
        if head.worn:
            self.stop()
        return body if head.outcome == "done" else self._raise(about, head)

    def distrust(self, about: str) -> ContentError:
        """Ends a child whose answer makes no sense; what to raise."""
        log.error("%s: its reader gave an answer that makes no sense", about)
        self.stop()
        return ContentError(CRASHED)

    def stop(self) -> None:
        """Ends the child at once."""
        self._is_stopped = True
        self._process.kill()

    def close(self) -> None:
        """Ends the child and waits until it is gone."""
        self.stop()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    @property
    def _too_slow(self) -> str:
        return f"It takes more than {self._limits.seconds:g} seconds to read."

    def _raise(self, about: str, head: Head) -> bytes:
        match head.outcome:
            case "nothing":
                raise NothingToRead(head.text)
            case "stumbled":
                log.error("%s could not be read: %s", about, head.text)
                error = head.text.partition(" ")[0]
                raise ContentError(f"It could not be read ({error}); ingest.log in the data folder says more.")
        raise ContentError(head.text)

    def _death(self, about: str) -> ContentError:
        """What to say of a child that is gone."""
        try:
            code = self._process.wait(LAST_BREATH_S)
        except subprocess.TimeoutExpired:
            return self.distrust(about)
        if self._is_stopped:
            return ContentError("It was stopped.")
        if code == OUT_OF_MEMORY:
            return ContentError(f"It needs more than {self._limits.memory / GIB:g} GiB of memory to read.")
        if code == -signal.SIGXCPU:
            return ContentError(self._too_slow)
        log.error("%s: its reader ended with code %d", about, code)
        return ContentError(CRASHED)

    def _write(self, content: bytes, deadline: float) -> None:
        rest = memoryview(content)
        while rest:
            self._wait(self._requests, select.POLLOUT, deadline)
            rest = rest[os.write(self._requests, rest) :]

    def _read(self, size: int, deadline: float) -> bytes:
        content = bytearray()
        while len(content) < size:
            self._wait(self._answers, select.POLLIN, deadline)
            piece = os.read(self._answers, min(size - len(content), PIECE))
            if not piece:
                raise EOFError
            content += piece
        return bytes(content)

    def _wait(self, pipe: int, event: int, deadline: float) -> None:
        """Until the pipe can be read or written without waiting. Raises `TimeoutError` when time is up."""
        poll = select.poll()
        poll.register(pipe, event)
        if not poll.poll(max(deadline - monotonic(), 0) * 1000):
            raise TimeoutError
