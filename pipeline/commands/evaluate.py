"""`footnote evaluate`: how well retrieval finds what people have judged to be right, stage by stage."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from backend import settings as configuration
from backend.errors import ConfigurationError
from backend.knowledge.embedder import Embedder
from backend.knowledge.embedders import load_embedder
from backend.settings import Settings
from pipeline.display import Display
from pipeline.evaluation.dataset import Dataset, read_dataset
from pipeline.evaluation.library import Tell, shelved
from pipeline.evaluation.measures import Figures, measure
from pipeline.evaluation.rankings import Rankings, rank
from pipeline.terminal import Terminal

RESULTS = "results.json"


def run(folders: Sequence[str], output: str | None, *, together: bool) -> int:
    """Evaluates the datasets in these folders, prints their figures and writes them to `output`; returns the exit code.

    Raises `ConfigurationError` where a dataset or the model cannot be read, or nothing can be written there.
    """
    settings = configuration.load()
    datasets = [read_dataset(Path(folder)) for folder in folders]
    if len({dataset.name for dataset in datasets}) < len(datasets):
        raise ConfigurationError("Two datasets have the same name: give their folders different names.")
    target = made(output)
    with Display() as display:
        display.say("Loading the embedding model")
        embedder = load_embedder(settings, None)

        def tell(what: str, done: int, total: int) -> None:
            display.count(what, done, total)

        found = asyncio.run(evaluate(datasets, settings, embedder, tell, together=together))
    figures = [measured for measured, _ in found]
    for measured in figures:
        report(measured)
    if target:
        write(target, found)
        Terminal().print(f"Runs and {RESULTS} are in {target}")
    return 0


async def evaluate(
    datasets: Sequence[Dataset], settings: Settings, embedder: Embedder, tell: Tell, *, together: bool
) -> list[tuple[Figures, Rankings]]:
    """Each dataset in an index of its own, or all `together` in one; asked at large and, where it has creators, of
    each question's own creator."""
    found: list[tuple[Figures, Rankings]] = []
    for shelf_full in [datasets] if together else [[dataset] for dataset in datasets]:
        async with shelved(shelf_full, embedder, settings.retrieval, tell) as (retriever, shelf):
            for dataset in shelf_full:
                has_creators = any(question.creator for question in dataset.questions)
                for scoped in (False, True) if has_creators else (False,):
                    rankings = await rank(dataset, retriever, shelf, tell, scoped=scoped)
                    found.append((measure(dataset, rankings, scoped=scoped), rankings))
    return found


def report(figures: Figures) -> None:
    """One table: a line for each stage."""
    scope = "each question of its own creator" if figures.scoped else "everything"
    table = Table(
        title=f"{figures.dataset}, {figures.judged:,} judged questions, asked of {scope}", title_justify="left"
    )
    names = list(next(iter(figures.stages.values())))
    for heading in ("", *names):
        table.add_column(heading, justify="right" if heading else "left")
    for stage, means in figures.stages.items():
        table.add_row(stage, *(f"{means[name]:.3f}" for name in names))
    terminal = Terminal()
    terminal.print(table)
    if told := figures.abstention:
        terminal.print(
            f"abstention: AUROC {told.auroc:.3f}; {told.refused:.0%} of the unanswerable refused where 10% of the "
            f"answerable are; as it is set, {told.rejected:.0%} and {told.missed:.0%}"
        )
    terminal.print(f"latency: p50 {figures.p50_ms:.1f} ms, p95 {figures.p95_ms:.1f} ms\n")


def made(output: str | None) -> Path | None:
    """The folder to write to, made where it is missing."""
    if output is None:
        return None
    try:
        Path(output).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{output} cannot be made: name a folder that you may write to.") from error
    return Path(output)


def write(target: Path, found: Sequence[tuple[Figures, Rankings]]) -> None:
    """A TREC run for each stage, which other tools read, and all figures as JSON."""
    for figures, rankings in found:
        scope = "scoped" if figures.scoped else "all"
        for stage, ranked in rankings.stages.items():
            lines = [
                f"{question} Q0 {article} {place} {score:.6f} footnote-{stage}\n"
                for question, ranking in ranked.items()
                for place, (article, score) in enumerate(ranking, 1)
            ]
            (target / f"{figures.dataset}.{scope}.{stage}.run").write_text("".join(lines))
    (target / RESULTS).write_text(json.dumps([asdict(figures) for figures, _ in found], indent=1))
