"""YouTube's own format of captions, json3: what its player loads, and yt-dlp saves on request."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from pipeline.sources.json_text import number
from pipeline.sources.parsed import ParsedDocument
from pipeline.sources.utterances import Utterance, as_document


def events_in(content: object) -> Sequence[object] | None:
    """The events of what JSON held, or None where it is not of this format."""
    if not isinstance(content, dict) or not isinstance(events := content.get("events"), list):
        return None
    is_ours = content.get("wireMagic") == "pb3" or any(isinstance(event, dict) and "segs" in event for event in events)
    return events if is_ours else None


def parse(events: Sequence[object]) -> ParsedDocument:
    """Turns of running text.

    Automatic captions roll by events that only add a line break and by lines that stay while the next is spoken: a
    line's words come in one event alone, and end where the next begins. Raises `ContentError` where no event can be
    read, `NothingToRead` where none says anything.
    """
    readable = [event for event in events if isinstance(event, dict)]
    return as_document(_utterances(readable), "video", len(events) - len(readable), called="event")


def _utterances(events: Sequence[Mapping[str, object]]) -> Iterator[Utterance]:
    spoken = [(number(event.get("tStartMs")) / 1000, event, text) for event in events if (text := _text(event)).strip()]
    for (start_s, event, text), (next_s, _, _) in pairwise([*spoken, (float("inf"), {}, "")]):
        end_s = start_s + number(event.get("dDurationMs", 0)) / 1000
        yield Utterance(text, start_s, min(end_s, next_s) if next_s > start_s else end_s)


def _text(event: Mapping[str, object]) -> str:
    """What the event shows; those that open windows and set colours show nothing."""
    pieces = event.get("segs")
    texts = (piece.get("utf8") for piece in pieces if isinstance(piece, dict)) if isinstance(pieces, list) else ()
    return "".join(text for text in texts if isinstance(text, str))
