"""What `tests.bench_ingest` measures, each in a process of its own, which prints what it found as one line of JSON.

`ingest CONTENT RESULT` is the command's own path, its parts watched from outside; `bare TEXTS RESULT` is our encoder
alone; `library TEXTS RESULT` is the library that trained the model; `shallow FOLDER` makes a model of one layer.
"""

import asyncio
import inspect
import json
import resource
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from backend.knowledge.embedder import Embedder, Vectors
from backend.knowledge.embedders import ensure_model, open_embedder
from backend.knowledge.identity import model_source
from backend.knowledge.index import IndexWriter, Publication
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.models import EmbeddingModel
from backend.knowledge.opening import open_index, open_index_writer
from backend.processes import usable_cores
from backend.settings import EMBEDDED, Settings
from pipeline.embeddings import Embeddings
from pipeline.engines.engine import Batch, Engine
from pipeline.engines.local import LocalEngine
from pipeline.fetch import Fetcher
from pipeline.gather import Gatherer, request_for, staging
from pipeline.ingest import Event, Ingestion, Planned
from pipeline.ledger import Ledger
from pipeline.sandbox.pool import Pool
from pipeline.source import Task
from pipeline.workplace import database, workplace

FIRST = ["The first text makes the libraries ready."]


class Clock:
    """Seconds in which a stage was at work, in however many threads."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._at_work: Counter[str] = Counter()
        self._begun: dict[str, float] = {}
        self._lock = threading.Lock()

    @contextmanager
    def running(self, stage: str) -> Iterator[None]:
        with self._lock:
            self._at_work[stage] += 1
            if self._at_work[stage] == 1:
                self._begun[stage] = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._at_work[stage] -= 1
                if not self._at_work[stage]:
                    self.seconds[stage] += time.perf_counter() - self._begun[stage]


class Timed:
    """Anything, with the time that its methods take."""

    def __init__(self, wrapped: object, stage: str, clock: Clock) -> None:
        self._wrapped, self._stage, self._clock = wrapped, stage, clock

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._wrapped, name)
        if inspect.iscoroutinefunction(value):

            async def awaited(*arguments: Any, **named: Any) -> Any:
                with self._clock.running(self._stage):
                    return await value(*arguments, **named)

            return awaited
        if not callable(value):
            return value

        def called(*arguments: Any, **named: Any) -> Any:
            with self._clock.running(self._stage):
                return value(*arguments, **named)

        return called


class TimedWriter:
    """The index writer: what goes into a publication, and publishing it."""

    def __init__(self, writer: IndexWriter, clock: Clock) -> None:
        self._writer, self._clock = writer, clock

    @asynccontextmanager
    async def publication(self, model: EmbeddingModel | None = None) -> AsyncIterator[Publication]:
        entered = self._writer.publication(model)
        with self._clock.running("publication"):
            inside = await entered.__aenter__()
        try:
            yield Timed(inside, "index", self._clock)
        except BaseException:
            await entered.__aexit__(*sys.exc_info())
            raise
        with self._clock.running("publication"):
            await entered.__aexit__(None, None, None)


class TimedPool(Pool):
    """The children, and how long somebody waits for what they read."""

    clock: Clock

    def submit(self, *arguments: Any) -> Any:
        future = super().submit(*arguments)
        future.result = Timed(future, "waiting for it", self.clock).result
        return future


class TimedEngine:
    """The engine, and how long the ingestion waits for its batches."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock

    def batches(self, tasks: Iterable[Task]) -> Generator[Batch, None, None]:
        with closing(self._engine.batches(tasks)) as batches:
            while True:
                with self._clock.running("engine"):
                    batch = next(batches, None)
                if batch is None:
                    return
                yield batch


class Recorder:
    """The embedder, with what it was given and what it gave."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.texts: list[str] = []
        self.vectors: list[Vectors] = []
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = self._embedder.embed(texts)
        with self._lock:
            self.texts += texts
            self.vectors.append(vectors)
        return vectors


def ingest(content: str, result: str) -> dict[str, object]:
    """One ingestion into the configured data folder, which is empty; with `result`, texts and vectors are kept."""
    with workplace() as settings:
        return asyncio.run(_ingest(settings, content, result))


async def _ingest(settings: Settings, content: str, result: str) -> dict[str, object]:
    clock = Clock()
    index = open_index(settings)
    embedder = await open_embedder(settings, index)
    await index.close()
    recorder = Recorder(embedder)
    embed = Timed(recorder if result else embedder, "embedding", clock)
    async with database(settings) as connections:
        ledger = Ledger(connections)
        async with ledger.writing():
            begun, cpu = time.perf_counter(), cpu_seconds()

            def tell(event: Event) -> None:
                if isinstance(event, Planned):
                    clock.seconds["finding"] = time.perf_counter() - begun

            with (
                staging(settings.data_dir) as folder,
                TimedPool(usable_cores(), ensure_model(settings, embedder.model)) as pool,
            ):
                pool.clock = clock
                async with Fetcher() as fetcher:
                    gatherer = Gatherer(pool, fetcher, folder, lambda *_: None)
                    found, searched = await gatherer.gather([request_for(content, None, ())])
                writer = open_index_writer(settings)
                engine = LocalEngine(embed, Timed(LexicalEncoder(), "sparse", clock), pool)
                ingestion = Ingestion(
                    ledger=Timed(ledger, "ledger", clock),
                    embeddings=Timed(Embeddings(connections, embedder.model.id), "ledger", clock),
                    writer=TimedWriter(writer, clock),
                    engine=TimedEngine(engine, clock),
                    model=embedder.model,
                    tell=tell,
                )
                summary = await ingestion.run(found, searched=searched)
                await writer.close()
            seconds = time.perf_counter() - begun
            own, children = (now - before for now, before in zip(cpu_seconds(), cpu, strict=True))
    if result:
        Path(result).with_suffix(".json").write_text(json.dumps(recorder.texts))
        np.save(result, np.concatenate(recorder.vectors))
    return {
        "seconds": seconds,
        "cpu": own + children,
        "children": children,
        "documents": summary.added,
        "failed": summary.failed,
        "chunks": summary.chunks,
        "stages": clock.seconds,
    }


def bare(texts: str, result: str) -> dict[str, object]:
    """Our encoder, with all texts in one call."""
    with workplace() as settings:
        embedder = Embedder.load(ensure_model(settings, None))
    return encoded(embedder.embed, texts, result)


def library(texts: str, result: str) -> dict[str, object]:
    """sentence-transformers with its defaults."""
    from sentence_transformers import SentenceTransformer

    return encoded(SentenceTransformer(model_source(EMBEDDED)).encode, texts, result)


def encoded(encode: Any, texts: str, result: str) -> dict[str, object]:
    """What it costs to encode the texts; the vectors go into a file."""
    passages = json.loads(Path(texts).read_text())
    encode(FIRST)
    begun, cpu = time.perf_counter(), cpu_seconds()[0]
    vectors = encode(passages)
    seconds, spent = time.perf_counter() - begun, cpu_seconds()[0] - cpu
    np.save(result, vectors)
    return {"seconds": seconds, "cpu": spent, "chunks": len(passages)}


def shallow(folder: str) -> dict[str, object]:
    """The embedded model without its layers but the first: as much text, vectors as long, a sixth of the time."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(model_source(EMBEDDED), device="cpu")
    bert = model[0].auto_model
    bert.encoder.layer = bert.encoder.layer[:1]
    bert.config.num_hidden_layers = 1
    model.save(folder)
    return {"layers": len(bert.encoder.layer)}


def cpu_seconds() -> tuple[float, float]:
    """What this process and its ended children have spent so far."""
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime, ended.ru_utime + ended.ru_stime


if __name__ == "__main__":
    role = {"ingest": ingest, "bare": bare, "library": library, "shallow": shallow}[sys.argv[1]]
    print(json.dumps(role(*sys.argv[2:])))
