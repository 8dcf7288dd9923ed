"""The lines of a PDF page in the order in which they are read: column by column, tables row by row."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import groupby
from statistics import median

from pipeline.sources.pdf_stretches import HYPHEN, LEADER, Box, Stretch

_CELL_BREAK = "; "
_CELL_GAP = 2.0  # heights of a line; less is a wide space within it
_MARK = re.compile(r"[^\w\s]|[(\[]?\w{1,3}[.)\]]")  # of a list: its text reads on, however far away it stands

_MOST_COLUMNS = 4
_TRIED_GUTTERS = 8

# What a column of running text is. The cells of a table are fewer, shorter, or differ more in width.
_COLUMN_LINES = 4
_COLUMN_CHARACTERS = 15  # that half of its lines have
_COLUMN_FULLNESS = 0.75  # of its width that half of its lines fill


@dataclass(frozen=True, slots=True)
class Line:
    """A line of running text, or a table's row with more than one cell.

    `indent` and `room` are how far from the edges of its column it begins and ends, in points.
    """

    text: str
    box: Box
    indent: float
    room: float
    cells: int = 1


def in_reading_order(stretches: Sequence[Stretch], columns: int = _MOST_COLUMNS) -> list[Line]:
    """The page's lines. Text across the whole page divides the columns above it from those below."""
    gutter = _gutter(stretches, columns)
    if gutter is None:
        return _lines(stretches)
    lines: list[Line] = []
    from_top = sorted(stretches, key=lambda stretch: -stretch.box.top)
    for crosses, band in groupby(from_top, key=lambda stretch: stretch.box.left <= gutter < stretch.box.right):
        part = list(band)
        left, right = _sides(part, gutter)
        if crosses or not (_is_text(left, columns - 1) and _is_text(right, columns - 1)):
            lines.extend(_lines(part))
        else:
            lines.extend((*in_reading_order(left, columns - 1), *in_reading_order(right, columns - 1)))
    return lines


def _gutter(stretches: Sequence[Stretch], columns: int) -> float | None:
    """Where a line from top to bottom crosses the least text and has text in columns on both sides."""
    if columns < 2 or len(stretches) < 2 * _COLUMN_LINES:
        return None
    lefts = sorted(stretch.box.left for stretch in stretches)
    rights = sorted(stretch.box.right for stretch in stretches)

    def crossing(at: float) -> int:
        return bisect_right(lefts, at) - bisect_right(rights, at)

    candidates = {right for right in rights[_COLUMN_LINES - 1 :] if right < lefts[-_COLUMN_LINES]}
    for gutter in nsmallest(_TRIED_GUTTERS, candidates, key=crossing):
        if all(_is_text(side, columns - 1) for side in _sides(stretches, gutter)):
            return gutter
    return None


def _sides(stretches: Sequence[Stretch], gutter: float) -> tuple[list[Stretch], list[Stretch]]:
    """What stands wholly to the left of it, and what wholly to the right."""
    left = [stretch for stretch in stretches if stretch.box.right <= gutter]
    return left, [stretch for stretch in stretches if stretch.box.left > gutter]


def _is_text(stretches: Sequence[Stretch], columns: int) -> bool:
    """Whether these are a column of running text, or up to `columns` of them beside each other."""
    if len(stretches) < _COLUMN_LINES or median(len(stretch.text) for stretch in stretches) < _COLUMN_CHARACTERS:
        return False
    width = max(stretch.box.right for stretch in stretches) - min(stretch.box.left for stretch in stretches)
    is_one = median(stretch.box.width for stretch in stretches) > _COLUMN_FULLNESS * width
    return is_one or _gutter(stretches, columns) is not None


def _lines(stretches: Sequence[Stretch]) -> list[Line]:
    """Stretches of one column, or of a table, as lines from the top down."""
    rows = list(_rows(stretches))
    lefts = [row[0].box.left for row in rows]
    left, right = min(lefts, default=0.0), _right_edge([row[-1].box for row in rows])
    return [_line(row, left, right) for row in rows]


def _line(row: Sequence[Stretch], left: float, right: float) -> Line:
    """A row as a line. Stretches that stand close are one cell; a mark or a label reads on into the next."""
    text, box = row[0].text, row[0].box
    cells = 1
    for stretch in row[1:]:
        text = text.replace(HYPHEN, "-")
        is_cell = stretch.box.left - box.right > _CELL_GAP * box.height and not _MARK.fullmatch(text)
        cells += is_cell
        text += (_CELL_BREAK if is_cell and not text.endswith(":") else " ") + stretch.text
        box = box.with_(stretch.box)
    cells += text.count(LEADER)
    return Line(text, box, max(0.0, box.left - left), max(0.0, right - box.right), cells)


def _rows(stretches: Sequence[Stretch]) -> Iterator[list[Stretch]]:
    """Stretches that stand beside each other, from left to right; rows from the top down."""
    row: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda stretch: -(stretch.box.top + stretch.box.bottom)):
        if row and not row[0].box.is_beside(stretch.box):
            yield sorted(row, key=lambda stretch: stretch.box.left)
            row = []
        row.append(stretch)
    if row:
        yield sorted(row, key=lambda stretch: stretch.box.left)


def _right_edge(boxes: Sequence[Box]) -> float:
    """Where full lines end: most of the longer ones reach it, a wide table or heading goes beyond."""
    widest = max((box.width for box in boxes), default=0.0)
    rights = sorted(box.right for box in boxes if box.width > widest / 2)
    return rights[len(rights) * 4 // 5] if rights else 0.0
