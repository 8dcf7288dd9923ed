"""An event stream reader written from the WHATWG specification alone, to check what the service sends.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

import codecs
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Dispatched:
    """An event as a browser would dispatch it."""

    id: str
    event: str
    data: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class Reader:
    """State of one stream: the buffers of the specification, the comments, and the reconnection time."""

    def __init__(self) -> None:
        self.comments: list[str] = []
        self.retry: int | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._text = ""
        self._started = False
        self._data = ""
        self._event = ""
        self._last_id = ""

    def feed(self, data: bytes) -> Iterator[Dispatched]:
        """Takes bytes, gives the events that they complete."""
        self._text += self._decoder.decode(data)
        if not self._started and self._text:
            self._text = self._text.removeprefix("\ufeff")
            self._started = True
        while True:
            line, found = self._next_line()
            if not found:
                return
            if line == "":
                dispatched = self._dispatch()
                if dispatched is not None:
                    yield dispatched
            elif line.startswith(":"):
                self.comments.append(line[1:].strip())
            else:
                name, _, value = line.partition(":")
                self._field(name, value.removeprefix(" "))

    def _next_line(self) -> tuple[str, bool]:
        ends = [position for mark in "\r\n" if (position := self._text.find(mark)) >= 0]
        if not ends:
            return "", False
        end = min(ends)
        if self._text[end] == "\r" and end + 1 == len(self._text):
            return "", False  # a line feed may follow
        width = 2 if self._text[end : end + 2] == "\r\n" else 1
        line, self._text = self._text[:end], self._text[end + width :]
        return line, True

    def _field(self, name: str, value: str) -> None:
        if name == "event":
            self._event = value
        elif name == "data":
            self._data += value + "\n"
        elif name == "id" and "\0" not in value:
            self._last_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value)

    def _dispatch(self) -> Dispatched | None:
        data, event = self._data, self._event
        self._data = self._event = ""
        if data == "":
            return None
        return Dispatched(self._last_id, event or "message", data.removesuffix("\n"))


def read_all(chunks: Iterable[bytes]) -> list[Dispatched]:
    """The events of a whole stream."""
    reader = Reader()
    return [event for chunk in chunks for event in reader.feed(chunk)]


def text_of(events: Iterable[Dispatched]) -> str:
    """The answer's text as a client has it: tokens joined, begun anew at each reset."""
    text = ""
    for event in events:
        if event.event == "reset":
            text = ""
        elif event.event == "token":
            text += event.json["text"]
    return text


def check_stream(events: list[Dispatched]) -> None:
    """What holds for every stream: sources once and first, ids 1, 2, 3 …, and one terminal event, last."""
    names = [event.event for event in events]
    assert names[0] == "sources", names
    assert names.count("sources") == 1, names
    assert [int(event.id) for event in events] == list(range(1, len(events) + 1))
    assert names[-1] in ("done", "error"), names
    assert sum(name in ("done", "error") for name in names) == 1, names
