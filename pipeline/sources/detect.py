"""Which reader a file needs: by its name, and by its content where that says otherwise."""

import re
from collections.abc import Callable
from pathlib import PurePath

from pipeline.sources import markdown, srt, text, webvtt
from pipeline.sources.parsed import ParsedDocument

Parser = Callable[[str], ParsedDocument]

_PARSERS: dict[str, Parser] = {
    ".md": markdown.parse,
    ".markdown": markdown.parse,
    ".txt": text.parse,
    ".text": text.parse,
    ".vtt": webvtt.parse,
    ".srt": srt.parse,
}
CAPTIONS = frozenset({".vtt", ".srt"})
_HEAD = 2000
_FIRST_CUE = re.compile(r"\s*(?:\d+\s*\n)?\s*(?:\d+:)?\d+:\d+[.,]\d+\s*-->")


def is_readable(path: PurePath) -> bool:
    """Whether the name is one of a kind that is read."""
    return path.suffix.lower() in _PARSERS


def parser_for(path: PurePath, content: str) -> Parser:
    """The reader for a decoded file; captions are known by their first lines, whatever the file is called."""
    head = content[:_HEAD].lstrip()
    if re.match(r"WEBVTT(?:\s|$)", head):
        return webvtt.parse
    if _FIRST_CUE.match(head):
        return webvtt.parse if path.suffix.lower() == ".vtt" else srt.parse
    return _PARSERS[path.suffix.lower()]
