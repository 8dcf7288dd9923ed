"""The command `footnote`. What a subcommand needs is imported when it runs, so that `--help` is quick."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from backend.errors import FootnoteError

CONFIGURATION_ERROR = 2
INTERRUPTED = 130

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
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="Folders or files: Markdown, text, WebVTT, SRT. Of a folder without a creator.yaml, every folder "
            "below that has one is ingested.",
            show_default=False,
        ),
    ],
    creator: Annotated[
        str | None,
        typer.Option(
            metavar="SLUG",
            help="Whose content it is, where no creator.yaml says so, or in spite of it.",
            show_default=False,
        ),
    ] = None,
    topic: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TOPIC", help="A topic for every document, beside its own. May be repeated.", show_default=False
        ),
    ] = None,
) -> None:
    """Brings content into the library, while the service goes on answering.

    What is in already and has not changed is skipped; what has changed answers from its old version until the new one
    is complete. A document that fails keeps its reason (`footnote status` shows it) and does not stop the others. Stop
    it whenever you like: the same command goes on where it was.

    A document is described by its front matter, or by a file beside it with the same name and the suffix `.yaml`
    (`title`, `url`, `kind`, `published_at`, `duration_s`, `topics`); a creator by the file `creator.yaml` in their
    folder (`slug`, `name`, `bio`, `voice`, `topics`, `links`, `questions`).

    Examples:

    - `footnote ingest scripts/sample`

    - `footnote ingest ~/talks --creator ana-velloret --topic mixing`

    Exit codes: 0 all is well, 1 some documents failed, 2 nothing could be done.
    """
    from pipeline.commands import ingest as command

    try:
        raise typer.Exit(command.run(paths, creator, topic or ()))
    except KeyboardInterrupt:
        typer.echo("Stopped: the same command goes on where it was.", err=True)
        raise typer.Exit(INTERRUPTED) from None


@app.command()
def status() -> None:
    """Shows which creators and documents answer, and every failure with its reason."""
    from pipeline.commands import status as command

    command.run()


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
    from backend.serve import serve as run

    run(configuration.load(), sample=sample, say=typer.echo)


def main() -> None:
    """Entry point: an expected error is one sentence on the error stream, and exit code 2."""
    try:
        app()
    except FootnoteError as error:
        typer.echo(error.message, err=True)
        sys.exit(CONFIGURATION_ERROR)
