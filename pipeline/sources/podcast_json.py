"""The JSON that a podcast's feed may name as a transcript (`podcast:transcript`, of the Podcasting 2.0 namespace)."""

from collections.abc import Sequence

from pipeline.sources.json_text import number
from pipeline.sources.parsed import ParsedDocument
from pipeline.sources.utterances import Utterance, as_document


def segments_in(content: object) -> Sequence[object] | None:
    """The segments of what JSON held, or None where it is not of this format."""
    segments = content.get("segments") if isinstance(content, dict) else None
    return segments if isinstance(segments, list) and any(map(_is_segment, segments)) else None


def parse(segments: Sequence[object]) -> ParsedDocument:
    """Turns of running text out of segments, which may be as short as a word.

    Raises `ContentError` where no segment can be read, `NothingToRead` where none says anything.
    """
    readable = [segment for segment in segments if isinstance(segment, dict) and _is_segment(segment)]
    utterances = [
        Utterance(
            str(segment["body"]),
            number(segment.get("startTime")),
            number(segment.get("endTime")),
            who if isinstance(who := segment.get("speaker"), str) else None,
            begins_turn=isinstance(who, str),
        )
        for segment in readable
    ]
    return as_document(utterances, "audio", len(segments) - len(readable), called="segment")


def _is_segment(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("body"), str) and "startTime" in value
