"""A list as a curator reads it: a table on a terminal, lines with tabs for other programs."""

from collections.abc import Sequence

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from pipeline.terminal import Terminal

Row = tuple[str, ...]


def print_rows(
    rows: Sequence[Row], columns: Sequence[str], *, wrapped: Sequence[str] = (), right: Sequence[str] = (), nothing: str
) -> None:
    """Prints rows whose cells are safe to print (`one_line`), or the sentence `nothing` where there are none. Columns
    may be `wrapped`, or aligned `right`; other programs get every cell whole."""
    console = Terminal()
    if not rows:
        console.print(nothing)
    elif console.is_terminal:
        table = Table(box=box.SIMPLE)
        for name in columns:
            table.add_column(name, no_wrap=name not in wrapped, justify="right" if name in right else "left")
        for row in rows:
            table.add_row(*map(escape, row))
        console.print(table)
    else:
        for row in rows:
            typer.echo("\t".join(row))  # Rich would make spaces of the tabs
