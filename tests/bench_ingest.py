"""What an ingestion costs beside its embedding, as ratios of one run on one machine: `make bench-ingest`.

Chunks a second end to end, against our bare encoder and against sentence-transformers with its defaults on the same
texts; the share of each stage; the memory of an ingesting process for 2,000 and for 20,000 chunks. Every measurement
is a process of its own (`tests.bench_ingest_roles`) with an empty data folder of its own, whose database already runs.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from backend import settings as configuration
from backend.embedded import engines
from backend.knowledge.export import ensure_exported
from backend.migrations import migrate
from backend.settings import EmbeddingSettings
from tests.pipeline.shared import DATA

ROUNDS = 3
REAL, SAMPLE = DATA / "creators", Path(__file__).parent.parent / "scripts" / "sample"
EVERY = 5  # of the real podcasts, articles and talks, of all creators: some 2,000 chunks
SAMPLE_COPIES = 12
LARGER = 10  # times as many chunks
MEASURE_EVERY_S = 0.05
STAGES = {
    "finding": "finding, comparing with the ledger",
    "children": "reading and cutting, CPU of the children",
    "waiting for it": "waiting for it",
    "embedding": "embedding",
    "sparse": "sparse vectors",
    "ledger": "ledger and kept vectors",
    "index": "index",
    "publication": "publication",
    "engine": "the ingestion waits for the engine",
}


@dataclass(frozen=True)
class Peak:
    """Most megabytes at any moment: the process's own memory, with the files that it has mapped, and its children."""

    own: float
    whole: float
    children: float


def main() -> None:
    """Runs everything and prints two tables."""
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as parent:
        bench = Bench(Path(parent))
        console = Console(width=120)
        speed(bench, console)
        memory(bench, console)


def speed(bench: "Bench", console: Console) -> None:
    """The three in turn, so that a machine that is busy for a while is so for all of them."""
    content, texts = bench.content(1), bench.parent / "ingest.json"
    files = {role: bench.parent / f"{role}.npy" for role in ("ingest", "bare", "library")}
    runs: dict[str, list[dict[str, Any]]] = {role: [] for role in files}
    for _ in range(ROUNDS):
        for role, file in files.items():
            with bench.data_folder() as environment:
                runs[role].append(bench.run(environment, role, content if role == "ingest" else texts, file))
    first = runs["ingest"][0]
    what = f"{first['chunks']:,} chunks of {first['documents']} documents, {'real' if REAL.is_dir() else 'the sample'}"
    table = Table("", "chunks/s", "each run", "CPU s", title=what)
    names = "ingestion, from files to answers", "our encoder, all texts at once", "sentence-transformers, defaults"
    for name, role in zip(names, files, strict=True):
        rates = [rate(run) for run in runs[role]]
        spent = statistics.median(run["cpu"] for run in runs[role])
        each = ", ".join(f"{value:.1f}" for value in rates)
        table.add_row(name, f"{statistics.median(rates):.1f}", each, f"{spent:.0f}")
    for name, role in (("our encoder", "bare"), ("sentence-transformers", "library")):
        wall, spent = (ratios(runs, role, cost) for cost in ("seconds", "cpu"))
        each = ", ".join(f"{ratio:.2f}" for ratio in wall)
        table.add_row(
            f"ingestion / {name}", f"{statistics.median(wall):.2f}", each, f"{statistics.median(spent):.2f} as fast"
        )
    console.print(table)
    ours, theirs = np.load(files["ingest"]), np.load(files["library"])
    cosines = (ours * theirs).sum(axis=1)
    apart = f"{abs(ours - theirs).max():.1e} apart at most, the smallest cosine is {cosines.min():.7f}"
    console.print(f"vectors of the ingestion and of sentence-transformers: {apart}")
    console.print("not counted: starting Python and the database, loading the model")
    console.print("on a machine that does other work too, the ratios of CPU seconds (children included) say more")
    stages = Table("stage; some run beside others", "seconds", "of the whole", title="Where the time goes")
    for stage, name in STAGES.items():
        run = sorted(runs["ingest"], key=lambda run: run["seconds"])[ROUNDS // 2]
        seconds = (run["stages"] | {"children": run["children"]})[stage]
        stages.add_row(name, f"{seconds:.1f}", f"{seconds / run['seconds']:.0%}")
    console.print(stages)


def memory(bench: "Bench", console: Console) -> None:
    """The same documents once, and ten times with a word changed in each copy."""
    model = bench.parent / "one-layer"
    bench.run({}, "shallow", model)
    table = Table(
        "chunks", "own memory", "and mapped files", "children that read", title="Most megabytes at any moment"
    )
    peaks = []
    for copies in (1, LARGER):
        with bench.data_folder(str(model)) as environment:
            result, peak = bench.watch(environment, "ingest", bench.content(copies), "")
        peaks.append(peak)
        table.add_row(f"{result['chunks']:,}", *(f"{value:.0f}" for value in (peak.own, peak.whole, peak.children)))
    few, many = peaks
    ratios = many.own / few.own, many.whole / few.whole, many.children / few.children
    table.add_row("ratio", *(f"{ratio:.2f}" for ratio in ratios))
    console.print(table)
    console.print(
        f"{LARGER} times the same documents, a word changed in each copy; with the model's first layer alone: texts, "
        "vectors and batches as large in a fraction of the time, and 35 MB of weights less"
    )


class Bench:
    """Makes data folders and content below `parent`, and runs the processes."""

    def __init__(self, parent: Path) -> None:
        self.parent = parent
        (parent / "models").mkdir()
        self._folders = 0

    def content(self, times: int) -> Path:
        """A folder with so many times some 2,000 chunks; a word is changed in each copy of a document."""
        folder = self.parent / f"content-{times}"
        base, files, copies = documents()
        for number in range(0 if folder.exists() else times * copies):
            for file in files:
                place = file.relative_to(base)
                copy = folder / place.parent.parent / f"{place.parent.name}-{number}" / place.name
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(file.read_text().replace(" the ", f" the {number}th ", 1))
        return folder

    @contextmanager
    def data_folder(self, model: str = "embedded") -> Iterator[dict[str, str]]:
        """An empty one with the exported model and a database that runs; the environment that says so."""
        self._folders += 1
        data_dir = self.parent / f"data-{self._folders}"
        data_dir.mkdir()
        (data_dir / "models").symlink_to(self.parent / "models")
        settings = configuration.load(data_dir=data_dir, embedding=EmbeddingSettings(model=model))
        ensure_exported(settings)
        with engines(settings) as resolved:
            migrate(resolved.database.url)
            yield {"FOOTNOTE_DATA_DIR": str(data_dir), "FOOTNOTE_EMBEDDING__MODEL": model}

    def run(self, environment: dict[str, str], *role: object) -> dict[str, Any]:
        """What the process printed."""
        with self._process(environment, role) as process:
            return self._result(process)

    def watch(self, environment: dict[str, str], *role: object) -> tuple[dict[str, Any], Peak]:
        """What the process printed, and its memory."""
        own = whole = children = 0
        with self._process(environment, role) as process:
            watched = psutil.Process(process.pid)
            while process.poll() is None:
                try:
                    sizes = watched.memory_info()
                    below = sum(child.memory_info().rss for child in watched.children(recursive=True))
                except psutil.NoSuchProcess:
                    continue
                own, whole = max(own, sizes.rss - sizes.shared), max(whole, sizes.rss)
                children = max(children, below)
                time.sleep(MEASURE_EVERY_S)
            return self._result(process), Peak(own / 1e6, whole / 1e6, children / 1e6)

    def _process(self, environment: dict[str, str], role: tuple[object, ...]) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.bench_ingest_roles", *map(str, role)]
        return subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE, text=True)

    def _result(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        printed = process.communicate()[0]
        if process.returncode:
            raise RuntimeError(f"the process ended with {process.returncode}")
        result: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return result


def documents() -> tuple[Path, list[Path], int]:
    """Where they lie, which, and how many copies of them are some 2,000 chunks."""
    base = REAL if REAL.is_dir() else SAMPLE
    files = [file for file in sorted(base.rglob("*.*")) if file.suffix != ".yaml"]
    return (base, files[::EVERY], 1) if base == REAL else (base, files, SAMPLE_COPIES)


def rate(run: dict[str, Any]) -> float:
    """Chunks a second."""
    return float(run["chunks"] / run["seconds"])


def ratios(runs: dict[str, list[dict[str, Any]]], role: str, cost: str) -> list[float]:
    """How many times as fast as its neighbour of the same round each ingestion was, by this cost of the same chunks."""
    return [float(theirs[cost] / ours[cost]) for ours, theirs in zip(runs["ingest"], runs[role], strict=True)]


if __name__ == "__main__":
    main()
