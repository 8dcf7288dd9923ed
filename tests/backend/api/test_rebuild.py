"""The service while the library moves to another embedding model, and back: nobody is refused."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from backend.knowledge.embedder import Embedder
from backend.knowledge.export import ensure_exported
from backend.knowledge.models import EmbeddingModel, Point
from backend.knowledge.opening import open_index, open_index_writer
from backend.settings import Settings
from tests.service import Visitor, running, with_section

QUESTIONS_A_MODEL = 5


async def move(settings: Settings, model: EmbeddingModel, points: Sequence[Point]) -> None:
    """The library anew, with vectors of this model."""
    writer = open_index_writer(settings)
    async with writer.rebuild(model) as publication:
        await publication.upsert(points)
    await writer.close()


async def test_every_question_is_answered_while_the_library_moves_to_another_model(
    library: Settings, small_model: Path
) -> None:
    index = open_index(library)
    old = await index.model()
    assert old is not None
    as_it_was = [point async for batch in index.scan() for point in batch]
    await index.close()
    new = Embedder.load(ensure_exported(with_section(library, "embedding", model=str(small_model))))
    vectors = new.embed([point.chunk.text for point in as_it_was]).tolist()
    moved = [replace(point, dense=tuple(vector)) for point, vector in zip(as_it_was, vectors, strict=True)]
    answered, over = 0, asyncio.Event()

    async def ask(visitor: Visitor) -> None:
        nonlocal answered
        while not over.is_set():
            answer = (await visitor.ask()).checked()
            assert answer.response.status_code == 200
            assert answer.last.event == "done"
            assert answer.sources
            answered += 1

    async with running(library) as address, Visitor(address) as one, Visitor(address) as two:
        asking = [asyncio.create_task(ask(visitor)) for visitor in (one, two)]
        try:
            for model, points in ((new.model, moved), (old, as_it_was)):
                await move(library, model, points)
                enough = answered + QUESTIONS_A_MODEL
                while answered < enough and not any(task.done() for task in asking):
                    await asyncio.sleep(0.02)
        finally:
            over.set()
            await asyncio.gather(*asking)
            await move(library, old, as_it_was)
