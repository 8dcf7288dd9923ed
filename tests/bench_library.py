"""Libraries of any size for measuring: the sample's words and vectors, drawn by lot into as many passages as wanted.

Words follow the sample's frequencies, so that a question's words are as common as in real text; vectors lie around
those of the sample's passages, so that a question has near and far ones.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import numpy as np
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import create_async_engine

from backend import settings as configuration
from backend.embedded import engines
from backend.knowledge.catalogue import creators, documents
from backend.knowledge.edge_writer import EdgeIndexWriter
from backend.knowledge.embedder import Embedder
from backend.knowledge.export import ensure_exported
from backend.knowledge.generations import index_folder
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.models import Chunk, Point
from backend.migrations import migrate

SAMPLE = Path(__file__).parent.parent / "scripts" / "sample"
CHUNKS_A_DOCUMENT = 25
WORDS_A_CHUNK = 150
SPREAD = 0.7  # of the noise, whose length is 1 as the vector's is
CREATORS = 20
BATCH = 1000
PUBLICATION = 10_000


def make_library(data_dir: Path, count: int) -> None:
    """A library of `count` passages in `data_dir`, with the exported model; 100,000 take two minutes."""
    settings = configuration.load(data_dir=data_dir)
    embedder = Embedder.load(ensure_exported(settings))
    with engines(settings) as running:
        migrate(running.database.url)
        asyncio.run(_catalogue(running.database.url, -(-count // CHUNKS_A_DOCUMENT)))
    asyncio.run(_publish(data_dir, embedder, count))


async def _catalogue(url: str, count: int) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        slugs = [{"slug": f"creator-{number}", "name": f"Creator {number}"} for number in range(CREATORS)]
        await connection.execute(insert(creators), slugs)
        for start in range(0, count, BATCH):
            rows = [_row(number) for number in range(start, min(start + BATCH, count))]
            await connection.execute(insert(documents), rows)
    await engine.dispose()


def _row(number: int) -> dict[str, object]:
    return {
        "id": UUID(int=10**12 + number),
        "creator": f"creator-{number % CREATORS}",
        "title": f"Talk {number}",
        "kind": "video",
        "source_uri": f"talk-{number}",
        "url": f"https://videos.example.org/{number}",
        "content_hash": "",
        "pipeline_version": 0,
        "status": "ready",
        "chunks": CHUNKS_A_DOCUMENT,
    }


async def _publish(data_dir: Path, embedder: Embedder, count: int) -> None:
    folder = index_folder(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    writer, waiting = EdgeIndexWriter(folder), _drawn(embedder, count)
    for start in range(0, count, PUBLICATION):
        async with writer.publication(embedder.model) as publication:
            for _ in range(0, min(PUBLICATION, count - start), BATCH):
                await publication.upsert(next(waiting))
    await writer.close()


def _drawn(embedder: Embedder, count: int) -> Iterator[list[Point]]:
    """The passages, a batch at a time."""
    lexical, lot = LexicalEncoder(), np.random.default_rng(1)
    texts = [file.read_text() for file in sorted(SAMPLE.rglob("*.*")) if file.suffix in (".md", ".vtt", ".srt", ".txt")]
    words = np.array([word for text in texts for word in re.findall(r"[A-Za-z][\w'’-]*", text)])
    said = [" ".join(words[start : start + WORDS_A_CHUNK]) for start in range(0, len(words), WORDS_A_CHUNK)]
    centres = embedder.embed(said)
    for first in range(0, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        noise = lot.normal(size=(len(numbers), centres.shape[1])) / np.sqrt(centres.shape[1])
        vectors = centres[lot.integers(len(centres), size=len(numbers))] + SPREAD * noise
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        chosen = lot.choice(words, size=(len(numbers), WORDS_A_CHUNK))
        yield [
            _point(number, " ".join(row), vector, lexical)
            for number, row, vector in zip(numbers, chosen, vectors.tolist(), strict=True)
        ]


def _point(number: int, text: str, vector: Sequence[float], lexical: LexicalEncoder) -> Point:
    document, ordinal = divmod(number, CHUNKS_A_DOCUMENT)
    chunk = Chunk(
        id=UUID(int=number + 1),
        document_id=UUID(int=10**12 + document),
        creator=f"creator-{document % CREATORS}",
        ordinal=ordinal,
        text=text,
        char_start=1000 * ordinal,
        char_end=1000 * ordinal + len(text),
        start_s=60.0 * ordinal,
        end_s=60.0 * ordinal + 60,
    )
    return Point(chunk, tuple(vector), lexical.passage(text))
