"""Reads Server-Sent Events from bytes as they arrive, by the specification (html.spec.whatwg.org, 9.2.6)."""

from typing import NamedTuple

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """One dispatched event. `data` is UTF-8 as it came, several `data` lines joined by a line feed."""

    event: str
    data: bytes


class EventTooLarge(ValueError):
    """A line, or the `data` lines of one event together, are over the limit. The text names no content."""


class EventParser:
    """Feed it bytes cut anywhere; it gives back the events that they complete.

    Lines end with CR, LF or CRLF and with nothing else, so U+2028, U+0085 and form feed inside JSON stay text. `data`
    stays bytes because JSON is read from bytes: half a character is then an error of the JSON and never a silent
    U+FFFD. `id` and `retry` are read over: an upstream answer is never resumed. An event that the end of the stream
    cuts short is dropped, as the specification says.

    `max_bytes` limits a line and the data of an event; beyond it `feed` raises `EventTooLarge`.
    """

    def __init__(self, *, max_bytes: int = 1 << 20) -> None:
        self._max_bytes = max_bytes
        self._unfinished: list[bytes] = []
        self._unfinished_bytes = 0
        self._after_carriage_return = False
        self._first_line = True
        self._event = ""
        self._data: list[bytes] = []
        self._data_bytes = 0

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events completed by `chunk`, oldest first."""
        if self._after_carriage_return and chunk:
            # The line ended with CR already; an LF that follows belongs to the same line ending.
            self._after_carriage_return = False
            chunk = chunk.removeprefix(b"\n")
        if b"\r" in chunk:
            self._after_carriage_return = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in chunk:
            self._keep(chunk)
            return []
        *lines, rest = b"".join((*self._unfinished, chunk)).split(b"\n")
        self._unfinished.clear()
        self._unfinished_bytes = 0
        if self._first_line:
            self._first_line = False
            lines[0] = lines[0].removeprefix(BYTE_ORDER_MARK)
        events: list[ServerSentEvent] = []
        for line in lines:
            if line:
                self._read(line)
            elif (event := self._dispatch()) is not None:
                events.append(event)
        self._keep(rest)
        return events

    def _keep(self, piece: bytes) -> None:
        self._unfinished_bytes += len(piece)
        if self._unfinished_bytes > self._max_bytes:
            raise EventTooLarge("a line is over the limit")
        if piece:
            self._unfinished.append(piece)

    def _read(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._data_bytes += len(line)
            if self._data_bytes > self._max_bytes:
                raise EventTooLarge("the data of an event is over the limit")
        elif name == b"event":
            self._event = value.removeprefix(b" ").decode("utf-8", "replace")
        elif len(line) > self._max_bytes:
            raise EventTooLarge("a line is over the limit")

    def _dispatch(self) -> ServerSentEvent | None:
        event = ServerSentEvent(self._event or "message", b"\n".join(self._data)) if self._data else None
        self._event = ""
        self._data.clear()
        self._data_bytes = 0
        return event
