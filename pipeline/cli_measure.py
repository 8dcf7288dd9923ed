"""The commands that look and measure, and change no content: `search`, `evaluate`, `profile`, `doctor`."""

from typing import Annotated

import typer

from pipeline.interruptible import interruptible

app = typer.Typer(rich_markup_mode="markdown")


@app.command()
def search(
    query: Annotated[str, typer.Argument(metavar="QUESTION", help="As a visitor would ask it.", show_default=False)],
    creator: Annotated[
        str | None, typer.Option(metavar="SLUG", help="Only this creator's.", show_default=False)
    ] = None,
    topic: Annotated[str | None, typer.Option(metavar="TOPIC", help="Only of this topic.", show_default=False)] = None,
) -> None:
    """Shows what retrieval finds for a question, with the scores of each stage, and whether the service would answer.

    Example:

    - `footnote search "How far away should the microphone be?" --creator ana-velloret`
    """
    from pipeline.commands import search as command

    raise typer.Exit(command.run(query, creator, topic))


@app.command()
def evaluate(
    datasets: Annotated[list[str], typer.Argument(metavar="DATASET...", help="Folders.", show_default=False)],
    together: Annotated[bool, typer.Option("--together", help="Index all of them together, not each alone.")] = False,
    output: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Where runs and figures are written.", show_default=False)
    ] = None,
) -> None:
    """Measures how well retrieval finds what people have judged to be right, stage by stage.

    A dataset is a folder in the form of BEIR: `corpus.jsonl`, `queries.jsonl`, `qrels.tsv`, and `conversations.jsonl`
    where there are such. It is cut, embedded and indexed as by `ingest`, in a library of its own that is gone
    afterwards, and asked the way of a visitor's question. Example: `footnote evaluate ~/judged/scifact --output report`
    """
    from pipeline.commands import evaluate as command

    raise typer.Exit(interruptible(lambda: command.run(datasets, output, together=together)))


@app.command()
def profile(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="The creator.", show_default=False)],
) -> None:
    """Measures a creator's voice in their own words, and keeps it as a file that you may edit.

    The file lies in `profiles` in the data folder; run again, it renews what is measured and leaves what you wrote.
    """
    from pipeline.commands import profile as command

    raise typer.Exit(command.run(slug))


@app.command()
def doctor() -> None:
    """Checks everything that Footnote depends on, and says what to do.

    Exit codes: 0 all is well, 1 something is broken, 2 the configuration cannot be read.
    """
    from pipeline.commands import doctor as command

    raise typer.Exit(command.run())
