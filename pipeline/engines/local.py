"""The heavy part of an ingestion on this machine."""

import logging
from collections.abc import Iterable, Iterator

from backend.errors import ContentError
from backend.knowledge.embedder import Embedder
from backend.knowledge.lexical import LexicalEncoder
from pipeline.cut import Passage, cut
from pipeline.engines.engine import Batch, Embedded, Record, Refusal
from pipeline.source import Task
from pipeline.sources.parsed import NothingToRead

log = logging.getLogger(__name__)

BATCH = 128  # passages embedded together: enough to sort by length, and a sign of life every few seconds


class LocalEngine:
    """See `Engine`. Holds `batch` passages at a time and one document's text."""

    def __init__(self, embedder: Embedder, lexical: LexicalEncoder, batch: int = BATCH) -> None:
        self._embedder = embedder
        self._lexical = lexical
        self._batch = batch

    def batches(self, tasks: Iterable[Task]) -> Iterator[Batch]:
        """See `Engine.batches`."""
        batch = Batch()
        waiting: list[tuple[Passage, bool]] = []
        for task in tasks:
            source = task.source
            try:
                made = cut(task, self._embedder.count_tokens)
            except ContentError as error:
                batch.refused.append(Refusal(source, error.message, not isinstance(error, NothingToRead)))
                continue
            except Exception as error:  # whatever a reader stumbles over must not stop the other documents
                log.exception("%s could not be read", source.path)
                reason = f"It could not be read ({type(error).__name__}); ingest.log in the data folder says more."
                batch.refused.append(Refusal(source, reason, is_failure=True))
                continue
            record = Record(
                source, made.document, made.fingerprint, made.text_hash, len(made.passages), made.creator_name
            )
            batch.begun.append(record)
            batch.remarks.extend((source, remark) for remark in made.remarks)
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
