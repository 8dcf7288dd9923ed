"""Transcripts in JSON: which of the formats a file has."""

from pipeline.sources import json3, podcast_json, whisper
from pipeline.sources.json_text import read_json
from pipeline.sources.parsed import NothingToRead, ParsedDocument


def parse(text: str) -> ParsedDocument:
    """The transcript as speakers' turns with their times.

    Raises `ContentError` for what is no JSON or has no readable part, `NothingToRead` for any other JSON.
    """
    content = read_json(text, "It")
    if (events := json3.events_in(content)) is not None:
        return json3.parse(events)
    if (segments := whisper.segments_in(content)) is not None:
        return whisper.parse(segments)
    if (segments := podcast_json.segments_in(content)) is not None:
        return podcast_json.parse(segments)
    raise NothingToRead("It is JSON, but no transcript that Whisper, YouTube or a podcast wrote.")
