"""Tables as sentences, so that a row makes sense without its header above it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

_NUMBER = re.compile(r"\s*(\d{1,9})")
_MOST_COLUMNS = 100  # that a cell spans, and that spanning cells stand in
_MOST_ROWS = 1000
_LONGEST_NAME = 200  # characters that are said again in every row which they are for


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell in HTML: how many columns and rows it spans, and whether it is the header of others."""

    text: str
    columns: int = 1
    rows: int = 1
    is_header: bool = False

    @classmethod
    def written(cls, text: str, colspan: str | None, rowspan: str | None, is_header: bool) -> Self:
        """The cell with these attributes, whatever is written in them. A `rowspan` of 0 is for all rows that follow."""
        columns, rows = _number(colspan), _number(rowspan)
        return cls(text, max(1, min(columns, _MOST_COLUMNS)), min(rows or _MOST_ROWS, _MOST_ROWS), is_header)


def _number(written: str | None) -> int:
    match = _NUMBER.match(written or "")
    return int(match[1]) if match else 1


def table_texts(groups: Sequence[Sequence[Sequence[Cell]]]) -> list[str]:
    """One line a row of a table in HTML, as `row_texts`; no cell spans from one group of rows into the next.

    The first row is the header where it has headers alone.
    """
    rows = [row for group in groups for row in group]
    texts = [text for group in groups for text in _filled(group)]
    said = [(row, text) for row, text in zip(rows, texts, strict=True) if any(text)]
    has_header = len(said) > 1 and all(cell.is_header or not cell.text for cell in said[0][0])
    return row_texts(said[0][1] if has_header else [], [text for _, text in said[has_header:]])


def _filled(rows: Sequence[Sequence[Cell]]) -> Iterator[list[str]]:
    """The rows with a text for each column. What spans rows is said again in each of them, unless it is long; where a
    cell spans columns, all but the first are empty. A row that says nothing of its own has no texts."""
    spanning: dict[int, tuple[int, str]] = {}  # by column: the rows that are left, and what is said again
    for row in rows:
        texts: list[str] = []
        begun: dict[int, tuple[int, str]] = {}
        for cell in row:
            for text in (cell.text, *[""] * (cell.columns - 1)):
                while len(texts) in spanning:
                    texts.append(spanning[len(texts)][1])
                if cell.rows > 1 and len(texts) < _MOST_COLUMNS:
                    begun[len(texts)] = cell.rows, text if len(text) <= _LONGEST_NAME else ""
                texts.append(text)
        rest = range(len(texts), max(spanning, default=-1) + 1)
        texts += (spanning[column][1] if column in spanning else "" for column in rest)
        yield texts if any(cell.text for cell in row) else []
        spanning = {column: (left - 1, text) for column, (left, text) in (spanning | begun).items() if left > 1}


def row_texts(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """One line a row: its first cell, then each value after the name of its column.

    `["", "Ballad", "Pop"]` over `["Type", "hall", "plate"]` reads "Type – Ballad: hall; Pop: plate".
    """
    return [text for row in rows if (text := _row_text(header, row))]


def _row_text(header: Sequence[str], row: Sequence[str]) -> str:
    names = [*header, *[""] * (len(row) - len(header))]
    values = [f"{name}: {cell}" if name else cell for name, cell in zip(names[1:], row[1:], strict=False) if cell]
    first = row[0] if row else ""
    return " – ".join(part for part in (first, "; ".join(values)) if part)
