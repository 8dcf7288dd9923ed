"""Splits prose, Markdown and transcripts into sentences."""

import re

# Full stops that end no sentence: titles, Latin, references, months, initials.
ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof rev gen col sgt capt lt st jr sr vs etc eg ie e.g i.e cf al ed eds "
    "inc ltd co corp dept univ approx ca est min max jan feb mar apr jun jul aug sep sept oct nov dec a.m p.m u.s u.k "
    "ph.d b.c a.d".split()
)
# An end, closing quotes, footnotes that belong to it, then white space; or the full stops of Chinese and Japanese.
# These end one unless a number follows: "No. 5", but "I said no."
BEFORE_NUMBERS = frozenset("no nos fig figs eq vol pp p ch sec art".split())
BOUNDARY = re.compile(r"[.!?…]+[\"'”’)\]*_]*(?:\s*\[\d+\])*(?=\s|$)\s*|[。！？]+[」』”）]*(?:\s*\[\d+\])*\s*")
BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+•]|\d{1,3}[.)]|#{1,6})\s)|(?<=:)\n|(?<=\|)\n")
LAST_WORD = re.compile(r"([^\s(\"'“‘\[]+?)[.!?…]+[\"'”’)\]*_]*(?:\s*\[\d+\])*\s*$")


def split_blocks(text: str) -> list[str]:
    """Paragraphs, list items, headings and table rows, each with its line breaks kept."""
    return [block for block in (part.strip() for part in BLOCK.split(text)) if block]


def split_sentences(block: str) -> list[str]:
    """The sentences of one block on one line each, footnotes behind a full stop staying with their sentence."""
    text = " ".join(block.split())
    sentences: list[str] = []
    start = 0
    for boundary in BOUNDARY.finditer(text):
        end = boundary.end()
        if end < len(text) and not ends_sentence(text[start:end], text[end:]):
            continue
        sentences.append(text[start:end].strip())
        start = end
    if text[start:].strip():
        sentences.append(text[start:].strip())
    return sentences


def ends_sentence(before: str, after: str) -> bool:
    """Whether the full stop at the end of `before` ends a sentence that `after` does not go on with."""
    if before.rstrip().endswith(tuple("。！？」』”）")):
        return True
    if after[:1].islower():
        return False
    match = LAST_WORD.search(before)
    word = match[1].lower() if match else ""
    if "!" in before[-3:] or "?" in before[-3:]:
        return True
    if word in BEFORE_NUMBERS:
        return not after[:1].isdigit()
    return word not in ABBREVIATIONS and not (len(word) == 1 and word.isalpha() and word != "i")
