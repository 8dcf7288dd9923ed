"""`footnote delete`: takes documents, or a creator with all of theirs, out of the library for good."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID

import typer
from rich.markup import escape

from backend.errors import ConfigurationError, ContentError, Unavailable
from backend.knowledge.opening import open_index, open_index_writer
from backend.settings import Settings
from pipeline.delete import Deleted, Deletion
from pipeline.ledger import Ledger
from pipeline.library import Library
from pipeline.terminal import Terminal, one_line
from pipeline.tombstones import Tombstones
from pipeline.workplace import database, workplace

NO_ANSWER = "What you named does not answer any more; run the same command again then, and the rest of it goes."


@dataclass(frozen=True, slots=True)
class Doomed:
    """What is to be deleted: some documents, or those of `creator`. `lines` describe it to the curator."""

    documents: tuple[UUID, ...]
    lines: tuple[str, ...]
    creator: str | None = None


def run(names: Sequence[str], creator: str | None) -> int:
    """Deletes the documents that `names` mean, or everything of `creator`; prints what was done and checked.

    On a terminal it asks before it deletes a creator. Returns the exit code: 0 when nothing is left, 1 where the check
    found something or the curator declined. Raises `ContentError` where a name means no document, or several, and
    `ConfigurationError` where not exactly one of the two is given; nothing is deleted then.
    """
    if bool(names) == (creator is not None):
        raise ConfigurationError("Name the documents to delete, or a creator with `--creator SLUG`.")
    console = Terminal()
    with workplace() as settings:
        doomed = asyncio.run(find(settings, names, creator))
        for line in doomed.lines:
            console.print(escape(one_line(line)))
        if creator is not None and sys.stdin.isatty() and not typer.confirm("Delete all of it for good?"):
            console.print("Nothing was deleted.")
            return 1
        console.print("Deleting: answers that are being given are waited for, up to half a minute.")
        deleted = asyncio.run(delete(settings, doomed))
    console.print(what_went(deleted))
    if deleted.left:
        places = ", ".join(f"{place} ({count})" for place, count in deleted.left.items())
        console.print(f"[red]Not everything is gone[/]: {places}. Run the same command again.")
        return 1
    console.print(
        "Checked: nothing of it is left in the index, the catalogue, kept vectors, answers, Redis or the data folder."
    )
    return 0


async def find(settings: Settings, names: Sequence[str], creator: str | None) -> Doomed:
    """What the curator means. Raises `ContentError` for what is not known."""
    async with database(settings) as connections:
        library, tombstones = Library(connections), Tombstones(connections)
        if creator is not None:
            counts = {count.slug: count for count in await library.counts()}
            if creator not in counts:
                raise ContentError(f"There is no creator `{creator}`: `footnote status` lists them.")
            count = counts[creator]
            documents_of_it = counted(count.documents.total(), "document")
            line = f"{count.name} ({creator}): {documents_of_it}, {counted(count.chunks, 'passage')}"
            return Doomed((), (line,), creator)
        documents: list[UUID] = []
        lines: list[str] = []
        for name in dict.fromkeys(names):
            try:
                shelved = await library.find(name)
            except ContentError:
                if (buried := await tombstones.find(name)) is None:
                    raise
                documents.append(buried)
                lines.append(f"{name}: it was deleted before")
                continue
            documents.append(shelved.document.id)
            lines.append(f"{shelved.document.title} ({shelved.document.creator}/{shelved.document.source_uri})")
            if shelved.status == "duplicate":
                lines.append(f"  {shelved.reason}, which is kept")
        return Doomed(tuple(dict.fromkeys(documents)), tuple(lines))


async def delete(settings: Settings, doomed: Doomed) -> Deleted:
    """Opens what a deletion needs, and closes it.

    Raises `Unavailable` where another process is changing the library; the documents no longer answer all the same.
    """
    index, writer = open_index(settings), open_index_writer(settings)
    try:
        async with AsyncExitStack() as stack:
            connections = await stack.enter_async_context(database(settings))
            ledger, tombstones = Ledger(connections), Tombstones(connections)
            asked = doomed.documents if doomed.creator is None else await tombstones.of_creator(doomed.creator)
            await ledger.silence(await tombstones.with_repetitions(asked))  # at once, whoever is writing now
            try:
                await stack.enter_async_context(ledger.writing())
            except Unavailable as error:
                raise Unavailable(f"{error.message} {NO_ANSWER}", retry_after=error.retry_after) from error
            return await Deletion(settings, connections, index, writer).run(doomed.documents, doomed.creator)
    finally:
        await writer.close()
        await index.close()


def what_went(deleted: Deleted) -> str:
    """What was deleted, in two sentences."""
    others = f" ({deleted.repetitions:,} more that repeated them or were half deleted)" if deleted.repetitions else ""
    return (
        f"Deleted {counted(deleted.documents, 'document')}{others} with {counted(deleted.passages, 'passage')}, and "
        f"rewrote {counted(deleted.answers, 'answer')} to visitors. The files they came from were left alone."
    )


def counted(number: int, noun: str) -> str:
    """`1 document`, `2 documents`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
