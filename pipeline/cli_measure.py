"""The commands that look and measure, and change no content: `search`, `unanswered`, `feedback`, and so on."""

import signal
from typing import Annotated

import typer

from pipeline.interruptible import BEGINS_ANEW, interruptible

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
def unanswered(
    creator: Annotated[
        str | None, typer.Option(metavar="SLUG", help="Only what was asked of this creator.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
) -> None:
    """Lists the questions that nothing here answers, the most asked first: what is missing in the library.

    Also those that were asked of a creator and that only others could answer. A conversation that its visitor deletes
    takes its questions along.
    """
    from pipeline.commands import unanswered as command

    command.run(creator, limit)


@app.command()
def feedback(
    creator: Annotated[
        str | None, typer.Option(metavar="SLUG", help="Only on what was asked of this creator.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
) -> None:
    """Lists what visitors think of the answers they were given, the newest first: question, rating and comment.

    A rating that its visitor takes back is gone, as is that of an answer which was made anew. A conversation that its
    visitor deletes takes its ratings along.
    """
    from pipeline.commands import feedback as command

    command.run(creator, limit)


@app.command()
def evaluate(
    datasets: Annotated[
        list[str], typer.Argument(metavar="DATASET...", help="Folders, or YAML files of questions.", show_default=False)
    ],
    together: Annotated[bool, typer.Option("--together", help="Index all folders together, not each alone.")] = False,
    output: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER", help="Where the page, the figures and the runs are written.", show_default=False
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="An earlier results.json: shows what changed, and fails on a loss.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Measures how well retrieval finds what people have judged to be right, stage by stage.

    A dataset is a folder in the form of BEIR: `corpus.jsonl`, `queries.jsonl`, `qrels.tsv`, and `conversations.jsonl`
    where there are such. It is cut, embedded and indexed as by `ingest`, in a library of its own that is gone
    afterwards, and asked the way of a visitor's question.

    Or it is a YAML file of your own questions, which are asked of your own library: a list in which each has a
    `question`, what is `expected` (`document:` as for `show`, and perhaps `at: 12:30`; a list of such; or `not here`),
    and, where you like, a `creator`, a `topic` and the questions `earlier` in the conversation.

    Examples:

    - `footnote evaluate golden.yaml --output report`

    - `footnote evaluate ~/judged/scifact --output after --baseline before/results.json`

    Exit codes: 0 all is well, 1 a figure is worse than before, 2 nothing could be done.
    """
    from pipeline.commands import evaluate as command

    # So that a job that has run out of its time leaves no library of its own behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = interruptible(lambda: command.run(datasets, output, together=together, baseline=baseline), BEGINS_ANEW)
    raise typer.Exit(code)


@app.command()
def profile(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="The creator.", show_default=False)],
) -> None:
    """Measures a creator's voice in their own words, keeps it as a file that you may edit, and publishes it.

    The file lies in `profiles` in the data folder. Run again after an edit, it leaves what you wrote, renews what is
    measured, and publishes both: a model's answers then sound like it as far as a visitor asks for it. With
    `persona: off` in the file, or in the creator's `creator.yaml`, they never do.
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
