"""A creator's folder, and what a reader would find of it after ingestions."""

from collections.abc import AsyncIterator, Generator, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
from sqlalchemy import select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.knowledge.catalogue import Catalogue, documents
from backend.knowledge.index import IndexWriter, Publication
from backend.knowledge.models import Chunk, EmbeddingModel, Scope, SparseVector
from backend.knowledge.opening import open_index, open_index_writer
from backend.settings import Settings
from pipeline.embeddings import Embeddings
from pipeline.engines.engine import Batch, Engine
from pipeline.find import Found, find
from pipeline.gather import Gatherer
from pipeline.ingest import PUBLISH_AFTER, Event, Ingestion, Summary
from pipeline.ledger import Ledger
from pipeline.lost import lost_documents
from pipeline.source import Request, Task


class Killed(BaseException):
    """Stands for a SIGKILL: nothing of ours may catch it."""


@dataclass
class KilledWriter:
    """The real writer, in a process that dies when it has published (`published`) or is about to."""

    writer: IndexWriter
    published: bool

    @asynccontextmanager
    async def publication(self, model: EmbeddingModel | None = None) -> AsyncIterator[Publication]:
        async with self.writer.publication(model) as publication:
            yield publication
            if not self.published:
                raise Killed
        raise Killed

    async def close(self) -> None:
        await self.writer.close()


@dataclass
class CountingEngine:
    """The real engine, counting what it was given and what it embedded."""

    engine: Engine
    sources: int = 0
    chunks: int = 0
    embedded: int = 0

    def batches(self, tasks: Iterable[Task]) -> Generator[Batch, None, None]:
        todo = list(tasks)
        self.sources += len(todo)
        with closing(self.engine.batches(todo)) as batches:
            for batch in batches:
                self.chunks += len(batch.passages)
                self.embedded += sum(passage.dense is not None for passage in batch.passages)
                yield batch


@dataclass
class Library:
    """The folder `content` of one creator."""

    settings: Settings
    database: AsyncEngine
    engine: Engine
    model: EmbeddingModel
    content: Path
    slug: str = field(default_factory=lambda: f"creator-{uuid4().hex[:8]}")
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.content.mkdir()
        self.index = open_index(self.settings)
        self.ledger = Ledger(self.database)

    def write(self, name: str, text: str) -> Path:
        path = self.content / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    async def ingest(
        self,
        *,
        writer: IndexWriter | None = None,
        engine: Engine | None = None,
        publish_after: int = PUBLISH_AFTER,
        prune: bool = False,
        again: bool = False,
        target: Path | None = None,
        targets: Sequence[Path | str] = (),
        requests: Sequence[Request] = (),
        gatherer: Gatherer | None = None,
    ) -> Summary:
        """One run of the pipeline over the folder, or over something else, as the command does it; archives and
        addresses need a `gatherer`. All is the creator's, unless `requests` say something else."""
        requests = requests or [Request(str(path), self.slug) for path in targets or [target or self.content]]
        searched, found = [request.target for request in requests], Found()
        if gatherer is not None:
            found, searched = await gatherer.gather(requests)
        else:
            for request in requests:
                found.add(find(Path(request.target), request))
        own = open_index_writer(self.settings)
        self.events.clear()
        writer, engine = writer or own, engine or self.engine
        try:
            ingestion = Ingestion(
                ledger=self.ledger,
                embeddings=Embeddings(self.database, self.model.id),
                writer=writer,
                engine=engine,
                model=self.model,
                tell=self.events.append,
                publish_after=publish_after,
            )
            lost = await lost_documents(self.settings, self.database)
            async with self.ledger.writing():
                return await ingestion.run(found, searched=searched, prune=prune, again=again, lost=lost)
        finally:
            await own.close()

    async def indexed(self) -> dict[UUID, Chunk]:
        """Every passage of the creator that lies in the index, whether its document answers or not."""
        query = np.ones(384) / np.sqrt(384)
        found = await self.index.search(
            self.model, query.tolist(), SparseVector((), ()), Scope(creator=self.slug), 1000
        )
        return {hit.chunk.id: hit.chunk for hit in found.dense}

    async def scores(self) -> dict[UUID, float]:
        """The cosine of every passage with a fixed vector: equal where the vectors are."""
        query = np.random.default_rng(7).normal(size=384)
        dense = (query / np.linalg.norm(query)).tolist()
        found = await self.index.search(self.model, dense, SparseVector((), ()), Scope(creator=self.slug), 1000)
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
