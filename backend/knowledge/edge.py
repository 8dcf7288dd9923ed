"""The index as Qdrant's own engine in this process: a reader that follows the generations."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import qdrant_edge as edge

from backend.errors import Unavailable
from backend.knowledge import edge_shard
from backend.knowledge.edge_errors import EngineFailure, engine_failures
from backend.knowledge.generations import Generations, Stamp, model_of
from backend.knowledge.index import ModelChanged
from backend.knowledge.models import Candidates, Chunk, EmbeddingModel, LexicalHits, Point, Scope, SparseVector
from backend.processes import let_go_of_pages, usable_cores

log = logging.getLogger(__name__)
T = TypeVar("T")

OPEN_AGAIN_AFTER_S = 5.0  # a generation that did not open is tried again, while the one before it answers


@dataclass(frozen=True, slots=True)
class Opened:
    """A generation that is open; `model` is None where it holds no point."""

    shard: edge.EdgeShard
    model: EmbeddingModel | None


class EdgeIndex:
    """Reads the current generation, whichever that is when a question comes.

    One thread opens, searches and closes, so a swap falls between two searches. The engine holds the interpreter's
    lock while it searches (1 to 6 ms) and while it opens a generation (40 ms at 1,000 points, 150 ms at 20,000), so
    more threads would gain nothing.
    """

    def __init__(self, folder: Path) -> None:
        self._generations = Generations(folder)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="edge-index")
        self._opened: Opened | None = None
        self._stamp: Stamp | None = None
        self._failed_at: float | None = None
        self._has_cores = usable_cores() > 1  # on a single one nothing computes beside the encoder

    async def model(self) -> EmbeddingModel | None:
        """See `Index.model`."""
        stamp, opened = self._stamp, self._opened  # in this order: the thread sets them in the other one
        if self._generations.stamp() != stamp:
            opened = await self._run(self._follow)
        return opened.model if opened else None

    async def lexical(self, sparse: SparseVector, scope: Scope, limit: int) -> LexicalHits | None:
        """See `Index.lexical`."""
        if not self._has_cores:
            return None

        def work(opened: Opened) -> LexicalHits:
            return LexicalHits(sparse, edge_shard.lexical(opened.shard, sparse, scope, limit), opened)

        return await self._read(work, LexicalHits(sparse, (), None))

    async def search(
        self,
        model: EmbeddingModel,
        dense: Sequence[float],
        sparse: SparseVector,
        scope: Scope,
        limit: int,
        begun: LexicalHits | None = None,
    ) -> Candidates:
        """See `Index.search`. An index without any generation is empty."""

        def work(opened: Opened) -> Candidates:
            if opened.model is None:
                return Candidates((), ())
            if opened.model.id != model.id:
                raise ModelChanged
            lexical = begun.hits if begun and begun.found_in is opened else None
            return edge_shard.search(opened.shard, dense, sparse, scope, limit, lexical)

        return await self._read(work, Candidates((), ()))

    async def passages(self, document: UUID, first: int, last: int) -> list[Chunk]:
        """See `Index.passages`."""
        return await self._read(lambda opened: edge_shard.passages(opened.shard, document, first, last), [])

    async def scan(self) -> AsyncGenerator[list[Point], None]:
        """See `Index.scan`. Reads the generation that is current at the start, whatever is published meanwhile."""
        opened = await self._run(self._open)
        if opened is None:
            return
        try:
            pages = edge_shard.pages(opened.shard, None, with_vector=True)
            while (records := await self._run(lambda: next(pages, None))) is not None:
                yield [edge_shard.point_from(record) for record in records]
        finally:
            self._thread.submit(opened.shard.close)

    async def count(self, scope: Scope) -> int:
        """See `Index.count`."""
        return await self._read(lambda opened: edge_shard.count(opened.shard, scope), 0)

    async def held(self) -> dict[UUID, int]:
        """See `Index.held`."""
        nothing: dict[UUID, int] = {}
        return await self._read(lambda opened: edge_shard.held(opened.shard), nothing)

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

    async def _read(self, work: Callable[[Opened], T], nothing: T) -> T:
        def read() -> T:
            opened = self._follow()
            try:
                with engine_failures(passing=(ModelChanged,)):
                    return work(opened) if opened else nothing
            except EngineFailure as failure:
                raise Unavailable("The index could not be searched.") from failure

        return await self._run(read)

    def _follow(self) -> Opened | None:
        """The current generation, opened if it is new. Looking costs microseconds."""
        stamp = self._generations.stamp()
        if stamp == self._stamp or self._waits():
            return self._opened
        try:
            opened = self._open()
        except Unavailable:
            self._failed_at = time.monotonic()
            if self._opened is None:
                raise
            return self._opened
        self._release()
        # Taken before the pointer was read: if it has moved since, the next question follows it.
        self._opened, self._stamp, self._failed_at = opened, stamp, None
        return opened

    def _open(self) -> Opened | None:
        """Opens what is current; None where there is nothing yet."""
        folder = self._generations.current()
        while folder is not None:
            try:
                with engine_failures():
                    shard = edge.EdgeShard.load(str(folder))
                    is_empty = edge_shard.count(shard, Scope()) == 0
                    let_go_of_pages(folder)
                    return Opened(shard, None if is_empty else model_of(folder))
            except EngineFailure as failure:
                newer = self._generations.current()
                if newer == folder:
                    log.exception("The index generation %s cannot be opened", folder)
                    raise Unavailable("The index cannot be opened: `footnote doctor` says more.") from failure
                folder = newer  # the other was removed under our hands, because others have followed
        return None

    def _waits(self) -> bool:
        """Whether the newest generation failed to open just now and an older one can answer meanwhile."""
        failed_at = self._failed_at
        return self._opened is not None and failed_at is not None and time.monotonic() < failed_at + OPEN_AGAIN_AFTER_S

    def _release(self) -> None:
        if self._opened is None:
            return
        try:
            with engine_failures():
                self._opened.shard.close()
        except EngineFailure:  # it may want to write into a generation that has been removed
            log.debug("A generation did not close cleanly", exc_info=True)
        self._opened = None
