"""What 8-bit weights would cost and give: nDCG@10 and speed against the fp32 model, on judged questions.

`python -m tests.bench_int8 FOLDER…` (datasets as `footnote evaluate` reads them) prints it. The model is quantised per
channel with a reduced range, as processors without VNNI need it. docs/decisions/0010-fp32.md has the figures.
"""

import asyncio
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from onnxruntime.quantization import QuantType, quantize_dynamic
from rich.console import Console
from rich.table import Table

from backend import settings as configuration
from backend.knowledge.embedder import Embedder
from backend.knowledge.export import ensure_exported
from backend.knowledge.exported import MODEL_FILE
from backend.settings import Settings
from pipeline.evaluation.dataset import Dataset, read_dataset
from pipeline.evaluation.library import shelved
from pipeline.evaluation.measures import measure
from pipeline.evaluation.rankings import rank

STAGES = ("dense", "fused")
TIMED = 512  # texts of each set that are embedded for the speed
TIMED_QUERIES = 200


async def main(folders: list[str]) -> None:
    """Measures every dataset with both models and prints one table."""
    settings = configuration.load()
    original = ensure_exported(settings)
    table = Table("set", "nDCG@10", "fp32", "int8", "difference", title="8-bit weights against fp32")
    speeds = Table("set", "what", "fp32", "int8", "int8 is", title="Speed")
    with tempfile.TemporaryDirectory() as folder:
        models = [Embedder.load(original), Embedder.load(quantised(original, Path(folder) / original.name))]
        for path in folders:
            dataset = judged(read_dataset(Path(path)))
            figures = [await scores(dataset, model, settings) for model in models]
            for stage, (full, small) in zip(STAGES, zip(*figures, strict=True), strict=True):
                table.add_row(dataset.name, stage, f"{full:.3f}", f"{small:.3f}", f"{small - full:+.3f}")
            (many, one), (many_small, one_small) = (speed(dataset, model) for model in models)
            speeds.add_row(
                dataset.name, "texts/s", f"{many:.1f}", f"{many_small:.1f}", f"{many_small / many:.2f} times as fast"
            )
            speeds.add_row("", "a query, ms", f"{one:.2f}", f"{one_small:.2f}", f"{one / one_small:.2f} times as fast")
    console = Console(width=110)
    console.print(table)
    console.print(speeds)


def quantised(original: Path, target: Path) -> Path:
    """A copy of the exported model with 8-bit weights."""
    shutil.copytree(original, target)
    quantize_dynamic(
        original / MODEL_FILE, target / MODEL_FILE, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8
    )
    return target


def judged(dataset: Dataset) -> Dataset:
    """The dataset without the questions that have no right article."""
    kept = tuple(question for question in dataset.questions if question.id in dataset.relevant)
    return replace(dataset, questions=kept)


async def scores(dataset: Dataset, embedder: Embedder, settings: Settings) -> list[float]:
    """nDCG@10 of the stages, asked as `footnote evaluate` asks."""
    async with shelved([dataset], embedder, settings, None, quiet) as (retriever, shelf, _):
        made = await rank(
            dataset, retriever, lambda document: shelf.name(document, dataset.name), quiet, scoped=False, reranks=False
        )
        figures = measure(dataset, made, scoped=False, documents=len(dataset.articles), passages=0)
    return [figures.stages[stage]["nDCG@10"] for stage in STAGES]


def speed(dataset: Dataset, embedder: Embedder) -> tuple[float, float]:
    """Texts a second, and the median milliseconds of one query alone."""
    texts = [f"{article.title}\n{article.text}" for article in dataset.articles[:TIMED]]
    started = time.perf_counter()
    embedder.embed(texts)
    throughput = len(texts) / (time.perf_counter() - started)
    taken = []
    for question in dataset.questions[:TIMED_QUERIES]:
        started = time.perf_counter()
        embedder.embed_queries([question.text])
        taken.append(time.perf_counter() - started)
    return throughput, statistics.median(taken) * 1000


def quiet(_what: str, _done: int, _total: int) -> None:
    """No progress is shown: the table is what counts."""


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
