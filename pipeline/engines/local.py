"""The heavy part of an ingestion on this machine: children read and cut ahead, this process embeds."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import chain

from backend.knowledge.embedder import Embedder
from backend.knowledge.lexical import LexicalEncoder
from pipeline.engines.engine import Batch, Refusal
from pipeline.engines.steps import Step, batch_of, cut_ahead, is_seam, steps
from pipeline.sandbox.pool import Pool
from pipeline.source import Task

BATCH = 128  # passages embedded together: enough to sort by length, and a sign of life every few seconds


class LocalEngine:
    """See `Engine`. Holds three batches of `batch` passages at a time, and the passages of a few documents.

    While one batch is published the next one is embedded, and where that no longer keeps all cores busy, the one after
    it begins. `pool` is the caller's to close.
    """

    def __init__(self, embedder: Embedder, lexical: LexicalEncoder, pool: Pool, batch: int = BATCH) -> None:
        self._embedder = embedder
        self._lexical = lexical
        self._pool = pool
        self._batch = batch

    def batches(self, tasks: Iterable[Task]) -> Generator[Batch, None, None]:
        """See `Engine.batches`."""
        ahead: deque[Future[Batch]] = deque()
        # Left in the other order: the children are ended before the batches at work are waited for.
        with ThreadPoolExecutor(2, "embedding") as threads, closing(cut_ahead(tasks, self._pool)) as documents:
            for part in _parts(chain.from_iterable(steps(task, made) for task, made in documents), self._batch):
                ahead.append(threads.submit(batch_of, part, self._embedder, self._lexical))
                if len(ahead) > 1:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()


def _parts(waiting: Iterable[Step | Refusal], most: int) -> Iterator[list[Step | Refusal]]:
    """Batches of up to `most`, which end with a document where one ends in time: only there can be published."""
    part: list[Step | Refusal] = []
    for step in waiting:
        part.append(step)
        if len(part) >= (most * 3 // 4 if is_seam(step) else most):
            yield part
            part = []
    if part:
        yield part
