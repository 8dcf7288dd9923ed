"""SubRip captions."""

import io
import re

from webvtt import WebVTT
from webvtt.errors import MalformedFileError

from backend.errors import ContentError
from pipeline.sources.captions import parse_cues
from pipeline.sources.parsed import ParsedDocument
from pipeline.sources.webvtt import ARROW, cue_lines

_COMMA_IN_TIME = re.compile(r"(\d),(\d)")


def parse(text: str) -> ParsedDocument:
    """The captions, whatever separates their milliseconds; cues without numbers are read as WebVTT reads them.

    Raises `ContentError` where no cue can be read.
    """
    text = text.lstrip()
    if ARROW not in text:
        raise ContentError("It has no cues.")
    try:
        captions = WebVTT.from_buffer(io.StringIO(text), format="srt").captions
    except MalformedFileError:
        captions = WebVTT.from_buffer(io.StringIO(f"WEBVTT\n\n{_with_points(text)}")).captions
    return parse_cues(captions, cue_lines(text) - len(captions))


def _with_points(text: str) -> str:
    """Cue lines with `00:00:01.000` for `00:00:01,000`."""
    return "\n".join(_COMMA_IN_TIME.sub(r"\1.\2", line) if ARROW in line else line for line in text.split("\n"))
