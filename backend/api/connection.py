"""A client's connection: what it does not take is not gathered for it, and one that takes nothing at all is cut."""

import asyncio
import socket
from typing import Any

from backend.api.receiving import Receiving

# What the kernel holds for one connection (Linux doubles it). Left to itself it takes up to 4 MB of a stream that
# nobody reads, and a client's answer to what was sent last comes as much later.
SEND_BUFFER_BYTES = 64 * 1024


class Connection(Receiving):
    """Where `send` waits as soon as the kernel takes no more.

    So at most one message is held for a client that does not read. When it has taken no byte for `send_timeout_s`
    seconds, its connection is cut; this also covers a response that is whole and a connection that is being closed.
    """

    def __init__(self, *arguments: Any, send_timeout_s: float, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._send_timeout_s = send_timeout_s
        self._watching: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unwatch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unwatch()

    def _watch(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        self._watching = self.loop.call_later(self._send_timeout_s, self._cut_unless_less_than, unsent)

    def _unwatch(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    def _cut_unless_less_than(self, unsent: int) -> None:
        if self.transport.get_write_buffer_size() < unsent:
            self._watch()
        else:
            self.transport.abort()
