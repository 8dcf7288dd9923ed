"""Splits prose, Markdown and transcripts into blocks, and blocks into sentences."""

import re
from collections.abc import Sequence

from backend.knowledge.sentences import sentence_spans

BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+•]|\d{1,3}[.)]|#{1,6})\s)|(?<=:)\n|(?<=\|)\n")


def split_blocks(text: str) -> list[str]:
    """Paragraphs, list items, headings and table rows, each with its line breaks kept."""
    return [block for block in (part.strip() for part in BLOCK.split(text)) if block]


def split_sentences(block: str) -> list[str]:
    """The sentences of one block on one line each, footnotes behind a full stop staying with their sentence."""
    text = " ".join(block.split())
    return [text[start:end] for start, end in sentence_spans(text)]


def with_whole_quotations(pieces: Sequence[str], most_words: int) -> list[str]:
    """The sentences with those that stand in one pair of quotation marks or brackets joined to one of `most_words`."""
    joined: list[str] = []
    for piece in pieces:
        if joined and is_open(joined[-1]) and len(f"{joined[-1]} {piece}".split()) <= most_words:
            joined[-1] = f"{joined[-1]} {piece}"
        else:
            joined.append(piece)
    return joined


def is_open(text: str) -> bool:
    """Whether a quotation or a bracket is open at its end."""
    return text.count('"') % 2 == 1 or text.count("“") > text.count("”") or text.count("(") > text.count(")")
