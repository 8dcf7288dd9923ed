"""The lines of a PDF as paragraphs, with words whole that a line end divides."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from pipeline.clean import space_between
from pipeline.sources.parsed import LINE_BREAK, PARAGRAPH_BREAK, Block
from pipeline.sources.pdf_lines import Line
from pipeline.sources.pdf_stretches import HYPHEN

_ITEM = re.compile(r"(?:[•‣◦▪●○■□–—*·]|[(\[]?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)\]])(?:\s|(?=[A-Z]))")
_SENTENCE_END = re.compile(r"[.!?:;。！？：；…][\"'”’»)\]]*(?:\d{1,3})?$")
_DIVIDED = re.compile(rf"\w[-\u2010{HYPHEN}]$")
_WORD_BEFORE = re.compile(r"[^\W\d_]+$")
_WORD_AFTER = re.compile(r"[^\W\d_]+")
_COMPOUND = re.compile(r"[^\W\d_]+-[^\W\d_]+")

# In heights of a line:
_INDENT = 0.6
_SPARE = 0.8  # that a full line may leave free besides the next word

_SPACING = 1.25  # of the usual distance between lines; more is a new paragraph
_SIZE = 0.12  # by which the type of one paragraph may differ


@dataclass(frozen=True, slots=True)
class _Paragraph:
    """A block and its last line."""

    block: Block
    last: Line

    @property
    def is_ended(self) -> bool:
        return self.last.cells > 1 or bool(_SENTENCE_END.search(self.block.text))


def read_blocks(pages: Sequence[Sequence[Line]]) -> list[Block]:
    """The paragraphs and rows of all pages. One that goes on over a page is a block on each, with no break between."""
    hyphenated = frozenset(word.casefold() for page in pages for line in page for word in _COMPOUND.findall(line.text))
    blocks: list[Block] = []
    before: _Paragraph | None = None
    for number, lines in enumerate(pages, start=1):
        paragraphs = _paragraphs(lines, number, hyphenated)
        if not paragraphs:
            continue
        first = paragraphs[0].block
        if before and _goes_on(before, lines[0]):
            whole = joined(before.block.text, first.text, hyphenated)
            head = whole[: len(whole) - len(first.text)]
            blocks[-1] = replace(blocks[-1], text=head.rstrip())
            first = replace(first, before=head[len(head.rstrip()) :])
        blocks.extend((first, *(paragraph.block for paragraph in paragraphs[1:])))
        before = paragraphs[-1]
    return [replace(block, text=block.text.replace(HYPHEN, "-")) for block in blocks]


def _goes_on(paragraph: _Paragraph, line: Line) -> bool:
    """Whether the first line of a page belongs to the last paragraph of the page before."""
    height = paragraph.last.box.height
    alike = abs(height - line.box.height) <= _SIZE * height
    if paragraph.is_ended or line.cells > 1 or not alike or _ITEM.match(line.text):
        return False
    return line.text[:1].islower() or paragraph.last.room < 2 * height


def _paragraphs(lines: Sequence[Line], page: int, hyphenated: frozenset[str]) -> list[_Paragraph]:
    pitch = _pitch(lines)
    paragraphs: list[_Paragraph] = []
    current: list[Line] = []
    before = PARAGRAPH_BREAK
    for line in lines:
        gap = _break_between(current, line, pitch) if current else None
        if gap is not None:
            paragraphs.append(_paragraph(current, before, page, hyphenated))
            before, current = gap, []
        current.append(line)
    if current:
        paragraphs.append(_paragraph(current, before, page, hyphenated))
    return paragraphs


def joined(left: str, right: str, hyphenated: frozenset[str]) -> str:
    """Two lines of a paragraph as one, the word that a hyphen divides between them whole."""
    if not left.endswith((HYPHEN, "-", "\u2010")):
        return left + space_between(left, right) + right
    stem = left[:-1]
    head, tail = _WORD_BEFORE.search(stem), _WORD_AFTER.match(right)
    if head and tail and tail.group()[0].islower() and f"{head.group()}-{tail.group()}".casefold() not in hyphenated:
        return stem + right
    return f"{stem}-{right}" if stem[-1:].isalnum() else f"{stem}- {right}"


def _paragraph(lines: Sequence[Line], before: str, page: int, hyphenated: frozenset[str]) -> _Paragraph:
    text = lines[0].text
    for line in lines[1:]:
        text = joined(text, line.text, hyphenated)
    return _Paragraph(Block(text, before, page=page), lines[-1])


def _break_between(paragraph: Sequence[Line], line: Line, pitch: float) -> str | None:
    """What divides the line from the paragraph before it, or None if it belongs to that."""
    last = paragraph[-1]
    height = max(last.box.height, line.box.height)
    ended = bool(_SENTENCE_END.search(last.text))
    if abs(last.box.height - line.box.height) > _SIZE * height:
        return PARAGRAPH_BREAK
    step = last.box.bottom - line.box.bottom
    if step < 0:  # the next column
        return None if not ended and line.text[:1].islower() else PARAGRAPH_BREAK
    if step > max(_SPACING * pitch, height):
        return PARAGRAPH_BREAK
    if last.cells > 1 or line.cells > 1:
        return LINE_BREAK
    if _DIVIDED.search(last.text):
        return None
    full = last.room < _first_word_width(line) + _SPARE * height
    shift = line.indent - last.indent
    if _ITEM.match(line.text) and (ended or not full or abs(shift) > _INDENT * height):
        return LINE_BREAK
    if not full:
        return PARAGRAPH_BREAK if ended else None if line.text[:1].islower() else LINE_BREAK
    indented = shift > _INDENT * height
    outdented = len(paragraph) > 1 and shift < -_INDENT * height
    return PARAGRAPH_BREAK if ended and (indented or outdented) else None


def _first_word_width(line: Line) -> float:
    words = line.text.split(maxsplit=1)
    return line.box.width * len(words[0]) / len(line.text) if words else 0.0


def _pitch(lines: Sequence[Line]) -> float:
    """The usual distance from line to line, in points; 0 where there is but one."""
    steps = [above.box.bottom - below.box.bottom for above, below in pairwise(lines)]
    return median([step for step in steps if step > 0] or [0.0])
