"""Documents on their way into the index: which of them say something new, and what they consist of."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from uuid import UUID

import numpy as np

from backend.errors import Unavailable
from backend.knowledge.models import Point
from pipeline.embeddings import Embeddings
from pipeline.engines.engine import Embedded, Record
from pipeline.entries import Aside, Entries
from pipeline.plan import Todo, repetition


class Arrivals:
    """What of a run has been read so far. Records and passages come in the order of the tasks.

    `leaving` are documents that the run will remove.
    """

    def __init__(self, todo: Sequence[Todo], entries: Entries, leaving: Collection[UUID]) -> None:
        self._todo = {item.source: item for item in todo}
        redone = {item.entry.id for item in todo if item.entry}.union(leaving)
        self._texts = {
            (entry.creator, entry.text_hash): (entry.id, entry.uri)
            for entry in entries.all
            if entry.answers and entry.text_hash and entry.id not in redone
        }
        self._repeated: set[UUID] = set()
        self._open: dict[UUID, list[Embedded]] = {}
        self._finished: list[tuple[Record, tuple[str, ...]]] = []

    @property
    def is_amid_a_document(self) -> bool:
        """Whether a document has begun of which passages are still to come."""
        return bool(self._open)

    def begin(self, records: Iterable[Record]) -> tuple[list[Record], list[Aside]]:
        """Those that say something new, and what becomes of those that repeat another document of their creator."""
        new: list[Record] = []
        repeated: list[Aside] = []
        for record in records:
            document = record.document
            original = self._texts.setdefault((document.creator, record.text_hash), (document.id, document.source_uri))
            if original[0] == document.id:
                self._open[document.id] = []
                new.append(record)
            else:
                todo = self._todo[record.source]
                self._repeated.add(document.id)
                said = record.fingerprint, *original, record.text_hash
                repeated.append(repetition(record.source, todo.identity, todo.entry, *said))
        return new, repeated

    async def points(
        self, passages: Sequence[Embedded], embeddings: Embeddings
    ) -> tuple[list[Point], list[tuple[UUID, str, bytes]]]:
        """The passages with their vectors, and those vectors that are new, without what repeats another document."""
        wanted = [passage for passage in passages if passage.chunk.document_id not in self._repeated]
        kept = await embeddings.find([_name(passage) for passage in wanted if passage.dense is None])
        points: list[Point] = []
        for passage in wanted:
            self._open[passage.chunk.document_id].append(passage)
            vector = passage.dense or kept.get(_name(passage))
            if vector is None:
                raise Unavailable("A kept vector is gone: run the same command again.")
            dense = tuple(np.frombuffer(vector, dtype="<f4").tolist())
            points.append(Point(passage.chunk, dense, passage.sparse))
        return points, [(*_name(passage), passage.dense) for passage in wanted if passage.dense is not None]

    def end(self, records: Iterable[Record]) -> Iterator[tuple[Record, list[UUID]]]:
        """Those of which the last passage has come, with the ids of their chunks; what repeats another is no more."""
        for record in records:
            if record.document.id in self._repeated:
                continue
            passages = self._open.pop(record.document.id)
            self._finished.append((record, tuple(passage.key for passage in passages)))
            yield record, [passage.chunk.id for passage in passages]

    def take_finished(self) -> list[tuple[Record, tuple[str, ...]]]:
        """The documents that ended since the last call, with the keys of their vectors."""
        finished, self._finished = self._finished, []
        return finished


def _name(passage: Embedded) -> tuple[UUID, str]:
    return passage.chunk.document_id, passage.key
