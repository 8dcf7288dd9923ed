"""The index of chunks: what the service reads and the pipeline writes, whichever engine keeps it."""

from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from backend.errors import ConfigurationError
from backend.knowledge.models import Candidates, Chunk, EmbeddingModel, LexicalHits, Point, Scope, SparseVector


class ModelChanged(Exception):
    """The index holds vectors of another model than the one that embedded the question: embed it anew."""


class Index(Protocol):
    """Answers searches. Safe for many concurrent callers on one event loop.

    Every method but `ready` and `close` raises `Unavailable` when the engine cannot be reached.
    """

    async def model(self) -> EmbeddingModel | None:
        """The model that made the vectors, or None where there are none. Costs microseconds, mostly."""
        ...

    async def lexical(self, sparse: SparseVector, scope: Scope, limit: int) -> LexicalHits | None:
        """The `limit` best chunks of the lexical search: half of `search`, to be had while the question is embedded.
        None where an engine gains nothing by it."""
        ...

    async def search(
        self,
        model: EmbeddingModel,
        dense: Sequence[float],
        sparse: SparseVector,
        scope: Scope,
        limit: int,
        begun: LexicalHits | None = None,
    ) -> Candidates:
        """The `limit` best chunks of each search within `scope`, with both scores of each; an empty index gives none.

        So both lists hold every chunk that either search found, but for the lexical one those without any term.

        `dense` is the question as `model` embeds it; raises `ModelChanged` where another one made the vectors. `begun`
        is what `lexical` found for the same `sparse`, `scope` and `limit`; it is searched for anew where the index has
        been replaced since.
        Dense scores are cosines. Lexical scores are dot products of BM25 weights and the question's IDF, counted over
        the chunks in `scope` as if there were no others, with Qdrant's ln((n - f + 0.5) / (f + 0.5) + 1) of n chunks
        of which f hold the term. Equal scores are ordered by chunk id, so that the same question gives the same order
        on every engine; which of several equal ones is the last within `limit` is the engine's choice.
        """
        ...

    async def passages(self, document: UUID, first: int, last: int) -> list[Chunk]:
        """The chunks of a document whose ordinals lie in [first, last], in their order; of an unknown one, none."""
        ...

    def scan(self) -> AsyncGenerator[list[Point], None]:
        """Every point, in no order, in batches of a few hundred. Whoever stops early closes the iterator.

        What is published meanwhile may be in it or not (edge: is not).
        """
        ...

    async def count(self, scope: Scope) -> int:
        """How many chunks lie in `scope`."""
        ...

    async def held(self) -> dict[UUID, int]:
        """How many chunks there are of each document that has any. It reads the values of one payload index: 20 ms for
        20,000 chunks (edge)."""
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

    async def retain(self, document: UUID, chunks: Collection[UUID]) -> None:
        """Takes every chunk of this document out but these.

        A document is replaced by `upsert` of its new chunks and then this: on an engine that shows changes as they
        are made (qdrant) it answers all the while.
        """
        ...

    async def upsert(self, points: Sequence[Point]) -> None:
        """Adds or replaces points by chunk id. May be called often, with batches that fit in memory."""
        ...


class IndexWriter(Protocol):
    """Writes the index.

    An engine that cannot bear two writers at a time (edge) refuses the second with `Unavailable`; on another (qdrant)
    whoever rebuilds sees to it that nobody publishes meanwhile. Raises `ConfigurationError` where the data folder is
    full or cannot be written.
    """

    def publication(self, model: EmbeddingModel | None = None) -> AbstractAsyncContextManager[Publication]:
        """Collects changes and publishes them when the block ends; an exception inside publishes nothing (edge)
        or leaves complete points only (qdrant).

        `model` made the vectors that will be upserted; where nothing will be, none is needed. Raises
        `ConfigurationError` at the start of the block where the vectors in the index are another model's.
        """
        ...

    def rebuild(self, model: EmbeddingModel) -> AbstractAsyncContextManager[Publication]:
        """Like `publication`, but begins with an empty index beside the present one, which answers until the block
        ends and is replaced in one step. An exception inside leaves it; what a killed rebuild left is cleared away
        by the next one."""
        ...

    async def purge(self) -> None:
        """Makes what was removed unrecoverable, as far as the engine lets us.

        Edge: the living points are written into a new generation, and the files of every older one are deleted. A
        reader has the older files open until its next question.
        Qdrant: removals have been applied, and nothing gives the points back; their bytes leave the server's disk
        when its optimizer next rewrites their segment, which nobody outside can order.
        """
        ...

    async def close(self) -> None:
        """Releases the engine."""
        ...


def refuse_other_model(held: EmbeddingModel, wanted: EmbeddingModel) -> None:
    """Raises `ConfigurationError` where the vectors of the two models cannot stand in one index."""
    if held.id == wanted.id:
        return
    old, new = (held.name, wanted.name) if held.name != wanted.name else (held.id, wanted.id)
    raise ConfigurationError(
        f"The library was made with the model {old}, and {new} is configured: `footnote reindex` moves it."
    )
