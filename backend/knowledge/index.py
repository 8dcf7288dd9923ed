"""The index of chunks: what the service reads and the pipeline writes, whichever engine keeps it."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from backend.knowledge.models import Candidates, Point, Scope, SparseVector


class Index(Protocol):
    """Answers searches. Safe for many concurrent callers on one event loop."""

    async def search(self, dense: Sequence[float], sparse: SparseVector, scope: Scope, limit: int) -> Candidates:
        """The `limit` best chunks of each search within `scope`; an empty index gives none.

        Dense scores are cosines. Lexical scores are dot products of BM25 weights and the question's IDF, counted over
        the chunks in `scope` as if there were no others, with Qdrant's ln((n - f + 0.5) / (f + 0.5) + 1) of n chunks
        of which f hold the term. Equal scores are ordered by chunk id, so that the same question gives the same order
        on every engine; which of several equal ones is the last within `limit` is the engine's choice.
        Raises `Unavailable` when the engine cannot be reached.
        """
        ...

    async def count(self, scope: Scope) -> int:
        """How many chunks lie in `scope`."""
        ...

    async def ready(self) -> bool:
        """Whether a search would be answered now."""
        ...

    async def close(self) -> None:
        """Releases the engine; the index is not used afterwards."""
        ...


class Publication(Protocol):
    """Changes on their way into the index. Nothing is promised to readers before the publication is closed."""

    async def remove_documents(self, documents: Iterable[UUID]) -> None:
        """Takes every chunk of these documents out; unknown ones are ignored."""
        ...

    async def upsert(self, points: Sequence[Point]) -> None:
        """Adds or replaces points by chunk id. May be called often, with batches that fit in memory."""
        ...


class IndexWriter(Protocol):
    """Writes the index.

    An engine that cannot bear two writers at a time (edge) refuses the second publication with `Unavailable`; raises
    `ConfigurationError` where the data folder is full or the vectors do not have the dimension of those in the index.
    """

    def publication(self) -> AbstractAsyncContextManager[Publication]:
        """Collects changes and publishes them when the block ends; an exception inside publishes nothing (edge)
        or leaves complete points only (qdrant)."""
        ...

    async def close(self) -> None:
        """Releases the engine."""
        ...
