"""`footnote retry`: tries again what failed, and what the index has lost, as it was asked for then."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence

from backend.settings import Settings
from pipeline.address import is_address
from pipeline.commands.ingest import Work
from pipeline.display import Display
from pipeline.find import Found
from pipeline.ingest import Summary, Told
from pipeline.library import Library, Shelved
from pipeline.lost import lost_documents
from pipeline.source import Request, Source
from pipeline.workplace import database, workplace


def run(names: Sequence[str]) -> int:
    """Ingests the documents again that `names` mean, or all that failed or were lost; returns the exit code, as
    `ingest` does.

    Raises `ContentError` where a name means no document, or several.
    """
    with workplace() as settings, Display() as display:
        wanted = asyncio.run(read(settings, names))
        lost = [(item, _gone(item, item.request.target)) for item in wanted if not may_be_there(item)]
        there = [item for item in wanted if may_be_there(item)]
        summary = Summary()
        if there:
            summary, missing = asyncio.run(again(settings, there, display, is_asked=bool(names)))
            lost += missing
        for item, reason in lost:
            display.show(Told("failed", item.origin, reason))
        summary.failed += len(lost)
    display.conclude(summary)
    return 1 if summary.failed else 0


def may_be_there(item: Shelved) -> bool:
    """Whether what was asked for when the document came can still be looked into."""
    return is_address(item.request.target) or os.path.exists(item.request.target)


async def read(settings: Settings, names: Sequence[str]) -> list[Shelved]:
    """The documents to try again."""
    async with database(settings) as connections:
        library = Library(connections)
        if names:
            return [await library.find(name) for name in names]
        return await library.documents(with_failure=True, lost=await lost_documents(settings, connections))


async def again(
    settings: Settings, wanted: Sequence[Shelved], display: Display, *, is_asked: bool
) -> tuple[Summary, list[tuple[Shelved, str]]]:
    """One run over what was asked for when they came, of which only they are taken; and those of them that were not
    there, with the reason.

    Those that were asked for by name are brought in again even if nothing is wrong with them.
    """
    requests = list(dict.fromkeys(item.request for item in wanted))
    missing: list[tuple[Shelved, str]] = []

    def choose(found: Found, refused: Mapping[Request, str]) -> Found:
        chosen = only(wanted, found)
        missing.extend(not_in(chosen, wanted, found, refused))
        return chosen

    summary = await Work(settings, display, display.show, "local").run(requests, choose=choose, again=is_asked)
    return summary, missing


def only(wanted: Sequence[Shelved], found: Found) -> Found:
    """Those of the documents that were found; of an archive or list that failed and could be opened now, all it has."""
    origins = {item.origin for item in wanted}
    opened = found.opened & origins

    def is_wanted(source: Source) -> bool:
        return source.origin in origins or not opened.isdisjoint((source.request.target, *_above(source.origin)))

    return Found(
        sources=[source for source in found.sources if is_wanted(source)],
        owners=found.owners,
        opened=opened,
        failed=[(source, reason) for source, reason in found.failed if is_wanted(source)],
    )


def not_in(
    chosen: Found, wanted: Sequence[Shelved], found: Found, refused: Mapping[Request, str]
) -> Iterator[tuple[Shelved, str]]:
    """The documents of which nothing is chosen, each with what a curator can do. `refused` are what could not be looked
    into."""
    places = {source.origin for source in (*chosen.sources, *dict(chosen.failed))} | chosen.opened
    closed = {source.origin: reason for source, reason in found.failed}
    left_out = {left_out.origin: left_out.reason for left_out in found.left_out}
    for item in wanted:
        around = item.request.target, *(() if is_address(item.origin) else _above(item.origin))
        if item.origin in places:
            continue
        if item.request in refused:
            yield item, refused[item.request]
        elif place := next((place for place in around if place in closed), None):
            yield item, f"{place}: {closed[place]}"
        elif item.origin in left_out:
            yield item, f"{left_out[item.origin].rstrip('.')}: mend that, or `footnote delete {item.short_id}`"
        else:
            yield item, _gone(item, item.origin)


def _above(origin: str) -> Iterator[str]:
    """The folders, archives and addresses in which something may lie, from the inside."""
    while "/" in origin:
        origin = origin.rpartition("/")[0]
        yield origin


def _gone(item: Shelved, place: str) -> str:
    return f"{place} is gone: ingest it from where it is now, or `footnote delete {item.short_id}`"
