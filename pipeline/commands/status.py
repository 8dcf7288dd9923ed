"""`footnote status`: what is in the library, and what is not and why."""

import asyncio

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backend import settings as configuration
from backend.database import open_database
from backend.embedded import engines
from backend.migrations import migrate
from backend.settings import Settings
from pipeline.ledger import CreatorCount, Failure, Ledger


def run() -> None:
    """Prints creators with their documents and passages, then every failure with its reason."""
    settings = configuration.load()
    with engines(settings) as resolved:
        migrate(resolved.database.url)
        counts, failures = asyncio.run(read(resolved))
    console = Console(highlight=False, soft_wrap=True)
    if not counts:
        console.print("The library is empty. `footnote ingest FOLDER` fills it.")
        return
    console.print(table_of(counts))
    for failure in failures:
        console.print(f"[red]failed[/] {escape(f'{failure.creator}/{failure.source_uri}: {failure.reason}')}")
    if failures:
        console.print("Mend the files and run the same `footnote ingest` again.")


async def read(settings: Settings) -> tuple[list[CreatorCount], list[Failure]]:
    """What the ledger says."""
    database = open_database(settings.database.url, pool_size=1)
    try:
        ledger = Ledger(database)
        return await ledger.counts(), await ledger.failures()
    finally:
        await database.dispose()


def table_of(counts: list[CreatorCount]) -> Table:
    """One line a creator, and the sums below."""
    table = Table(box=box.SIMPLE, show_footer=True)
    table.add_column("creator", footer="in all", no_wrap=True)
    table.add_column("name")
    columns = {
        "answering": [count.documents["ready"] for count in counts],
        "pending": [count.documents["pending"] for count in counts],
        "failed": [count.documents["failed"] for count in counts],
        "passages": [count.chunks for count in counts],
    }
    for name, values in columns.items():
        table.add_column(name, justify="right", footer=f"{sum(values):,}", no_wrap=True)
    for count, *values in zip(counts, *columns.values(), strict=True):
        table.add_row(count.slug, count.name, *(f"{value:,}" for value in values))
    return table
