"""The events of a stream, as PROTOCOL says, and their bytes on the wire. A frame is encoded once."""

import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

ScopeName = Literal["creator", "topic", "global"]
FinishReason = Literal["stop", "length", "stopped", "abstained"]

RETRY_MS = 1000
KEEPALIVE = b": keepalive\n\n"
COMPACT = json.JSONEncoder(separators=(",", ":"), default=str)


@dataclass(frozen=True, slots=True)
class SourceCreator:
    """Whose source it is."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Source:
    """One source as the reader is shown it; `index` is what `[1]` points to, `url` opens the moment or page.

    `speaker` is who says or wrote all of it, None where several do or nobody knows. `perhaps` is True where nothing
    answers the question and the source is only the nearest there is.
    """

    index: int
    document_id: UUID
    chunk_id: UUID
    title: str
    creator: SourceCreator
    kind: str
    url: str | None
    heading: str | None
    speaker: str | None
    start_s: float | None
    end_s: float | None
    snippet: str
    score: float
    scope: ScopeName
    published_at: date | None
    perhaps: bool


@dataclass(frozen=True, slots=True)
class SourcesEvent:
    """The first event of every stream: a list of `Source` as JSON-ready dictionaries, best first."""

    sources: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ResetEvent:
    """What was said so far is void: another tier begins anew."""

    cascade_tier: str
    reason: str


@dataclass(frozen=True, slots=True)
class DoneEvent:
    """Terminal: the turn is durable. `data` has the fields that PROTOCOL lists under `done`."""

    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """Terminal: the run failed. `data` has the fields that PROTOCOL lists under `error`."""

    data: dict[str, Any]


Event = SourcesEvent | TokenEvent | ResetEvent | DoneEvent | ErrorEvent


def encode(number: int, event: Event) -> bytes:
    """An event's frame: `id`, `event`, one line of JSON, a blank line; the first one also says when to reconnect."""
    match event:
        case TokenEvent(text):
            # The hot path: one string, no dictionary.
            return f'id: {number}\nevent: token\ndata: {{"text":{dumps(text)}}}\n\n'.encode()
        case SourcesEvent(sources):
            name, data = "sources", dumps(sources)
        case ResetEvent():
            name, data = "reset", dumps(asdict(event))
        case DoneEvent(fields):
            name, data = "done", dumps(fields)
        case ErrorEvent(fields):
            name, data = "error", dumps(fields)
    retry = f"retry: {RETRY_MS}\n" if number == 1 else ""
    return f"{retry}id: {number}\nevent: {name}\ndata: {data}\n\n".encode()


def frame_number(frame: bytes) -> int:
    """The `id` of a frame that `encode` made."""
    start = frame.index(b"id: ") + 4
    return int(frame[start : frame.index(b"\n", start)])


def split_frames(data: bytes) -> list[bytes]:
    """Frames that were joined, apart again."""
    return [part + b"\n\n" for part in data.split(b"\n\n") if part]


def decode(frame: bytes) -> tuple[str, Any]:
    """The name and the data of a frame that `encode` made."""
    fields = dict(line.split(": ", 1) for line in frame.decode().strip().split("\n"))
    return fields["event"], json.loads(fields["data"])


class Gathered:
    """What the frames of a run come to: its sources, its text, and the data of its terminal event, empty until then."""

    def __init__(self) -> None:
        self.sources: list[dict[str, Any]] = []
        self.terminal: dict[str, Any] = {}
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        """The answer as far as it was told."""
        return "".join(self._pieces)

    def add(self, frame: bytes) -> None:
        """One more frame that `encode` made."""
        name, data = decode(frame)
        match name:
            case "sources":
                self.sources = data
            case "token":
                self._pieces.append(data["text"])
            case "reset":
                self._pieces.clear()
            case "done" | "error":
                self.terminal = data


def is_terminal(frame: bytes) -> bool:
    """Whether nothing comes after this frame."""
    start = frame.index(b"event: ") + 7
    return frame[start : frame.index(b"\n", start)] in (b"done", b"error")


def dumps(value: object) -> str:
    """JSON on one line. All outside ASCII is escaped, so that no line separator of any kind is inside a frame."""
    return COMPACT.encode(value)
