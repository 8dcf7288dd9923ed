"""The heavy part of an ingestion in this process: the embedder uses every core by itself, and reading and cutting take
a twentieth of its time (3,013 passages of articles on two cores: 3 s beside 63 s)."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from backend.errors import ContentError
from backend.knowledge.embedder import Embedder
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.models import Chunk, Point
from pipeline.chunk import chunk_document, embedding_text
from pipeline.find import Source
from pipeline.ledger import Record
from pipeline.load import load
from pipeline.sources.parsed import NothingToRead

log = logging.getLogger(__name__)

BATCH = 128  # passages embedded together: enough to sort by length, and a sign of life every few seconds


@dataclass(frozen=True, slots=True)
class Refusal:
    """A source that gave no passages. `is_failure` says whether something is wrong with it."""

    source: Source
    reason: str
    is_failure: bool


@dataclass(slots=True)
class Batch:
    """The next part of the work, in the order of the sources.

    A document's `Record` is in `begun` of the batch that holds its first passage, and in `finished` of the one that
    holds its last.
    """

    begun: list[Record] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    finished: list[tuple[Source, Record]] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    remarks: list[tuple[Source, str]] = field(default_factory=list)


class LocalEngine:
    """Reads, cuts and embeds `batch` passages at a time. Memory holds those and one document's text."""

    def __init__(self, embedder: Embedder, lexical: LexicalEncoder, batch: int = BATCH) -> None:
        self._embedder = embedder
        self._lexical = lexical
        self._batch = batch

    def batches(self, sources: Iterable[Source]) -> Iterator[Batch]:
        """Everything that becomes of the sources; what is wrong with one of them does not stop the others."""
        batch = Batch()
        waiting: list[tuple[Chunk, str]] = []
        for source in sources:
            try:
                record, chunks, remarks = self._cut(source)
            except ContentError as error:
                batch.refused.append(Refusal(source, error.message, not isinstance(error, NothingToRead)))
                continue
            except Exception as error:  # whatever a reader stumbles over must not stop the other documents
                log.exception("%s could not be read", source.path)
                reason = f"It could not be read ({type(error).__name__}); ingest.log in the data folder says more."
                batch.refused.append(Refusal(source, reason, is_failure=True))
                continue
            batch.begun.append(record)
            batch.remarks.extend((source, remark) for remark in remarks)
            for chunk in chunks:
                waiting.append((chunk, embedding_text(chunk, record.document.title)))
                if chunk is chunks[-1]:
                    batch.finished.append((source, record))
                if len(waiting) == self._batch:
                    batch.points = self._points(waiting)
                    yield batch
                    batch, waiting = Batch(), []
        batch.points = self._points(waiting)
        yield batch

    def _cut(self, source: Source) -> tuple[Record, list[Chunk], tuple[str, ...]]:
        loaded = load(source)
        _, chunks = chunk_document(loaded.document, loaded.sections, self._embedder.count_tokens)
        return Record(loaded.document, loaded.fingerprint, len(chunks)), chunks, loaded.remarks

    def _points(self, waiting: list[tuple[Chunk, str]]) -> list[Point]:
        if not waiting:
            return []
        vectors = self._embedder.embed([text for _, text in waiting])
        return [
            Point(chunk, tuple(vector.tolist()), self._lexical.passage(text))
            for (chunk, text), vector in zip(waiting, vectors, strict=True)
        ]
