"""Whether what comes back from many machines is all there, and in order."""

from collections import deque
from collections.abc import Iterable, Sequence

from backend.errors import Unavailable
from pipeline.engines.engine import Batch, Record
from pipeline.source import Source

TORN = "A part that was done again came out otherwise than before. The same command goes on where this one was."


class Order:
    """Follows the batches of some sources: a document that lacks passages would be kept as if it were whole."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._places = {source: place for place, source in enumerate(sources)}
        self._last = {"begun": -1, "refused": -1}
        self._outcomes = 0
        self._begun: deque[Record] = deque()
        self._to_come = 0

    def check(self, batch: Batch) -> None:
        """Raises `Unavailable` where something is missing before or within the batch."""
        self._advance("begun", [record.source for record in batch.begun])
        self._advance("refused", [refusal.source for refusal in batch.refused])
        self._begun.extend(batch.begun)
        ended = []
        for passage in batch.passages:
            _require(bool(self._begun))
            record = self._begun[0]
            self._to_come = self._to_come or record.chunks
            ordinal = record.chunks - self._to_come
            _require((passage.chunk.document_id, passage.chunk.ordinal) == (record.document.id, ordinal))
            self._to_come -= 1
            if not self._to_come:
                ended.append(self._begun.popleft())
        _require(ended == batch.finished)

    def check_end(self) -> None:
        """Raises `Unavailable` where a source or the end of one is missing."""
        _require(self._outcomes == len(self._places) and not self._begun)

    def _advance(self, what: str, sources: Sequence[Source]) -> None:
        for source in sources:
            place = self._places.get(source, -1)
            _require(place > self._last[what])
            self._last[what] = place
            self._outcomes += 1


def _require(is_whole: bool) -> None:
    if not is_whole:
        raise Unavailable(TORN)
