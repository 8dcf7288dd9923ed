"""The index as Qdrant's own engine in this process: a reader that follows the generations, and their writer."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import qdrant_edge as edge

from backend.errors import ConfigurationError, FootnoteError, Unavailable
from backend.knowledge import edge_shard
from backend.knowledge.disk import require_space
from backend.knowledge.generations import Generations, Stamp
from backend.knowledge.models import Candidates, Point, Scope, SparseVector

log = logging.getLogger(__name__)
T = TypeVar("T")

OPEN_AGAIN_AFTER_S = 5.0  # a generation that did not open is tried again, while the one before it answers


class EdgeIndex:
    """Reads the current generation, whichever that is when a question comes.

    One thread opens, searches and closes, so a swap falls between two searches. The engine holds the interpreter's
    lock while it searches (1 to 2 ms) and while it opens a generation (40 ms at 1,000 points, 150 ms at 20,000), so
    more threads would gain nothing.
    """

    def __init__(self, folder: Path) -> None:
        self._generations = Generations(folder)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="edge-index")
        self._shard: edge.EdgeShard | None = None
        self._stamp: Stamp | None = None
        self._failed_at: float | None = None

    async def search(self, dense: Sequence[float], sparse: SparseVector, scope: Scope, limit: int) -> Candidates:
        """See `Index.search`. An index without any generation is empty."""
        return await self._run(lambda: self._search(dense, sparse, scope, limit))

    async def count(self, scope: Scope) -> int:
        """See `Index.count`."""
        return await self._run(lambda: self._count(scope))

    async def ready(self) -> bool:
        """Whether the current generation is open, or there is none yet."""
        try:
            await self._run(self._follow)
        except Unavailable:
            return False
        return True

    async def close(self) -> None:
        """Waits for the searches that were asked for and releases the generation."""
        await self._run(self._release)
        self._thread.shutdown()

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _search(self, dense: Sequence[float], sparse: SparseVector, scope: Scope, limit: int) -> Candidates:
        shard = self._follow()
        if shard is None:
            return Candidates((), ())
        try:
            return edge_shard.search(shard, dense, sparse, scope, limit)
        except Exception as error:  # the engine raises no narrower class than this
            raise Unavailable("The index could not be searched.") from error

    def _count(self, scope: Scope) -> int:
        shard = self._follow()
        try:
            return edge_shard.count(shard, scope) if shard else 0
        except Exception as error:  # the engine raises no narrower class than this
            raise Unavailable("The index could not be searched.") from error

    def _follow(self) -> edge.EdgeShard | None:
        """The shard of the current generation, opened if it is new. Looking costs microseconds."""
        stamp = self._generations.stamp()
        if stamp == self._stamp or self._waits():
            return self._shard
        folder = self._generations.current()
        while True:
            try:
                shard = edge.EdgeShard.load(str(folder)) if folder else None
                break
            except Exception as error:  # the engine raises no narrower class than this
                newer = self._generations.current()
                if newer != folder:  # it was removed under our hands, because others have followed
                    folder = newer
                    continue
                log.exception("The index generation %s cannot be opened", folder)
                self._failed_at = time.monotonic()
                if self._shard is not None:
                    return self._shard
                raise Unavailable("The index cannot be opened.") from error
        self._release()
        # Taken before the pointer was read: if it has moved since, the next question follows it.
        self._shard, self._stamp, self._failed_at = shard, stamp, None
        return shard

    def _waits(self) -> bool:
        """Whether the newest generation failed to open just now and an older one can answer meanwhile."""
        failed_at = self._failed_at
        return self._shard is not None and failed_at is not None and time.monotonic() < failed_at + OPEN_AGAIN_AFTER_S

    def _release(self) -> None:
        if self._shard is None:
            return
        try:
            self._shard.close()
        except Exception:  # it may want to write into a generation that has been removed
            log.debug("A generation did not close cleanly", exc_info=True)
        self._shard = None


class EdgeIndexWriter:
    """Publishes generations; see `backend.knowledge.generations` for what a reader sees when."""

    def __init__(self, folder: Path) -> None:
        self._generations = Generations(folder)

    @asynccontextmanager
    async def publication(self) -> AsyncIterator["EdgePublication"]:
        """See `IndexWriter.publication`; a block that changed nothing publishes nothing.

        Raises `Unavailable` while another process publishes, `ConfigurationError` where the data folder is full or
        read-only, or where the vectors do not have the dimension of those in the index.
        """
        # The thread is left first, and leaving it waits: a cancelled publication is not cleared away while it works.
        with self._generations.writing(), ThreadPoolExecutor(1, thread_name_prefix="edge-writer") as thread:
            publication = EdgePublication(self._generations, thread)
            try:
                yield publication
                await publication.publish()
            finally:
                publication.abandon()

    async def close(self) -> None:
        """Nothing is held between publications."""


class EdgePublication:
    """A draft generation, copied at the first change. Changes are applied one after the other."""

    def __init__(self, generations: Generations, thread: ThreadPoolExecutor) -> None:
        self._generations = generations
        self._thread = thread
        self._shard: edge.EdgeShard | None = None
        self._dimension: int | None = None
        self._changed = False

    async def remove_documents(self, documents: Iterable[UUID]) -> None:
        """See `Publication.remove_documents`."""
        await self._run(lambda: self._remove(frozenset(documents)))

    async def upsert(self, points: Sequence[Point]) -> None:
        """See `Publication.upsert`."""
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
            work()
        except FootnoteError:
            raise
        except Exception as error:  # the engine raises no narrower class than this
            require_space(self._generations.folder)
            raise Unavailable("The index could not be written.") from error

    def _remove(self, documents: frozenset[UUID]) -> None:
        if not documents or (self._shard is None and self._generations.current() is None):
            return
        shard = self._draft(None)
        if edge_shard.remove(shard, documents):
            self._changed = True

    def _upsert(self, points: Sequence[Point]) -> None:
        if not points:
            return
        dimension = len(points[0].dense)
        shard = self._draft(dimension)
        if self._dimension not in (None, dimension):
            raise ConfigurationError(
                f"The index holds vectors of {self._dimension} dimensions and the embedding model makes {dimension}: "
                f"remove the folder {self._generations.folder} and ingest again."
            )
        require_space(self._generations.folder)
        edge_shard.upsert(shard, points)
        self._changed = True

    def _draft(self, dimension: int | None) -> edge.EdgeShard:
        if self._shard is None:
            folder = self._generations.begin()
            if folder.exists():
                self._shard = edge.EdgeShard.load(str(folder))
                self._dimension = edge_shard.dimension(self._shard)
            else:
                assert dimension is not None
                self._shard = edge_shard.create(folder, dimension)
                self._dimension = dimension
        return self._shard

    def _close(self) -> None:
        shard, self._shard = self._shard, None
        if shard is not None:
            shard.close()

    def _publish(self) -> None:
        if self._shard is None or not self._changed:
            return
        shard, self._shard = self._shard, None
        shard.optimize()  # does nothing below the thresholds that `edge_shard.create` set
        shard.flush()
        shard.close()
        self._generations.publish()
