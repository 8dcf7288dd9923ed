"""What an answer's event stream says, whatever the upstream's own words for it: the part that all streams share."""

import re
import unicodedata
from abc import ABC, abstractmethod
from typing import Any

from pydantic_core import from_json

from backend.llm.server_sent_events import EventParser, EventTooLarge
from backend.llm.tier import TierFailure

# Controls, NUL among them, which is dropped from answers; what stands for nothing, such as a zero-width space; and
# white space.
UNSEEN = ("Cc", "Cf", "Zs", "Zl", "Zp")
# Footnotes to nothing: of those without a source not even the number is left.
MARKERS = re.compile(r"(?:\[[\d,;]*(?:\]|\Z))*")
MOST_MARKERS = 64  # characters; more are let through


class AnswerStream(ABC):
    """Reads one answer out of the bytes of its event stream. Pure.

    What is no answer is a `TierFailure` without the upstream's text; `done` is set once nothing more is read.
    """

    def __init__(self, *, max_line_bytes: int) -> None:
        self.done = False
        self.failure: TierFailure | None = None
        self._parser = EventParser(max_bytes=max_line_bytes)
        self._started = False
        self._blank = ""
        self._markers = ""

    def feed(self, chunk: bytes) -> str:
        """The text that `chunk` adds to the answer, possibly none. What cannot be seen, and markers, wait until a word
        follows them.

        Where text comes before what is refused, it is given back, and `failure` is what is to be raised then: how the
        bytes were cut decides nothing. Behind an answer that is whole nothing is refused, as it is no part of that.
        """
        try:
            events = self._parser.feed(chunk)
        except EventTooLarge:
            if not self._is_whole():
                raise TierFailure("broken_stream") from None
            self.done, events = True, []
        text = ""
        for event in events:
            if self.done:
                break
            try:
                text += self._begun(self._read(event.event, event.data))
            except TierFailure as failure:
                if self._is_whole():
                    self.done = True
                elif not text:
                    raise
                else:
                    self.failure = failure
                break
        return text

    @abstractmethod
    def _is_whole(self) -> bool:
        """Whether the upstream has said that the answer is complete."""

    @abstractmethod
    def _said(self, said: Any) -> str:
        """The text of one event. Raises `TierFailure`."""

    def _read(self, event: str, data: bytes) -> str:
        if event == "error":
            raise TierFailure("refused")
        try:
            # Strict UTF-8, no lone surrogates, no endless nesting: each is a ValueError here.
            said = from_json(data)
        except ValueError:
            raise TierFailure("broken_stream") from None
        return self._said(said)

    def _begun(self, text: str) -> str:
        """The text as it may go out: none until there is a word."""
        if self._started or not text:
            return text
        self._blank += text
        seen = "".join(letter for letter in text if unicodedata.category(letter) not in UNSEEN)
        self._markers += seen
        if not seen or (len(self._markers) <= MOST_MARKERS and MARKERS.fullmatch(self._markers)):
            return ""
        self._started = True
        return self._blank
