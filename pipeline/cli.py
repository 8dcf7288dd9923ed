"""The command `footnote`. What a subcommand needs is imported when it runs, so that `--help` is quick."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from backend.errors import FootnoteError
from pipeline import cli_access, cli_measure
from pipeline.interruptible import interruptible

CONFIGURATION_ERROR = 2

DOCUMENT = typer.Argument(
    metavar="DOC",
    help="The beginning of its id, its path, `creator/path`, its address or its title: see `footnote documents`.",
    show_default=False,
)


class EngineName(StrEnum):
    """The values of `--engine`."""

    LOCAL = "local"
    RAY = "ray"


app = typer.Typer(
    help="Footnote answers questions from what creators have published, with a footnote for every claim.\n\n"
    "Settings come from the environment, `.env` and config.yaml, which explains each; "
    "`FOOTNOTE_DATA_DIR` chooses the data folder.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.command()
def ingest(
    targets: Annotated[
        list[str],
        typer.Argument(metavar="PATH|URL...", help="Folders, files, ZIP archives, addresses.", show_default=False),
    ],
    creator: Annotated[
        str | None,
        typer.Option(
            metavar="SLUG", help="Whose content it is, in spite of whatever else says so.", show_default=False
        ),
    ] = None,
    topic: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TOPIC", help="A topic for every document, beside its own. May be repeated.", show_default=False
        ),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Also remove documents that came from there and are gone.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look and read, say what would change, and change nothing.")
    ] = False,
    engine: Annotated[
        EngineName, typer.Option(help="Where documents are read and embedded: on this machine, or on a Ray cluster.")
    ] = EngineName.LOCAL,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Brings content into the library, while the service goes on answering.

    It reads Markdown, text, HTML, PDF, DOCX, captions (WebVTT, SRT, YouTube's json3), Whisper's JSON, podcast
    transcripts in Markdown, folders that yt-dlp filled, ZIP archives of these, and addresses of pages, RSS and Atom
    feeds (with their transcripts) and sitemaps. What a file is, its content says.

    What is in already and has not changed is skipped, unless the index has lost passages of it; what has changed
    answers from its old version until the new one is complete, and only its new passages are embedded. A document that
    fails keeps its reason and does not stop the others: `footnote status` shows it, `footnote retry` tries it again.
    Stop it whenever you like: the same command goes on where it was.

    A document is described by the command line, then by its front matter or yt-dlp's `.info.json`, then by a file
    beside it with the same name and the suffix `.yaml` (`title`, `url`, `kind`, `published_at`, `duration_s`,
    `topics`), then by the `creator.yaml` in or above its folder (`slug`, `name`, `bio`, `voice`, `topics`, `links`,
    `questions`), then by the names of its folder and file.

    Examples:

    - `footnote ingest scripts/sample`

    - `footnote ingest ~/talks --creator ana-velloret --topic mixing`

    - `footnote ingest https://example.org/podcast.xml --dry-run`

    Exit codes: 0 all is well, 1 some documents failed, 2 nothing could be done.
    """
    from pipeline.commands import ingest as command

    code = interruptible(
        lambda: command.run(
            targets, creator, topic or (), prune=prune, dry_run=dry_run, engine=engine.value, as_json=as_json
        )
    )
    raise typer.Exit(code)


@app.command()
def status() -> None:
    """Shows which creators and documents answer, and every failure with its reason."""
    from pipeline.commands import status as command

    command.run()


@app.command()
def documents(
    creator: Annotated[
        str | None, typer.Option(metavar="SLUG", help="Only this creator's.", show_default=False)
    ] = None,
) -> None:
    """Lists the documents with their ids, titles and states; one line each, with tabs where it is no terminal."""
    from pipeline.commands import documents as command

    command.run(creator)


@app.command()
def show(document: Annotated[str, DOCUMENT]) -> None:
    """Shows a document as a reader sees it: its passages in order, with times, pages, speakers and headings.

    Examples:

    - `footnote show 3f9a2c1e`

    - `footnote show ana-velloret/talks/room-first.vtt`
    """
    from pipeline.commands import show as command

    command.run(document)


@app.command()
def retry(
    documents: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DOC...]", help="Which; without any, all that failed or was lost.", show_default=False),
    ] = None,
) -> None:
    """Tries again what failed, and brings in again what the index has lost, with the options of its ingestion.

    Exit codes: 0 all is well, 1 some failed again, 2 nothing could be done.
    """
    from pipeline.commands import retry as command

    raise typer.Exit(interruptible(lambda: command.run(documents or ())))


@app.command()
def delete(
    documents: Annotated[
        list[str] | None, typer.Argument(metavar="[DOC...]", help="Which, as for `show`.", show_default=False)
    ] = None,
    creator: Annotated[
        str | None, typer.Option(metavar="SLUG", help="Everything of this creator.", show_default=False)
    ] = None,
) -> None:
    """Deletes documents, or a creator with everything, and checks that nothing of them can be reached.

    They stop answering at once. Then their passages and vectors leave the index and its files, and what they said is
    taken out of conversations, caches and logs. The files they came from are yours and stay; the next `ingest` of their
    folder leaves them out, and naming the file itself brings it back.

    Stopped on the way, the same command goes on. Exit codes: 0 all is gone, 1 a check failed, 2 nothing could be done.

    Examples:

    - `footnote delete 3f9a2c1e`

    - `footnote delete --creator ana-velloret`
    """
    from pipeline.commands import delete as command

    raise typer.Exit(interruptible(lambda: command.run(documents or (), creator)))


@app.command()
def reindex(
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="`embedded`, or a sentence-transformers model id or folder; without it, the configured one.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Makes the index anew beside the old one, which answers until the new one is whole.

    It takes the passages from the old index, so that nothing need be read again. With another model every passage is
    embedded; stopped on the way, the next run goes on with the vectors that were made.

    Exit codes: 0 all is well, 1 the old index had lost passages, 2 nothing could be done.
    """
    from pipeline.commands import reindex as command

    raise typer.Exit(interruptible(lambda: command.run(model)))


@app.command()
def serve(
    sample: Annotated[
        bool, typer.Option("--sample", help="Ingest the sample content first, if nothing has been ingested yet.")
    ] = False,
) -> None:
    """Answers questions: the page, the widget and the API, at `server.host` and `server.port`.

    Where `database.url`, `redis.url` or `index.url` say `embedded`, the engines are started and ended with it.
    """
    from backend import settings as configuration
    from backend.processes import exit_at_once
    from backend.serve import serve as run

    code = None
    try:
        run(configuration.load(), sample=sample, say=typer.echo)
    except SystemExit as ended:  # by a signal, or because a worker could not start
        code = ended.code
    exit_at_once(code if isinstance(code, int) else 0)


for more in (cli_measure.app, cli_access.app):
    app.add_typer(more)  # without a name: its commands stand beside those above


def main() -> None:
    """Entry point: an expected error is one sentence on the error stream, and exit code 2."""
    try:
        app()
    except FootnoteError as error:
        from pipeline.terminal import visible

        typer.echo(visible(error.message), err=True)
        sys.exit(CONFIGURATION_ERROR)
