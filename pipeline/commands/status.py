"""`footnote status`: what is in the library, and what is not and why."""

import asyncio

from rich import box
from rich.markup import escape
from rich.table import Table

from backend.settings import Settings
from pipeline.library import CreatorCount, Library, Shelved
from pipeline.terminal import Terminal, one_line
from pipeline.workplace import database, workplace

ALWAYS = ("answering", "failed", "passages")  # the other columns are shown where they say something


def run() -> None:
    """Prints creators with their documents and passages, then every failure with its reason."""
    with workplace() as settings:
        counts, failures = asyncio.run(read(settings))
    console = Terminal()
    if not counts:
        console.print("The library is empty. `footnote ingest FOLDER` fills it.")
        return
    console.print(table_of(counts))
    for failure in failures:
        document = failure.document
        where = one_line(f"{failure.short_id} {document.creator}/{document.source_uri}: {failure.reason}")
        console.print(f"[red]failed[/] {escape(where)}")
    if failures:
        console.print("When they are mended: `footnote retry`, or one of them: `footnote retry ID`.")


async def read(settings: Settings) -> tuple[list[CreatorCount], list[Shelved]]:
    """What the ledger says."""
    async with database(settings) as connections:
        library = Library(connections)
        return await library.counts(), await library.documents(with_failure=True)


def table_of(counts: list[CreatorCount]) -> Table:
    """One line a creator, and the sums below."""
    table = Table(box=box.SIMPLE, show_footer=True)
    table.add_column("creator", footer="in all", no_wrap=True)
    table.add_column("name")
    columns = {
        "answering": [count.documents["ready"] for count in counts],
        "pending": [count.documents["pending"] for count in counts],
        "failed": [count.documents["failed"] for count in counts],
        "repeated": [count.documents["duplicate"] for count in counts],
        "left out": [count.documents["left_out"] for count in counts],
        "passages": [count.chunks for count in counts],
    }
    columns = {name: values for name, values in columns.items() if any(values) or name in ALWAYS}
    for name, values in columns.items():
        table.add_column(name, justify="right", footer=f"{sum(values):,}", no_wrap=True)
    for count, *values in zip(counts, *columns.values(), strict=True):
        table.add_row(count.slug, escape(one_line(count.name)), *(f"{value:,}" for value in values))
    return table
