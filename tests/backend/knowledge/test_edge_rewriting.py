"""What the embedded index rewrites: little for a small change, and on demand whatever was removed."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from backend.knowledge import edge_shard
from backend.knowledge.disk import copy_sparse, occupied
from backend.knowledge.edge import EdgeIndex
from backend.knowledge.edge_writer import EdgeIndexWriter
from backend.knowledge.generations import Generations
from backend.knowledge.models import Chunk, Point, Scope, SparseVector
from backend.knowledge.schema import GRAPH_FROM_POINTS
from tests.backend.knowledge.publisher import CHUNKS_A_DOCUMENT, MODEL, document

CANARY = "In Lindqvist's barn a heron sang to the violet kettle."


def drawn(first: int, count: int) -> list[Point]:
    """Points of documents of a hundred chunks each, the same for the same numbers."""
    vectors = np.random.default_rng(first).normal(size=(count, MODEL.dimension)).tolist()
    return [
        Point(
            Chunk(UUID(int=number + 1), UUID(int=10**9 + number // 100), "ana", number % 100, f"text {number}", 0, 9),
            tuple(vector),
            SparseVector((1, 2 + number % 50), (1.0, 0.5)),
        )
        for number, vector in enumerate(vectors, first)
    ]


def saying(point: Point, text: str) -> Point:
    return replace(point, chunk=replace(point.chunk, text=text))


async def publish(folder: Path, points: Sequence[Point], removed: Sequence[UUID] = ()) -> None:
    async with EdgeIndexWriter(folder).publication(MODEL) as publication:
        await publication.remove_documents(removed)
        await publication.upsert(points)


@pytest.fixture(scope="module")
async def large_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index that is just large enough for a graph, with the canary in it."""
    folder = tmp_path_factory.mktemp("large") / "index"
    points = drawn(0, GRAPH_FROM_POINTS + 1000)
    await publish(folder, [saying(points[0], CANARY), *points[1:]])
    return folder


@pytest.fixture
def large(large_library: Path, tmp_path: Path) -> Path:
    copy_sparse(large_library, tmp_path / "index")
    return tmp_path / "index"


def graphs(folder: Path) -> dict[str, int]:
    """The segments of the current generation that have a graph, each with a checksum of it."""
    generation = Generations(folder).current()
    assert generation is not None
    return {
        file.relative_to(generation).parts[1]: zlib.crc32(file.read_bytes())
        for file in generation.glob(f"segments/*/vector_index-{edge_shard.DENSE}/links*")
    }


def holding(folder: Path, text: str) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file() and text.encode() in file.read_bytes())


async def test_a_small_change_leaves_the_graph_of_a_large_library_as_it_is(large: Path) -> None:
    before = graphs(large)
    assert len(before) == 1
    changed = [saying(point, "changed") for point in drawn(500, 5)]
    await publish(large, [*changed, *document(30_000)], removed=[UUID(int=10**9 + 3)])
    assert graphs(large) == before
    index = EdgeIndex(large)
    for point in (*changed, *document(30_000)):
        found = await index.search(MODEL, point.dense, point.sparse, Scope(), 1)
        assert found.dense[0].chunk == point.chunk
    assert await index.count(Scope()) == GRAPH_FROM_POINTS + 1000 - 100 + 5
    await index.close()


async def test_what_is_published_gets_a_graph_of_its_own_when_there_is_enough_of_it(large: Path) -> None:
    before = graphs(large)
    await publish(large, drawn(50_000, GRAPH_FROM_POINTS - 500))
    assert graphs(large) == before
    await publish(large, drawn(90_000, 1000))
    assert len(graphs(large)) == 2
    assert graphs(large).items() > before.items()


async def test_a_segment_is_rewritten_when_a_fifth_of_it_was_removed(large: Path) -> None:
    before = graphs(large)
    tenth = [UUID(int=10**9 + number) for number in range(21)]
    await publish(large, [], removed=tenth)
    assert graphs(large) == before
    await publish(large, [], removed=[UUID(int=10**9 + number) for number in range(21, 50)])
    assert not graphs(large).keys() & before.keys()
    assert not list(holding(Generations(large).current() or large, "Lindqvist"))


async def test_many_small_publications_do_not_make_the_index_grow(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    await publish(folder, [point for number in range(100) for point in document(number)])
    sizes = []
    for number in range(12):
        fresh = [saying(point, f"{number} " * 300) for point in document(number % 4)]
        await publish(folder, fresh[:3], removed=[UUID(int=50 + number % 4)])
        await publish(folder, document(50 + number % 4))
        sizes.append(occupied(folder))
    assert max(sizes[4:]) < 1.1 * sizes[3]
    index = EdgeIndex(folder)
    assert await index.count(Scope()) == 100 * CHUNKS_A_DOCUMENT
    await index.close()


@pytest.mark.parametrize("way", ["removed", "replaced"])
async def test_a_purge_leaves_no_byte_of_a_removed_sentence(tmp_path: Path, way: str) -> None:
    folder = tmp_path / "index"
    secret = [saying(point, CANARY) for point in document(7)]
    await publish(folder, [*document(1), *secret, *document(2)])
    if way == "replaced":
        await publish(folder, document(7))
    else:
        await publish(folder, [], removed=[UUID(int=7)])
    assert list(holding(folder, CANARY))
    await EdgeIndexWriter(folder).purge()
    assert not list(holding(folder, "Lindqvist"))
    assert len(list((folder / "generations").iterdir())) == 1
    index = EdgeIndex(folder)
    assert (await index.passages(UUID(int=2), 0, 9)) == [point.chunk for point in document(2)]
    await index.close()


async def test_a_purge_reaches_into_a_segment_with_a_graph_and_no_further(large: Path) -> None:
    old = graphs(large)
    await publish(large, drawn(50_000, GRAPH_FROM_POINTS + 100))
    untouched = graphs(large).items() - old.items()
    assert len(untouched) == 1
    await publish(large, [], removed=[UUID(int=10**9)])
    assert list(holding(large, "Lindqvist"))
    await EdgeIndexWriter(large).purge()
    assert not list(holding(large, "Lindqvist"))
    assert graphs(large).items() >= untouched
    assert not graphs(large).keys() & old.keys()
    index = EdgeIndex(large)
    assert await index.count(Scope()) == 2 * GRAPH_FROM_POINTS + 1000
    await index.close()


async def test_a_library_of_which_nothing_is_left_is_purged_too(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    await publish(folder, [saying(point, CANARY) for point in document(7)])
    await publish(folder, [], removed=[UUID(int=7)])
    await EdgeIndexWriter(folder).purge()
    assert not list(holding(folder, "Lindqvist"))
    await publish(folder, document(1))
    index = EdgeIndex(folder)
    assert await index.count(Scope()) == CHUNKS_A_DOCUMENT
    await index.close()
