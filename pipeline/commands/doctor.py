"""`footnote doctor`: looks at everything that Footnote depends on, and says what to do about it."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from rich.markup import escape

from backend import settings as configuration
from backend.embedded import engines
from backend.errors import FootnoteError
from backend.settings import EMBEDDED, Settings
from pipeline.checks import content, databases, index, machine, model, tiers
from pipeline.checks.configuration import configuration as sources_of
from pipeline.checks.finding import Finding, State, within
from pipeline.terminal import Terminal

STARTING_S = 30.0  # the embedded engines take one or two
DATABASE_S, REDIS_S, LIBRARY_S, MODEL_S, SANDBOX_S, TIERS_S = 6.0, 6.0, 12.0, 30.0, 30.0, 10.0
EMBEDDED_INDEX_S, INDEX_SERVER_S = 40.0, 6.0
SIGNS: dict[State, str] = {"ok": "[green]✓[/] ok    ", "note": "[yellow]![/] note  ", "broken": "[red]✗[/] broken"}
NAME_WIDTH = 16


def run() -> int:
    """Prints one line a check; returns the exit code: 0 nothing is broken, 1 something is, 2 no settings."""
    logging.getLogger().addHandler(logging.NullHandler())  # what went wrong is said once, here, and without a trace
    console = Terminal()
    counts: dict[State, int] = {"ok": 0, "note": 0, "broken": 0}

    def say(finding: Finding) -> None:
        counts[finding.state] += 1
        words = " ".join(f"{finding.says} {finding.advice}".split())
        console.print(f"{SIGNS[finding.state]}  {escape(f'{finding.about:<{NAME_WIDTH}}')} {escape(words)}")

    say(machine.python())
    try:
        settings = configuration.load()
    except FootnoteError as error:
        say(Finding("broken", "configuration", error.message))
        return 2
    say(sources_of(settings))
    say(machine.data_folder(settings.data_dir.resolve()))
    with started(settings) as (resolved, failure):
        asyncio.run(_say_all(_findings(settings, resolved, failure), say))
    console.print(_conclusion(counts))
    return 1 if counts["broken"] else 0


@contextmanager
def started(settings: Settings) -> Iterator[tuple[Settings, Finding | None]]:
    """The settings with the addresses of embedded engines, or why these did not start; nobody waits for long."""
    context = engines(settings)
    outcome: list[Settings | FootnoteError] = []

    def start() -> None:
        try:
            outcome.append(context.__enter__())
        except FootnoteError as error:
            outcome.append(error)
        except OSError:
            outcome.append(FootnoteError("Postgres and Redis cannot be started in the data folder."))

    starting = threading.Thread(target=start, daemon=True)
    starting.start()
    starting.join(STARTING_S)
    match outcome:
        case [Settings() as resolved]:
            try:
                yield resolved, None
            finally:
                context.__exit__(None, None, None)
        case [FootnoteError() as error]:
            yield settings, Finding("broken", "embedded engines", error.message)
        case _:
            says = f"Postgres and Redis did not start within {STARTING_S:g} s."
            yield settings, Finding("broken", "embedded engines", says, "See engines/host.log in the data folder.")


async def _say_all(findings: AsyncIterator[Finding], say: Callable[[Finding], None]) -> None:
    async for finding in findings:
        say(finding)


async def _findings(settings: Settings, resolved: Settings, failure: Finding | None) -> AsyncIterator[Finding]:
    """Everything that is looked at, in the order in which one would mend it."""
    if failure is not None:
        yield failure
    library: content.Library | None = None
    if resolved.database.url != EMBEDDED:
        found = await within("Postgres", DATABASE_S, databases.postgres(settings, resolved), databases.DATABASE_ADVICE)
        for finding in found:
            yield finding
        if all(finding.state == "ok" for finding in found):
            library, unread = await _library(resolved)
            for finding in unread:
                yield finding
    if resolved.redis.url != EMBEDDED:
        for finding in await within("Redis", REDIS_S, databases.redis(settings, resolved), databases.REDIS_ADVICE):
            yield finding
    held: index.Held | None = None
    index_s = EMBEDDED_INDEX_S if settings.index.url == EMBEDDED else INDEX_SERVER_S

    async def index_findings() -> list[Finding]:
        nonlocal held
        found, held = await index.index(settings, library)
        return found

    for finding in await within("index", index_s, index_findings(), index.ADVICE):
        yield finding
    of_index = held.model if held else None
    for finding in await within("embedding model", MODEL_S, model.model(settings, of_index)):
        yield finding
    for finding in await within("tiers", TIERS_S, tiers.tiers(settings)):
        yield finding
    for finding in content.content(library) if library else ():
        yield finding
    for finding in machine.leftovers(settings.data_dir.resolve()):
        yield finding
    yield machine.frontend()
    for finding in await within("sandbox", SANDBOX_S, machine.sandbox()):
        yield finding
    yield machine.ray()


async def _library(resolved: Settings) -> tuple[content.Library | None, list[Finding]]:
    library: content.Library | None = None

    async def read() -> list[Finding]:
        nonlocal library
        library = await content.read_library(resolved.database.url)
        return []

    unread = await within("library", LIBRARY_S, read(), "The tables cannot be read: see the log of Postgres.")
    return library, unread


def _conclusion(counts: dict[State, int]) -> str:
    notes = f", {counts['note']} to note" if counts["note"] else ""
    if counts["broken"]:
        return f"{counts['broken']} broken{notes}, {counts['ok']} in order."
    return f"Nothing is broken{notes}."
