"""A run: the frames of one answer, written by one detached task, read by anybody at any pace."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Literal

from backend.cancelling import cancelled
from backend.chat.events import KEEPALIVE, DoneEvent, ErrorEvent, Event, encode
from backend.conversations.models import RunRecord

StopReason = Literal["stopped", "abandoned", "shutdown"]

KEEP_ENDED_S = 30  # an ended run stays in memory this long, for readers that are just reconnecting
PIECE = 256  # frames that are sent at once to a reader who is behind; some 15 kB


class Run:
    """The frames of one answer, and who reads them. `append` is called by the run's own task only."""

    def __init__(self, record: RunRecord, changed: Callable[["Run"], None], left: Callable[["Run"], None]) -> None:
        self.id = record.id
        self.record = record
        self.frames: list[bytes] = []
        self.ended = False
        self.readers = 0
        self.is_unread = True  # until the one who has asked comes to read it
        self.stop_reason: StopReason | None = None
        self.producer: asyncio.Task[None] | None = None
        self.grace: asyncio.TimerHandle | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._on_changed = changed
        self._on_last_reader_left = left
        self._waiting: set[asyncio.Future[bool]] = set()

    def append(self, event: Event) -> None:
        """Adds a frame and wakes every reader. `done` and `error` end the run; nothing comes after them."""
        if self.ended:
            raise RuntimeError("a run has one terminal frame")
        self.frames.append(encode(len(self.frames) + 1, event))
        self.ended = isinstance(event, DoneEvent | ErrorEvent)
        self._on_changed(self)
        for future in self._waiting:
            wake(future, True)

    def stop(self, reason: StopReason) -> None:
        """Ends the producing task; the first reason counts. The run saves what there is and then ends."""
        if self.ended or self.stop_reason is not None:
            return
        self.stop_reason = reason
        if self.producer is not None:
            self._stopping = asyncio.create_task(cancelled(self.producer))

    async def follow(self, after: int, keepalive_s: float) -> AsyncGenerator[bytes, None]:
        """The frames after number `after`, as bytes: first those that are there, then each as it comes.

        The frames are shared by all readers: one who is slow, or does not read at all, costs a piece of `PIECE` frames
        and nothing else. Ends after the terminal frame.
        """
        position = min(after, len(self.frames))
        self.readers += 1
        silence = Silence(keepalive_s)
        try:
            while True:
                if position < len(self.frames):
                    frames = self.frames[position : position + PIECE]
                    position += len(frames)
                    yield b"".join(frames)
                elif self.ended:
                    return
                elif not await self._next_frame(silence):
                    yield KEEPALIVE
        finally:
            silence.end()
            self.readers -= 1
            if self.readers == 0 and not self.ended:
                self._on_last_reader_left(self)

    async def _next_frame(self, silence: "Silence") -> bool:
        """Waits for the next frame; False when it was silent for too long."""
        future = silence.begin()
        self._waiting.add(future)
        try:
            return await future
        finally:
            self._waiting.discard(future)


class Silence:
    """One timer for all the waits of a reader: it looks whether the wait of just now is long enough, and goes on."""

    def __init__(self, longest_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._longest_s = longest_s
        self._since = self._loop.time()
        self._future: asyncio.Future[bool] | None = None
        self._timer = self._loop.call_later(longest_s, self._look)

    def begin(self) -> asyncio.Future[bool]:
        """What is False once it has been silent for too long from now on, unless somebody resolves it before."""
        self._since = self._loop.time()
        self._future = self._loop.create_future()
        return self._future

    def end(self) -> None:
        """Nobody waits any more."""
        self._timer.cancel()

    def _look(self) -> None:
        due = self._since + self._longest_s
        if self._loop.time() >= due:
            if self._future is not None:
                wake(self._future, False)
            due = self._loop.time() + self._longest_s
        self._timer = self._loop.call_at(due, self._look)


def wake(future: asyncio.Future[bool], value: bool) -> None:
    """Resolves a waiter that nobody else has resolved."""
    if not future.done():
        future.set_result(value)
