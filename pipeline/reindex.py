"""The whole library anew beside the old one: with another model, or to be rid of what years of changes left."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from sqlalchemy import ARRAY, any_, bindparam, update
from sqlalchemy.dialects.postgresql import UUID as SqlUUID
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.database import transaction
from backend.knowledge.catalogue import Catalogue, documents, embeddings
from backend.knowledge.embedder import Embedder
from backend.knowledge.index import Index, IndexWriter
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.models import Document, Point, Scope
from pipeline.chunk import embedding_text
from pipeline.cut import embedding_key
from pipeline.embeddings import Embeddings

Tell = Callable[[int, int], None]
"""Called with how many passages are done, of how many."""


@dataclass(slots=True)
class Reindexed:
    """What became of the passages. `cut_short` are longer than the model reads; `dropped` were of no document."""

    chunks: int = 0
    embedded: int = 0
    cut_short: int = 0
    dropped: int = 0


class Reindexing:
    """One run, from the passages that are in the index: the files they came from need not be there any more."""

    def __init__(
        self, connections: AsyncEngine, index: Index, writer: IndexWriter, embedder: Embedder, tell: Tell
    ) -> None:
        self._connections = connections
        self._catalogue = Catalogue(connections)
        self._embeddings = Embeddings(connections, embedder.model.id)
        self._index = index
        self._writer = writer
        self._embedder = embedder
        self._lexical = LexicalEncoder()
        self._tell = tell
        self._done = Reindexed()

    async def run(self) -> Reindexed:
        """Call it while you hold `Ledger.writing`.

        The old index answers until the new one is whole; killed on the way it goes on doing so, and the vectors that
        were made are kept for the next run. Raises `Unavailable` where an engine is away, `ConfigurationError` where
        the disk is full.
        """
        old = await self._index.model()
        is_same = old is not None and old.id == self._embedder.model.id
        total = await self._index.count(Scope())
        seen: set[UUID] = set()
        async with self._writer.rebuild(self._embedder.model) as publication, aclosing(self._index.scan()) as batches:
            async for batch in batches:
                known = await self._catalogue.find_documents({point.chunk.document_id for point in batch})
                living = [point for point in batch if point.chunk.document_id in known]
                titles = {document.id: document for document, _ in known.values()}
                points = living if is_same else await self._anew(living, titles)
                await publication.upsert(points)
                seen.update(known)
                self._done.dropped += len(batch) - len(living)
                self._done.chunks += len(points)
                self._tell(self._done.chunks + self._done.dropped, total)
        await self._write_down(seen)
        return self._done

    async def _anew(self, points: Sequence[Point], known: dict[UUID, Document]) -> list[Point]:
        """The same passages with vectors of the new model, embedded unless a run before this one did so."""
        texts = [embedding_text(point.chunk, known[point.chunk.document_id].title) for point in points]
        names = [(point.chunk.document_id, embedding_key(text)) for point, text in zip(points, texts, strict=True)]
        vectors = await self._embeddings.find(names)
        missing = [(name, text) for name, text in zip(names, texts, strict=True) if name not in vectors]
        if missing:
            made = await asyncio.to_thread(self._embedder.embed, [text for _, text in missing])
            fresh = {name: vector.astype("<f4").tobytes() for (name, _), vector in zip(missing, made, strict=True)}
            await self._embeddings.keep([(*name, vector) for name, vector in fresh.items()])
            vectors |= fresh
        self._done.embedded += len(missing)
        limit = self._embedder.max_tokens
        self._done.cut_short += sum(self._embedder.count_tokens(text) > limit for text in texts)
        return [
            Point(point.chunk, tuple(np.frombuffer(vectors[name], "<f4").tolist()), self._lexical.passage(text))
            for point, name, text in zip(points, names, texts, strict=True)
        ]

    async def _write_down(self, ids: Collection[UUID]) -> None:
        """Says which model the documents are of now, and forgets the vectors of others."""
        model = self._embedder.model.id
        async with transaction(self._connections) as connection:
            is_one = documents.c.id == any_(bindparam("ids", list(ids), type_=ARRAY(SqlUUID)))  # as many as there are
            await connection.execute(update(documents).where(is_one).values(model=model))
            await connection.execute(embeddings.delete().where(embeddings.c.model != model))
