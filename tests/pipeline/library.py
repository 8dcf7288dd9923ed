"""A creator's folder, and what a reader would find of it after ingestions."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
from sqlalchemy import select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.knowledge.catalogue import Catalogue, documents
from backend.knowledge.index import IndexWriter, Publication
from backend.knowledge.models import Chunk, Scope, SparseVector
from backend.knowledge.opening import open_index, open_index_writer
from backend.settings import Settings
from pipeline.engines.local import Batch, LocalEngine
from pipeline.find import Source, find_collections
from pipeline.ingest import PUBLISH_AFTER, Event, Ingestion, Summary
from pipeline.ledger import Ledger


class Killed(BaseException):
    """Stands for a SIGKILL: nothing of ours may catch it."""


@dataclass
class KilledWriter:
    """The real writer, in a process that dies when it has published (`published`) or is about to."""

    writer: IndexWriter
    published: bool

    @asynccontextmanager
    async def publication(self) -> AsyncIterator[Publication]:
        async with self.writer.publication() as publication:
            yield publication
            if not self.published:
                raise Killed
        raise Killed

    async def close(self) -> None:
        await self.writer.close()


@dataclass
class CountingEngine:
    """The real engine, counting what it was given and what it embedded."""

    engine: LocalEngine
    sources: int = 0
    chunks: int = 0

    def batches(self, sources: Sequence[Source]) -> Iterator[Batch]:
        self.sources += len(sources)
        for batch in self.engine.batches(sources):
            self.chunks += len(batch.points)
            yield batch


@dataclass
class Library:
    """The folder `content` of one creator."""

    settings: Settings
    database: AsyncEngine
    engine: LocalEngine
    content: Path
    slug: str = field(default_factory=lambda: f"creator-{uuid4().hex[:8]}")
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.content.mkdir()
        self.index = open_index(self.settings)
        self.ledger = Ledger(self.database)

    def write(self, name: str, text: str) -> Path:
        path = self.content / name
        path.write_text(text)
        return path

    async def ingest(
        self,
        *,
        writer: IndexWriter | None = None,
        engine: CountingEngine | LocalEngine | None = None,
        publish_after: int = PUBLISH_AFTER,
    ) -> Summary:
        """One run of the pipeline over the folder, as the command does it."""
        collections, _ = find_collections([self.content], self.slug)
        own = open_index_writer(self.settings)
        self.events.clear()
        writer, engine = writer or own, engine or self.engine
        try:
            return await Ingestion(self.ledger, writer, engine, self.events.append, publish_after).run(collections)
        finally:
            await own.close()

    async def indexed(self) -> dict[UUID, Chunk]:
        """Every passage of the creator that lies in the index, whether its document answers or not."""
        query = np.ones(384) / np.sqrt(384)
        found = await self.index.search(query.tolist(), SparseVector((), ()), Scope(creator=self.slug), 1000)
        return {hit.chunk.id: hit.chunk for hit in found.dense}

    async def scores(self) -> dict[UUID, float]:
        """The cosine of every passage with a fixed vector: equal where the vectors are."""
        query = np.random.default_rng(7).normal(size=384)
        dense = (query / np.linalg.norm(query)).tolist()
        found = await self.index.search(dense, SparseVector((), ()), Scope(creator=self.slug), 1000)
        return {hit.chunk.id: round(hit.score, 5) for hit in found.dense}

    async def answering(self) -> dict[str, list[str]]:
        """What a reader may be shown: the passages in order, by source URI, of documents that answer."""
        chunks = (await self.indexed()).values()
        known = await Catalogue(self.database).find_documents({chunk.document_id for chunk in chunks})
        texts: dict[str, list[str]] = {}
        for chunk in sorted(chunks, key=lambda chunk: chunk.ordinal):
            if chunk.document_id in known:
                texts.setdefault(known[chunk.document_id][0].source_uri, []).append(chunk.text)
        return texts

    async def rows(self) -> dict[str, RowMapping]:
        async with self.database.connect() as connection:
            found = await connection.execute(select(documents).where(documents.c.creator == self.slug))
            return {row["source_uri"]: row for row in found.mappings()}

    async def close(self) -> None:
        await self.index.close()
