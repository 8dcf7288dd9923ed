"""`footnote documents`: every document, with the id by which other commands know it."""

import asyncio
from collections.abc import Sequence

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from backend.errors import ContentError
from backend.settings import Settings
from pipeline.entries import Status
from pipeline.library import Library, Shelved
from pipeline.terminal import Terminal, one_line
from pipeline.workplace import database, workplace

WORDS: dict[Status, str] = {
    "ready": "answers",
    "pending": "pending",
    "failed": "failed",
    "left_out": "left out",
    "duplicate": "repeated",
}


def run(creator: str | None) -> None:
    """Prints the documents of one creator or of all. Raises `ContentError` for a creator who is not known."""
    with workplace() as settings:
        found = asyncio.run(read(settings, creator))
    console = Terminal()
    if not found:
        console.print("There are no documents. `footnote ingest FOLDER` brings some in.")
    elif console.is_terminal:
        console.print(table_of(found))
    else:
        for item in found:
            typer.echo("\t".join(cells(item)))  # Rich would make spaces of the tabs


async def read(settings: Settings, creator: str | None) -> list[Shelved]:
    """What the ledger says."""
    async with database(settings) as connections:
        library = Library(connections)
        if creator is not None and not await library.has_creator(creator):
            raise ContentError(f"There is no creator `{creator}`: `footnote status` lists them.")
        return await library.documents(creator=creator)


def table_of(found: Sequence[Shelved]) -> Table:
    """One line a document."""
    table = Table(box=box.SIMPLE)
    for name in ("id", "creator", "title", "kind", "published", "state"):
        table.add_column(name, no_wrap=name != "title")
    table.add_column("passages", justify="right")
    for item in found:
        table.add_row(*(escape(cell) for cell in cells(item)))
    return table


def cells(item: Shelved) -> tuple[str, ...]:
    """A document as parts of a line: id, creator, title, kind, date, state, passages."""
    document = item.document
    published = document.published_at.isoformat() if document.published_at else ""
    state = WORDS[item.status] + (" (outdated)" if item.status == "ready" and item.reason else "")
    title = one_line(document.title)
    return item.short_id, document.creator, title, document.kind, published, state, f"{item.chunks:,}"
