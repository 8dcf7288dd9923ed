"""The heavy part of an ingestion on this machine: children read and cut ahead, this process embeds."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace

from backend.errors import ContentError
from backend.knowledge.embedder import Embedder
from backend.knowledge.lexical import LexicalEncoder
from pipeline.cut import Cut, Passage
from pipeline.engines.engine import Batch, Embedded, Record, Refusal
from pipeline.sandbox.pool import Pool
from pipeline.sandbox.reading import cut_document, is_credible
from pipeline.sandbox.worker import CRASHED
from pipeline.source import Task
from pipeline.sources.parsed import NothingToRead

BATCH = 128  # passages embedded together: enough to sort by length, and a sign of life every few seconds
AHEAD = 2  # documents a child: one that it reads, and one that waits to be embedded


class LocalEngine:
    """See `Engine`. Holds `batch` passages at a time and the passages of a few documents.

    `pool` is the caller's to close.
    """

    def __init__(self, embedder: Embedder, lexical: LexicalEncoder, pool: Pool, batch: int = BATCH) -> None:
        self._embedder = embedder
        self._lexical = lexical
        self._pool = pool
        self._batch = batch

    def batches(self, tasks: Iterable[Task]) -> Generator[Batch, None, None]:
        """See `Engine.batches`."""
        batch = Batch()
        waiting: list[tuple[Passage, bool]] = []
        with closing(self._cut_ahead(tasks)) as documents:
            for task, made in documents:
                if isinstance(made, ContentError):
                    batch.refused.append(Refusal(task.source, made.message, not isinstance(made, NothingToRead)))
                    continue
                record = Record(
                    task.source, made.document, made.fingerprint, made.text_hash, len(made.passages), made.creator_name
                )
                batch.begun.append(record)
                batch.remarks.extend((task.source, remark) for remark in made.remarks)
                for passage in made.passages:
                    waiting.append((passage, passage.key not in task.known))
                    if passage is made.passages[-1]:
                        batch.finished.append(record)
                    if len(waiting) == self._batch:
                        batch.passages = self._embedded(waiting)
                        yield batch
                        batch, waiting = Batch(), []
        batch.passages = self._embedded(waiting)
        yield batch

    def _cut_ahead(self, tasks: Iterable[Task]) -> Generator[tuple[Task, Cut | ContentError]]:
        """Every task with what it gave, in order, while the children are at the next ones."""
        ahead: deque[tuple[Task, Future[Cut]]] = deque()
        try:
            for task in tasks:
                ahead.append((task, self._submit(task)))
                if len(ahead) > AHEAD * self._pool.workers:
                    yield _outcome(*ahead.popleft())
            while ahead:
                yield _outcome(*ahead.popleft())
        finally:
            self._pool.stop(future for _, future in ahead)

    def _submit(self, task: Task) -> Future[Cut]:
        lean = replace(task, known=frozenset())  # a child has no use for it
        return self._pool.submit(str(task.source.path), cut_document, lean, self._pool.model)

    def _embedded(self, waiting: list[tuple[Passage, bool]]) -> list[Embedded]:
        unknown = [passage.text for passage, is_new in waiting if is_new]
        vectors = iter(self._embedder.embed(unknown)) if unknown else iter(())
        return [
            Embedded(
                passage.chunk,
                passage.key,
                self._lexical.passage(passage.text),
                next(vectors).astype("<f4").tobytes() if is_new else None,
            )
            for passage, is_new in waiting
        ]


def _outcome(task: Task, future: Future[Cut]) -> tuple[Task, Cut | ContentError]:
    try:
        made = future.result()
    except ContentError as error:
        return task, error
    return task, made if is_credible(made, task) else ContentError(CRASHED)
