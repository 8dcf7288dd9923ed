"""Splits prose, Markdown and transcripts into blocks, and blocks into sentences."""

import re

from backend.knowledge.sentences import sentence_spans

BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+•]|\d{1,3}[.)]|#{1,6})\s)|(?<=:)\n|(?<=\|)\n")


def split_blocks(text: str) -> list[str]:
    """Paragraphs, list items, headings and table rows, each with its line breaks kept."""
    return [block for block in (part.strip() for part in BLOCK.split(text)) if block]


def split_sentences(block: str) -> list[str]:
    """The sentences of one block on one line each, footnotes behind a full stop staying with their sentence."""
    text = " ".join(block.split())
    return [text[start:end] for start, end in sentence_spans(text)]
