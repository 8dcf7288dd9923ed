"""`footnote unanswered`: what visitors asked and nothing here answers."""

import asyncio
from collections.abc import Sequence

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from backend.conversations.unanswered import Unanswered, list_unanswered
from backend.errors import ContentError
from backend.settings import Settings
from pipeline.library import Library
from pipeline.terminal import Terminal, one_line
from pipeline.workplace import database, workplace


def run(creator: str | None, limit: int) -> None:
    """Prints the questions asked of one creator or of all. Raises `ContentError` for a creator who is not known."""
    with workplace() as settings:
        found = asyncio.run(read(settings, creator, limit))
    console = Terminal()
    if not found:
        console.print("Every question was answered.")
    elif console.is_terminal:
        console.print(table_of(found))
    else:
        for question in found:
            typer.echo("\t".join(cells(question)))  # Rich would make spaces of the tabs


async def read(settings: Settings, creator: str | None, limit: int) -> list[Unanswered]:
    """What the conversations say."""
    async with database(settings) as connections:
        if creator is not None and not await Library(connections).has_creator(creator):
            raise ContentError(f"There is no creator `{creator}`: `footnote status` lists them.")
        return await list_unanswered(connections, creator=creator, limit=limit)


def table_of(found: Sequence[Unanswered]) -> Table:
    """One line a question."""
    table = Table(box=box.SIMPLE)
    for name in ("asked", "last", "of", "question"):
        table.add_column(name, no_wrap=name != "question", justify="right" if name == "asked" else "left")
    table.add_column("answered by")
    for question in found:
        table.add_row(*(escape(cell) for cell in cells(question)))
    return table


def cells(question: Unanswered) -> tuple[str, ...]:
    """A question as parts of a line: how often, the last day (UTC), of whom, its words, and who answered instead."""
    nobody = question.times - question.elsewhere
    answered = "others" if not nobody else "nobody" if not question.elsewhere else f"nobody {nobody}×, else others"
    day = question.asked_at.date().isoformat()
    return str(question.times), day, question.creator or "everybody", one_line(question.query), answered
