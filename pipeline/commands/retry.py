"""`footnote retry`: tries again what failed, as it was asked for then."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from backend.settings import Settings
from pipeline.address import is_address
from pipeline.commands.ingest import Work
from pipeline.display import Display
from pipeline.find import Found
from pipeline.ingest import Summary, Told
from pipeline.library import Library, Shelved
from pipeline.workplace import database, workplace


def run(names: Sequence[str]) -> int:
    """Ingests the documents again that `names` mean, or all that failed; returns the exit code, as `ingest` does.

    Raises `ContentError` where a name means no document, or several.
    """
    with workplace() as settings, Display() as display:
        wanted = asyncio.run(read(settings, names))
        lost = [item for item in wanted if not may_be_there(item)]
        for item in lost:
            gone = (
                f"{item.request.target} is gone: ingest it from where it is now, or `footnote delete {item.short_id}`"
            )
            display.show(Told("failed", item.origin, gone))
        there = [item for item in wanted if item not in lost]
        summary = asyncio.run(again(settings, there, display, is_asked=bool(names))) if there else Summary()
        summary.failed += len(lost)
    display.conclude(summary)
    return 1 if summary.failed else 0


def may_be_there(item: Shelved) -> bool:
    """Whether what was asked for when the document came can still be looked into."""
    return is_address(item.request.target) or Path(item.request.target).exists()


async def read(settings: Settings, names: Sequence[str]) -> list[Shelved]:
    """The documents to try again."""
    async with database(settings) as connections:
        library = Library(connections)
        if names:
            return [await library.find(name) for name in names]
        return await library.documents(with_failure=True)


async def again(settings: Settings, wanted: Sequence[Shelved], display: Display, *, is_asked: bool) -> Summary:
    """One run over what was asked for when they came, of which only they are taken.

    Those that were asked for by name are brought in again even if nothing is wrong with them.
    """
    requests = list(dict.fromkeys(item.request for item in wanted))
    origins = {item.origin for item in wanted}

    def choose(found: Found) -> Found:
        return Found(
            sources=[source for source in found.sources if is_wanted(source.origin, origins)],
            owners=found.owners,
            opened=found.opened & origins,
            failed=[(source, reason) for source, reason in found.failed if is_wanted(source.origin, origins)],
        )

    return await Work(settings, display, display.show, "local").run(requests, choose=choose, again=is_asked)


def is_wanted(origin: str, origins: set[str]) -> bool:
    """Whether it is one of them, or lies in an archive that is."""
    return origin in origins or any(origin.startswith(f"{wanted}/") for wanted in origins)
