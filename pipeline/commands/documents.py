"""`footnote documents`: every document, with the id by which other commands know it."""

import asyncio

from backend.errors import ContentError
from backend.settings import Settings
from pipeline.entries import Status
from pipeline.library import Library, Shelved
from pipeline.rows import Row, print_rows
from pipeline.terminal import one_line
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
    columns = ("id", "creator", "title", "kind", "published", "state", "passages")
    print_rows(
        [cells(item) for item in found],
        columns,
        wrapped=("title",),
        right=("passages",),
        nothing="There are no documents. `footnote ingest FOLDER` brings some in.",
    )


async def read(settings: Settings, creator: str | None) -> list[Shelved]:
    """What the ledger says."""
    async with database(settings) as connections:
        library = Library(connections)
        if creator is not None and not await library.has_creator(creator):
            raise ContentError(f"There is no creator `{creator}`: `footnote status` lists them.")
        return await library.documents(creator=creator)


def cells(item: Shelved) -> Row:
    """A document as parts of a line: id, creator, title, kind, date, state, passages."""
    document = item.document
    published = document.published_at.isoformat() if document.published_at else ""
    state = WORDS[item.status] + (" (outdated)" if item.status == "ready" and item.reason else "")
    title = one_line(document.title)
    return item.short_id, document.creator, title, document.kind, published, state, f"{item.chunks:,}"
