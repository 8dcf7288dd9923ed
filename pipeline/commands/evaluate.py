"""`footnote evaluate`: how well retrieval finds what people have judged to be right, stage by stage."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from rich.markup import escape

from backend import settings as configuration
from backend.errors import ConfigurationError
from backend.knowledge.embedder import Embedder
from backend.knowledge.embedders import load_embedder
from backend.knowledge.reranker import Reranker
from backend.retrieval.rerank import open_reranker
from backend.settings import Settings
from pipeline.display import Display
from pipeline.evaluation import report, results, tables
from pipeline.evaluation.baseline import read_baseline
from pipeline.evaluation.dataset import Dataset, read_dataset
from pipeline.evaluation.golden import GoldenQuestion, read_golden, summed
from pipeline.evaluation.library import Tell, shelved
from pipeline.evaluation.measures import measure
from pipeline.evaluation.own_library import GoldenSet, OwnLibrary, judge, looked_up, own_library
from pipeline.evaluation.rankings import rank
from pipeline.evaluation.results import Evaluated
from pipeline.terminal import Terminal
from pipeline.workplace import workplace

LOSS = 1

Golden = Sequence[tuple[Path, Sequence[GoldenQuestion]]]


def run(targets: Sequence[str], output: str | None, *, together: bool, baseline: str | None = None) -> int:
    """Evaluates datasets and golden questions, prints their figures and writes them to `output`.

    Returns the exit code: 1 where a figure that matters is worse than in `baseline`. Raises `ConfigurationError` where
    a target, the baseline or the model cannot be read, or nothing can be written there.
    """
    paths = [Path(target) for target in targets]
    datasets = [read_dataset(path) for path in paths if not is_golden(path)]
    questions = [(path, read_golden(path)) for path in paths if is_golden(path)]
    sizes = [(dataset.name, len(dataset.questions)) for dataset in datasets]
    sizes += [(path.stem, len(items)) for path, items in questions]
    if len(dict(sizes)) < len(sizes):
        raise ConfigurationError("Two datasets have the same name: give their folders or files different names.")
    if output and baseline and Path(baseline).resolve() == (Path(output) / results.RESULTS).resolve():
        raise ConfigurationError(
            f"{baseline} would be overwritten with what is measured now, and a loss be found only once: name another "
            "folder to write to."
        )
    before = read_baseline(Path(baseline)) if baseline else None
    if before:
        before.check(dict(sizes), together=together)
    target = results.made(output) if output else None
    with ExitStack() as stack:
        settings = stack.enter_context(workplace()) if questions else configuration.load()
        display = stack.enter_context(Display())
        found, models = asyncio.run(evaluate(datasets, questions, settings, display, together=together))
    terminal = Terminal()
    for one in found:
        tables.report(one, terminal)
    differences = before.compare(found) if before else []
    losses = tables.compare(differences, terminal) if before else []
    if target:
        setting = results.setting_of(settings, models, together=together)
        try:
            results.write(target, found, setting)
            report.write(target, found, setting, differences)
        except OSError as error:
            raise ConfigurationError(f"{target} cannot be written to ({error.strerror}).") from error
        terminal.print(f"The page {report.PAGE}, {results.RESULTS} and the runs are in {target}", markup=False)
    for sentence in losses:
        terminal.print(f"[red]worse:[/] {escape(sentence)}")
    return LOSS if losses else 0


def is_golden(path: Path) -> bool:
    """Whether it is a file of golden questions, not a folder."""
    return path.suffix.lower() in (".yaml", ".yml") and not path.is_dir()


async def evaluate(
    datasets: Sequence[Dataset], questions: Golden, settings: Settings, display: Display, *, together: bool
) -> tuple[list[Evaluated], list[str]]:
    """Everything measured, golden questions first, and the ids of the models that embedded it."""
    found: list[Evaluated] = []
    models: list[str] = []
    reranker = await open_reranker(settings)
    try:
        if questions:
            display.say("Opening the library")
            async with own_library(settings, reranker) as own:
                models.append(own.model)
                known = [await looked_up(path, items, own.library) for path, items in questions]
                found += [await of_own_library(own, asked, display.count, reranks=bool(reranker)) for asked in known]
        if datasets:
            display.say("Loading the embedding model")
            embedder = await asyncio.to_thread(load_embedder, settings, None)
            models.append(embedder.model.id)
            for one_index in [datasets] if together else [[dataset] for dataset in datasets]:
                found += await of_throw_away_library(one_index, embedder, settings, reranker, display.count)
    finally:
        if reranker:
            await reranker.close()
    return found, list(dict.fromkeys(models))


async def of_own_library(own: OwnLibrary, asked: GoldenSet, tell: Tell, *, reranks: bool) -> Evaluated:
    """Golden questions, each asked of its own creator and topic."""
    rankings = await rank(asked.dataset, own.retriever, str, tell, scoped=True, reranks=reranks)
    verdicts = await judge(asked, own, rankings)
    figures = measure(asked.dataset, rankings, scoped=False, documents=asked.documents, passages=asked.passages)
    return Evaluated(asked.dataset, rankings, figures, asked.titles, summed(verdicts), verdicts)


async def of_throw_away_library(
    datasets: Sequence[Dataset], embedder: Embedder, settings: Settings, reranker: Reranker | None, tell: Tell
) -> list[Evaluated]:
    """Datasets in one index, each asked of everything and, where that is not the same, of its questions' creators."""
    found: list[Evaluated] = []
    async with shelved(datasets, embedder, settings, reranker, tell) as (retriever, shelf, tier):
        passages, documents = sum(shelf.passages.values()), len(shelf.documents)
        for dataset in datasets:
            name = partial(shelf.name, dataset=dataset.name)
            names = {name(one): document.title for one, document in shelf.documents.items()}
            titles = {one: f"{title} ({one})" if title else one for one, title in names.items()}
            for scoped in (False, True) if dataset.creators_narrow else (False,):
                rankings = await rank(dataset, retriever, name, tell, scoped=scoped, reranks=bool(reranker), tier=tier)
                figures = measure(dataset, rankings, scoped=scoped, documents=documents, passages=passages)
                found.append(Evaluated(dataset, rankings, figures, titles))
    return found
