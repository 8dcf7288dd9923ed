"""`footnote feedback`: what visitors think of the answers they were given."""

import asyncio
from collections.abc import Sequence

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from backend.conversations.feedback import Rated, list_feedback
from backend.errors import ContentError
from backend.settings import Settings
from pipeline.library import Library
from pipeline.terminal import Terminal, one_line
from pipeline.workplace import database, workplace


def run(creator: str | None, limit: int) -> None:
    """Prints the ratings of what was asked of one creator or of all. Raises `ContentError` for a creator who is not
    known."""
    with workplace() as settings:
        found = asyncio.run(read(settings, creator, limit))
    console = Terminal()
    if not found:
        console.print("No answer has been rated.")
    elif console.is_terminal:
        console.print(table_of(found))
    else:
        for rated in found:
            typer.echo("\t".join(cells(rated)))  # Rich would make spaces of the tabs


async def read(settings: Settings, creator: str | None, limit: int) -> list[Rated]:
    """What the conversations say."""
    async with database(settings) as connections:
        if creator is not None and not await Library(connections).has_creator(creator):
            raise ContentError(f"There is no creator `{creator}`: `footnote status` lists them.")
        return await list_feedback(connections, creator=creator, limit=limit)


def table_of(found: Sequence[Rated]) -> Table:
    """One line a rating."""
    table = Table(box=box.SIMPLE)
    for name in ("rated", "of", "rating", "question", "comment"):
        table.add_column(name, no_wrap=name not in ("question", "comment"))
    for rated in found:
        table.add_row(*(escape(cell) for cell in cells(rated)))
    return table


def cells(rated: Rated) -> tuple[str, ...]:
    """A rating as parts of a line: the day (UTC), of whom, up or down, the question, and the comment."""
    day = rated.rated_at.date().isoformat()
    comment = one_line(rated.comment or "")
    return day, rated.creator or "everybody", rated.rating, one_line(rated.question), comment
