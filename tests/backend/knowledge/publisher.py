"""A process of its own for tests of the embedded index: publishes or reads, and says on stdout how far it is."""

import asyncio
import itertools
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from backend.knowledge.edge import EdgeIndex
from backend.knowledge.edge_writer import EdgeIndexWriter
from backend.knowledge.models import Chunk, EmbeddingModel, Point, Scope, SparseVector

CHUNKS_A_DOCUMENT = 5
MODEL = EmbeddingModel("drawn", "drawn-by-lot", 8)


def document(number: int, dimension: int = MODEL.dimension) -> list[Point]:
    """Five chunks of one document, the same for the same number."""
    chance = random.Random(number)
    return [
        Point(
            Chunk(UUID(int=number * 100 + ordinal), UUID(int=number), "ana", ordinal, "text " * 200, 0, 1000),
            tuple(chance.gauss(0, 1) for _ in range(dimension)),
            SparseVector((1, 2 + number), (1.0, 0.5)),
        )
        for ordinal in range(CHUNKS_A_DOCUMENT)
    ]


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def publish(folder: Path, documents: Sequence[int]) -> None:
    """Publishes documents, waiting for a line on stdin before the block ends."""
    async with EdgeIndexWriter(folder).publication(MODEL) as publication:
        for number in documents:
            await publication.upsert(document(number))
        say("changed")
        sys.stdin.readline()
    say("published")


async def publish_for_ever(folder: Path, first: int) -> None:
    """Publishes one document after the other until it is killed."""
    for number in itertools.count(first):
        async with EdgeIndexWriter(folder).publication(MODEL) as publication:
            await publication.upsert(document(number))
        say("published")


async def read(folder: Path) -> None:
    """Says the number of chunks for every line on stdin."""
    index = EdgeIndex(folder)
    while sys.stdin.readline():
        say(str(await index.count(Scope())))
    await index.close()


if __name__ == "__main__":
    task, folder, *numbers = sys.argv[1:]
    match task:
        case "publish":
            asyncio.run(publish(Path(folder), [int(number) for number in numbers]))
        case "publish-for-ever":
            asyncio.run(publish_for_ever(Path(folder), int(numbers[0])))
        case "read":
            asyncio.run(read(Path(folder)))
