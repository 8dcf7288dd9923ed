"""What runs on the workers of a Ray cluster: actors that read and cut, and actors that embed.

What they take and give are the rows of Ray Data: one column of bytes, in the order of the documents.
"""

import logging
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import onnxruntime

from backend.errors import ConfigurationError, ContentError
from backend.knowledge.embedder import CUDA, Embedder
from backend.knowledge.exported import MANIFEST_FILE
from backend.knowledge.lexical import LexicalEncoder
from pipeline.cut import Cut
from pipeline.engines.engine import Refusal
from pipeline.engines.steps import Step, batch_of, cut_ahead, is_seam, steps
from pipeline.sandbox.pool import Pool
from pipeline.source import Task

CHILDREN = 2  # that read, an actor: a document that takes long does not stop those after it at once

SHARED = (
    "content and data folder must lie on a file system that all machines of the Ray cluster have under the same path."
)
NO_MODEL = f"A worker does not see the embedding model: {SHARED}"
NO_FILE = f"The worker that was to read it does not see it: {SHARED}"

COLUMN = "item"
Rows = Mapping[str, Sequence[bytes]]


class Reading:
    """Reads and cuts documents, in locked children of its own; `log` is told what goes wrong with one."""

    def __init__(self, model: Path, log: Path) -> None:
        handler = logging.FileHandler(log, delay=True)
        handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
        logging.getLogger("pipeline").addHandler(handler)
        self._pool = Pool(CHILDREN, model)

    def __call__(self, rows: Rows) -> Iterator[Rows]:
        """Tasks become steps, or a `ConfigurationError`."""
        if not (self._pool.model / MANIFEST_FILE).is_file():
            yield _row(ConfigurationError(NO_MODEL))
            return
        with closing(cut_ahead((pickle.loads(row) for row in rows[COLUMN]), self._pool)) as documents:
            for task, made in documents:
                yield {COLUMN: [pickle.dumps(step) for step in steps(task, _seen(task, made))]}


class Embedding:
    """Holds the model, for one core or one GPU."""

    def __init__(self, model: Path, on_gpu: bool) -> None:
        self._lexical = LexicalEncoder()
        self._embedder: Embedder | ConfigurationError
        try:
            self._embedder = Embedder.load(model, 1, on_gpu=on_gpu)
        except ConfigurationError:
            self._embedder = ConfigurationError(NO_MODEL)

    def __call__(self, rows: Rows) -> Rows:
        """Steps become batches, or the `ConfigurationError` that came instead of a step.

        The last document that ends among them ends a batch: only there can be published.
        """
        waiting: list[Step | Refusal] = []
        for row in rows[COLUMN]:
            step: Step | Refusal | ConfigurationError = pickle.loads(row)
            if isinstance(step, ConfigurationError):
                return _row(step)
            waiting.append(step)
        if isinstance(self._embedder, ConfigurationError):
            return _row(self._embedder)
        seam = max((place for place, step in enumerate(waiting, 1) if is_seam(step)), default=0)
        parts = [part for part in (waiting[:seam], waiting[seam:]) if part]
        return {COLUMN: [pickle.dumps(batch_of(part, self._embedder, self._lexical)) for part in parts]}


def can_use_gpu() -> bool:
    """Whether onnxruntime was made for the GPUs of this machine."""
    return CUDA in onnxruntime.get_available_providers()


def _row(made: ConfigurationError) -> Rows:
    return {COLUMN: [pickle.dumps(made)]}


def _seen(task: Task, made: Cut | ContentError) -> Cut | ContentError:
    """What was made of the document, or that it is not where this machine looks for it."""
    if isinstance(made, ContentError) and not task.source.path.exists():
        return ContentError(NO_FILE)
    return made
