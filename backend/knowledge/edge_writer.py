"""Writes the embedded index: changes to a draft generation, which is then published in one step."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import qdrant_edge as edge

from backend.errors import FootnoteError, Unavailable
from backend.knowledge import edge_shard
from backend.knowledge.disk import require_space
from backend.knowledge.edge_errors import EngineFailure, engine_failures
from backend.knowledge.generations import Generations, model_of
from backend.knowledge.index import refuse_other_model
from backend.knowledge.models import EmbeddingModel, Point
from backend.knowledge.schema import GRAPH_FROM_POINTS
from backend.processes import give_back_memory


class EdgeIndexWriter:
    """Publishes generations; see `backend.knowledge.generations` for what a reader sees when."""

    def __init__(self, folder: Path) -> None:
        self._generations = Generations(folder)

    @asynccontextmanager
    async def publication(self, model: EmbeddingModel | None = None) -> AsyncIterator["EdgePublication"]:
        """See `IndexWriter.publication`; a block that changed nothing publishes nothing.

        Raises `Unavailable` while another process publishes, `ConfigurationError` where the data folder is full or
        read-only, or where the vectors in the index are another model's.
        """
        async with self._writing() as draft:
            await draft.begin(model)
            yield draft
            await draft.publish()

    @asynccontextmanager
    async def rebuild(self, model: EmbeddingModel) -> AsyncIterator["EdgePublication"]:
        """See `IndexWriter.rebuild`."""
        async with self._writing() as draft:
            await draft.begin_empty(model)
            yield draft
            await draft.publish()

    async def purge(self) -> None:
        """See `IndexWriter.purge`. Only what holds removed points is rewritten: 4 to 12 s in a library of 100,000."""
        async with self._writing() as draft:
            await draft.purge()

    async def close(self) -> None:
        """Nothing is held between publications."""

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator["EdgePublication"]:
        # The thread is left first, and leaving it waits: a cancelled publication is not cleared away while it works.
        with self._generations.writing(), ThreadPoolExecutor(1, thread_name_prefix="edge-writer") as thread:
            draft = EdgePublication(self._generations, thread)
            try:
                yield draft
            finally:
                draft.abandon()


class EdgePublication:
    """A draft generation, copied at the first change. Changes are applied one after the other."""

    def __init__(self, generations: Generations, thread: ThreadPoolExecutor) -> None:
        self._generations = generations
        self._thread = thread
        self._model: EmbeddingModel | None = None
        self._shard: edge.EdgeShard | None = None
        self._changed = False
        self._unindexed = 0

    async def begin(self, model: EmbeddingModel | None) -> None:
        """A draft of the current generation; where that holds nothing, an empty one of `model`'s."""
        await self._run(lambda: self._begin(model))

    async def begin_empty(self, model: EmbeddingModel) -> None:
        """A draft that holds nothing, and is published even so."""
        await self._run(lambda: self._begin_empty(model))

    async def purge(self) -> None:
        """Publishes a copy without the bytes of what was removed; every generation that holds them goes."""
        await self._run(self._purge)

    async def remove_documents(self, documents: Iterable[UUID]) -> None:
        """See `Publication.remove_documents`."""
        doomed = frozenset(documents)
        if doomed:
            await self._run(lambda: self._remove(lambda shard: edge_shard.remove(shard, doomed)))

    async def retain(self, document: UUID, chunks: Collection[UUID]) -> None:
        """See `Publication.retain`."""
        await self._run(lambda: self._remove(lambda shard: edge_shard.retain(shard, document, chunks)))

    async def upsert(self, points: Sequence[Point]) -> None:
        """See `Publication.upsert`."""
        if points:
            await self._run(lambda: self._upsert(points))

    async def publish(self) -> None:
        """Makes the draft current, if anything changed."""
        await self._run(self._publish)

    def abandon(self) -> None:
        """Closes a draft that will not be published, after whatever the thread is still doing to it."""
        self._thread.submit(self._close)

    async def _run(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._translated, work)

    def _translated(self, work: Callable[[], None]) -> None:
        try:
            with engine_failures(passing=(FootnoteError,)):
                work()
        except EngineFailure as failure:
            require_space(self._generations.folder)
            raise Unavailable("The index could not be written: `footnote doctor` says more.") from failure

    def _begin(self, model: EmbeddingModel | None) -> None:
        self._model = model
        current = self._generations.current()
        if current is not None and model is not None and model_of(current).id != model.id and not is_empty(current):
            refuse_other_model(model_of(current), model)

    def _begin_empty(self, model: EmbeddingModel) -> None:
        self._shard = edge_shard.create(self._generations.begin_empty(model), model.dimension)
        self._changed = True

    def _purge(self) -> None:
        current = self._generations.current()
        if current is not None:
            edge_shard.purge(self._generations.begin_copy(), model_of(current).dimension)
            self._generations.publish(keep_previous=False)

    def _remove(self, remove: Callable[[edge.EdgeShard], int]) -> None:
        if self._shard is None and self._generations.current() is None:
            return
        if remove(self._draft()):
            self._changed = True

    def _upsert(self, points: Sequence[Point]) -> None:
        shard = self._draft()
        require_space(self._generations.folder)
        edge_shard.upsert(shard, points)
        self._changed = True
        # What has no graph yet is held in memory, 2 kB a point: in a rebuild it must not be the whole library.
        self._unindexed += len(points)
        if self._unindexed > GRAPH_FROM_POINTS:
            shard.optimize()
            self._unindexed = 0

    def _draft(self) -> edge.EdgeShard:
        if self._shard is None:
            current = self._generations.current()
            if current is None or (self._model and model_of(current).id != self._model.id):
                assert self._model is not None  # whoever upserts has named the model
                self._shard = edge_shard.create(self._generations.begin_empty(self._model), self._model.dimension)
            else:
                self._shard = edge_shard.load(self._generations.begin_copy(), model_of(current).dimension)
        return self._shard

    def _close(self) -> None:
        shard, self._shard = self._shard, None
        if shard is not None:
            shard.close()

    def _publish(self) -> None:
        if self._shard is None or not self._changed:
            return
        shard, self._shard = self._shard, None
        shard.optimize()  # does nothing while it does not pay, see `edge_shard`
        shard.flush()
        shard.close()
        # Each publication then begins with as much as the first, and not with 75 MB more after 20,000 points.
        give_back_memory()
        self._generations.publish()


def is_empty(generation: Path) -> bool:
    """Whether a generation holds no point."""
    shard = edge.EdgeShard.load(str(generation))
    try:
        return shard.count(edge.CountRequest(exact=True)) == 0
    finally:
        shard.close()
