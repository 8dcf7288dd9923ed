"""Plain text: paragraphs between blank lines."""

import re

from pipeline.clean import flow
from pipeline.sources.parsed import Block, NothingToRead, ParsedDocument, Section

_BLANK_LINE = re.compile(r"\n\s*\n")
_TITLE_CHARACTERS = 120
_SENTENCE_ENDS = (".", "!", "?", ":", ";", ",", "…")


def parse(text: str) -> ParsedDocument:
    """Paragraphs with their hard line breaks undone; a short first paragraph that is no sentence is the title
    (and the heading, for those who are told another title elsewhere).

    Raises `NothingToRead` where there is no text.
    """
    paragraphs = [paragraph for raw in _BLANK_LINE.split(text) if (paragraph := flow(raw))]
    title = paragraphs.pop(0) if len(paragraphs) > 1 and _is_title(paragraphs[0]) else None
    if not paragraphs:
        raise NothingToRead("There is no text in it.")
    section = Section(tuple(Block(paragraph) for paragraph in paragraphs), headings=(title,) if title else ())
    return ParsedDocument((section,), default_kind="document", title=title)


def _is_title(paragraph: str) -> bool:
    return len(paragraph) <= _TITLE_CHARACTERS and not paragraph.endswith(_SENTENCE_ENDS)
