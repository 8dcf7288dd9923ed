"""`footnote show`: a document as a reader would see it, passage by passage, each with its place."""

import asyncio
from itertools import pairwise

from rich.markup import escape
from rich.padding import Padding

from backend.knowledge.models import Chunk
from backend.knowledge.opening import open_index
from backend.settings import Settings
from pipeline.commands.documents import WORDS
from pipeline.library import Library, Shelved
from pipeline.place import clock
from pipeline.terminal import Terminal, one_line
from pipeline.workplace import database, workplace

LAST = 2**31 - 1  # more passages than any document has


def run(name: str) -> None:
    """Prints the document that `name` means. Raises `ContentError` where there is none, or several."""
    with workplace() as settings:
        shelved, chunks = asyncio.run(read(settings, name))
    console = Terminal(soft_wrap=False)
    for line in described(shelved):
        console.print(escape(one_line(line)), soft_wrap=True)
    for chunk in chunks:
        console.print(f"\n[bold]{escape(place(chunk))}[/]", soft_wrap=True)
        console.print(Padding(escape(chunk.told_text), (0, 0, 0, 2)))
    missing = shelved.chunks - len(chunks)
    if shelved.status == "ready" and missing:
        console.print(f"\n[red]{missing} of its passages are not in the index[/]: `footnote doctor` says more.")
    if gaps := sum(after.ordinal != before.ordinal + 1 for before, after in pairwise(chunks)):
        console.print(f"\n[red]There are {gaps} gaps between its passages.[/]")


async def read(settings: Settings, name: str) -> tuple[Shelved, list[Chunk]]:
    """The document and its passages in order."""
    index = open_index(settings)
    try:
        async with database(settings) as connections:
            shelved = await Library(connections).find(name)
        return shelved, await index.passages(shelved.document.id, 0, LAST)
    finally:
        await index.close()


def described(shelved: Shelved) -> list[str]:
    """What is known of the document, one thing a line."""
    document = shelved.document
    facts = {
        "id": str(document.id),
        "creator": document.creator,
        "kind": document.kind,
        "state": WORDS[shelved.status] + (f": {shelved.reason}" if shelved.reason else ""),
        "found at": shelved.origin,
        "opens": document.url,
        "published": document.published_at.isoformat() if document.published_at else None,
        "length": clock(document.duration_s) if document.duration_s else None,
        "topics": ", ".join(document.topics),
        "ingested": shelved.ingested_at.strftime("%Y-%m-%d %H:%M"),
        "passages": f"{shelved.chunks:,}",
    }
    return [document.title, *(f"  {name}: {value}" for name, value in facts.items() if value)]


def place(chunk: Chunk) -> str:
    """Where a passage stands: its number, times, page, speaker, headings and characters."""
    times = None
    if chunk.start_s is not None:
        times = clock(chunk.start_s) + (f" to {clock(chunk.end_s)}" if chunk.end_s is not None else "")
    parts = (
        f"{chunk.ordinal + 1}.",
        times,
        f"page {chunk.page}" if chunk.page is not None else None,
        chunk.speaker,
        chunk.heading,
        f"characters {chunk.char_start} to {chunk.char_end}",
    )
    return " · ".join(part for part in parts if part)
