"""The heavy part of an ingestion on this machine: children read and cut ahead, this process embeds."""

from collections.abc import Generator, Iterable
from contextlib import closing

from backend.knowledge.embedder import Embedder
from backend.knowledge.lexical import LexicalEncoder
from pipeline.engines.engine import Batch, Refusal
from pipeline.engines.steps import Step, batch_of, cut_ahead, steps
from pipeline.sandbox.pool import Pool
from pipeline.source import Task

BATCH = 128  # passages embedded together: enough to sort by length, and a sign of life every few seconds


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
        waiting: list[Step | Refusal] = []
        with closing(cut_ahead(tasks, self._pool)) as documents:
            for task, made in documents:
                for step in steps(task, made):
                    waiting.append(step)
                    if len(waiting) == self._batch:
                        yield batch_of(waiting, self._embedder, self._lexical)
                        waiting = []
        yield batch_of(waiting, self._embedder, self._lexical)
