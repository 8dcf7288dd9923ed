"""Tables as sentences, so that a row makes sense without its header above it."""

from collections.abc import Sequence


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
