"""WebVTT captions."""

import io

from webvtt import WebVTT

from backend.errors import ContentError
from pipeline.sources.captions import parse_cues
from pipeline.sources.parsed import ParsedDocument

_HEADER = "WEBVTT"
ARROW = "-->"


def parse(text: str) -> ParsedDocument:
    """The captions; a file that lost its header line is read all the same, with a remark.

    Raises `ContentError` where no cue can be read.
    """
    text = text.lstrip()
    if ARROW not in text:
        raise ContentError("It has no cues.")
    remarks: tuple[str, ...] = ()
    if not text.startswith(_HEADER):
        text, remarks = f"{_HEADER}\n\n{text}", ("it lacks its WEBVTT header",)
    captions = WebVTT.from_buffer(io.StringIO(text)).captions
    return parse_cues(captions, cue_lines(text) - len(captions), remarks)


def cue_lines(text: str) -> int:
    """How many lines announce a cue, readable or not."""
    return sum(ARROW in line for line in text.split("\n"))
