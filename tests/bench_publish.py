"""What publishing costs: a change of five chunks in a library of 100,000, and the memory of who writes.

`python -m tests.bench_publish` prints it, in some three minutes. The points are drawn by lot: clustered vectors of 384
dimensions, texts of 900 characters, some 60 terms each.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import numpy as np
from rich.console import Console
from rich.table import Table

from backend.knowledge.disk import occupied
from backend.knowledge.edge import EdgeIndex
from backend.knowledge.edge_writer import EdgeIndexWriter
from backend.knowledge.models import Chunk, EmbeddingModel, Point, Scope, SparseVector

MODEL = EmbeddingModel("drawn", "drawn-by-lot", 384)
LIBRARY = 100_000
PUBLICATION, BATCH = 5000, 128  # as an ingestion does it
CHUNKS_A_DOCUMENT = 50
CLUSTERS, SPREAD = 400, 0.9
VOCABULARY = 30_000
CANDIDATES = 50
QUESTIONS = 60
SMALL_PUBLICATIONS = 50

LOT = np.random.default_rng(1)
CENTRES = LOT.normal(size=(CLUSTERS, MODEL.dimension))
LETTERS = LOT.integers(97, 123, size=(VOCABULARY, 9), dtype=np.uint8)
WORDS = [bytes(letters[: 3 + number % 7]).decode() for number, letters in enumerate(LETTERS)]
TERMS = LOT.choice(2**32 - 1, size=VOCABULARY, replace=False)


def drawn(first: int, count: int, edition: int = 0) -> list[Point]:
    """The chunks with these numbers; another edition has other texts and vectors."""
    lot = np.random.default_rng((first, edition))
    vectors = CENTRES[lot.integers(CLUSTERS, size=count)] + SPREAD * lot.normal(size=(count, MODEL.dimension))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    points = []
    for number, vector in enumerate(vectors.tolist(), first):
        words = np.minimum(lot.zipf(1.15, size=160), VOCABULARY) - 1
        terms, counts = np.unique(TERMS[words[:80]], return_counts=True)
        document, ordinal = divmod(number, CHUNKS_A_DOCUMENT)
        chunk = Chunk(
            id=UUID(int=number + 1),
            document_id=UUID(int=10**12 + document),
            creator=f"creator-{document % 20}",
            ordinal=ordinal,
            text=" ".join(WORDS[word] for word in words)[:900],
            char_start=900 * ordinal,
            char_end=900 * (ordinal + 1),
            topics=(f"topic-{document % 7}",),
            heading="A part > A chapter",
        )
        weights = tuple((counts * 2.2 / (counts + 1.2)).tolist())
        points.append(Point(chunk, tuple(vector), SparseVector(tuple(terms.tolist()), weights)))
    return points


def batches(count: int) -> Iterator[list[Point]]:
    """That many points, a batch at a time."""
    for first in range(0, count, BATCH):
        yield drawn(first, min(BATCH, count - first))


async def fill(folder: Path, count: int) -> None:
    """Publishes a library as an ingestion would."""
    writer, waiting = EdgeIndexWriter(folder), batches(count)
    for start in range(0, count, PUBLICATION):
        async with writer.publication(MODEL) as publication:
            for _ in range(0, min(PUBLICATION, count - start), BATCH):
                if batch := next(waiting, None):
                    await publication.upsert(batch)


async def change(folder: Path, edition: int) -> float:
    """Seconds in which one document gets five other chunks and loses five."""
    first = edition * CHUNKS_A_DOCUMENT
    points = drawn(first, 5, edition + 1)
    kept = [UUID(int=number + 1) for number in range(first, first + CHUNKS_A_DOCUMENT - 5)]
    begun = time.perf_counter()
    async with EdgeIndexWriter(folder).publication(MODEL) as publication:
        await publication.upsert(points)
        await publication.retain(points[0].chunk.document_id, kept)
    return time.perf_counter() - begun


async def search(folder: Path, questions: Sequence[Point]) -> tuple[float, float]:
    """Median seconds of a search, and the share of the true nearest that it finds."""
    index = EdgeIndex(folder)
    ids, vectors = [], []
    async for batch in index.scan():
        ids += [point.chunk.id for point in batch]
        vectors.append(np.array([point.dense for point in batch], dtype=np.float32))
    everything = np.concatenate(vectors)
    seconds, found_of_all = [], []
    for question in questions:
        sparse = SparseVector(question.sparse.indices[:6], (1.0,) * 6)
        begun = time.perf_counter()
        found = await index.search(MODEL, question.dense, sparse, Scope(), CANDIDATES)
        seconds.append(time.perf_counter() - begun)
        nearest = np.argpartition(-(everything @ np.array(question.dense, dtype=np.float32)), CANDIDATES)[:CANDIDATES]
        found_of_all.append(len({hit.chunk.id for hit in found.dense} & {ids[row] for row in nearest}) / CANDIDATES)
    await index.close()
    return statistics.median(seconds), statistics.mean(found_of_all)


def memory(count: int) -> tuple[float, float]:
    """Most megabytes that a process has while it publishes so many points: its own, and with mapped files."""
    with tempfile.TemporaryDirectory() as folder:
        own = whole = 0
        with subprocess.Popen([sys.executable, "-m", "tests.bench_publish", folder, str(count)]) as child:
            while child.poll() is None:
                try:
                    status = Path(f"/proc/{child.pid}/status").read_text().splitlines()
                except OSError:
                    break
                sizes = dict(line.split(":", 1) for line in status)
                kilobytes = [int(sizes.get(name, "0 kB").split()[0]) for name in ("RssAnon", "VmRSS")]
                own, whole = max(own, kilobytes[0]), max(whole, kilobytes[1])
                time.sleep(0.02)
    return own / 1024, whole / 1024


async def main() -> None:
    """Prints the table."""
    table = Table("", "", title=f"Publishing, {LIBRARY:,} chunks")
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "index"
        questions = drawn(10**7, QUESTIONS)
        begun = time.perf_counter()
        await fill(folder, LIBRARY)
        table.add_row(f"filling it, {PUBLICATION:,} a publication", f"{time.perf_counter() - begun:.0f} s")
        before = await search(folder, questions)
        table.add_row("search before, p50 and recall", f"{1000 * before[0]:.1f} ms, {before[1]:.3f}")
        size = occupied(folder)
        changes = [await change(folder, edition) for edition in range(5)]
        table.add_row("a change of 5 chunks, p50 of 5", f"{statistics.median(changes):.2f} s")
        after = await search(folder, questions)
        table.add_row("search after, p50 and recall", f"{1000 * after[0]:.1f} ms, {after[1]:.3f}")
        for edition in range(5, SMALL_PUBLICATIONS):
            await change(folder, edition)
        table.add_row(
            f"on disk before, and after {SMALL_PUBLICATIONS} changes (two generations)",
            f"{size / 2**20:.0f} MB, {occupied(folder) / 2**20:.0f} MB",
        )
        async with EdgeIndexWriter(folder).publication(MODEL) as publication:
            await publication.remove_documents([UUID(int=10**12 + 7)])
        begun = time.perf_counter()
        await EdgeIndexWriter(folder).purge()
        table.add_row("a purge", f"{time.perf_counter() - begun:.1f} s")
    for count in (2000, 20_000, LIBRARY):
        own, whole = memory(count)
        table.add_row(f"memory of a writer of {count:,}, own and with mapped files", f"{own:.0f} MB, {whole:.0f} MB")
    Console(width=100).print(table)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        asyncio.run(fill(Path(sys.argv[1]), int(sys.argv[2])))
    else:
        asyncio.run(main())
