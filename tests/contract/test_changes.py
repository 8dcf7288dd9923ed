"""What every engine promises of changes: replacing, rebuilding, purging, and by which model the vectors are."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from backend.errors import ConfigurationError
from backend.knowledge.embedder import Embedder
from backend.knowledge.index import ModelChanged
from backend.knowledge.models import EmbeddingModel, Point, Scope
from tests.contract.engines import Engine
from tests.contract.points import MODEL, assert_answers_like, publish

pytestmark = pytest.mark.filterwarnings("ignore:Local mode performs", "ignore:Payload indexes have no effect")

OTHER = EmbeddingModel("someone/small-model", "small-model-0123", 16)


def of_other_model(points: Sequence[Point]) -> list[Point]:
    return [replace(point, dense=tuple(float(number == index % 16) for number in range(16)))
            for index, point in enumerate(points)]  # fmt: skip


async def scanned(engine: Engine) -> dict[UUID, Point]:
    found = [point async for batch in engine.index.scan() for point in batch]
    assert len({point.chunk.id for point in found}) == len(found)
    return {point.chunk.id: point for point in found}


async def test_passages_of_a_document_come_in_their_order_and_only_those_asked_for(
    engine: Engine, points: list[Point]
) -> None:
    await publish(engine, points[::-1])
    wanted = [point.chunk for point in points if point.chunk.document_id == UUID(int=1003)]
    assert await engine.index.passages(UUID(int=1003), 0, 10**9) == wanted
    assert await engine.index.passages(UUID(int=1003), 4, 6) == wanted[4:7]
    assert await engine.index.passages(UUID(int=1003), -3, 0) == wanted[:1]
    assert await engine.index.passages(UUID(int=1003), 10, 20) == []
    assert await engine.index.passages(UUID(int=7), 0, 10**9) == []


async def test_a_document_of_many_passages_is_read_whole(engine: Engine, points: list[Point]) -> None:
    many = [replace(points[0], chunk=replace(points[0].chunk, id=UUID(int=n + 1), ordinal=n)) for n in range(600)]
    await publish(engine, many)
    assert await engine.index.passages(points[0].chunk.document_id, 0, 10**9) == [point.chunk for point in many]


async def test_an_empty_index_has_no_passages_no_points_and_no_model(engine: Engine) -> None:
    assert await engine.index.passages(UUID(int=1003), 0, 10) == []
    assert await scanned(engine) == {}
    assert await engine.index.model() is None
    await engine.writer.purge()
    assert await engine.index.count(Scope()) == 0


async def test_a_scan_gives_back_every_point_with_its_vectors(engine: Engine, points: list[Point]) -> None:
    many = [*points, *(replace(p, chunk=replace(p.chunk, id=UUID(int=p.chunk.id.int + 500))) for p in points)]
    await publish(engine, many)
    found = await scanned(engine)
    assert {point.chunk.id: point.chunk for point in many} == {name: point.chunk for name, point in found.items()}
    for point in many:
        assert found[point.chunk.id].dense == pytest.approx(point.dense, abs=1e-6)
        weights = dict(zip(point.sparse.indices, point.sparse.values, strict=True))
        sparse = found[point.chunk.id].sparse
        assert dict(zip(sparse.indices, sparse.values, strict=True)) == pytest.approx(weights)


async def test_a_document_is_replaced_by_its_new_chunks_and_the_retained_ones(
    engine: Engine, points: list[Point], embedder: Embedder
) -> None:
    await publish(engine, points)
    document = points[30].chunk.document_id
    fresh = replace(points[31], chunk=replace(points[31].chunk, id=UUID(int=777), ordinal=10))
    async with engine.writer.publication(MODEL) as publication:
        await publication.upsert([fresh])
        await publication.retain(document, [points[30].chunk.id, fresh.chunk.id])
    assert await engine.index.passages(document, 0, 100) == [points[30].chunk, fresh.chunk]
    await assert_answers_like(engine, [*points[:31], fresh, *points[40:]], embedder)


async def test_retaining_nothing_takes_the_document_out_and_an_unknown_one_is_no_error(
    engine: Engine, points: list[Point]
) -> None:
    await publish(engine, points)
    async with engine.writer.publication() as publication:
        await publication.retain(UUID(int=1003), [])
        await publication.retain(UUID(int=5), [points[0].chunk.id])
    assert await engine.index.count(Scope()) == 190
    assert await engine.index.passages(UUID(int=1003), 0, 100) == []


async def test_a_rebuilt_index_holds_what_was_written_and_nothing_of_before(
    engine: Engine, points: list[Point], embedder: Embedder
) -> None:
    await publish(engine, points[:120])
    async with engine.writer.rebuild(MODEL) as publication:
        await publication.upsert(points[100:150])
        await publication.upsert(points[150:])
        await publication.remove_documents([points[199].chunk.document_id])
        assert await engine.index.count(Scope()) == 120
        await assert_answers_like(engine, points[:120], embedder)
    await assert_answers_like(engine, points[100:190], embedder)


async def test_a_rebuild_with_another_model_of_another_dimension_takes_over_in_one_step(
    engine: Engine, points: list[Point]
) -> None:
    await publish(engine, points)
    others = of_other_model(points)
    for _ in range(2):
        async with engine.writer.rebuild(OTHER) as publication:
            await publication.upsert(others)
    assert await engine.index.model() == OTHER
    with pytest.raises(ModelChanged):
        await engine.index.search(MODEL, points[0].dense, points[0].sparse, Scope(), 5)
    found = await engine.index.search(OTHER, others[3].dense, others[3].sparse, Scope(), 1)
    assert found.dense[0].score == pytest.approx(1)
    async with engine.writer.publication(OTHER) as publication:
        await publication.remove_documents([UUID(int=1000)])
    assert await engine.index.count(Scope()) == 190


async def test_a_question_on_its_way_during_a_rebuild_is_told_that_the_model_changed(
    engine: Engine, points: list[Point]
) -> None:
    await publish(engine, points)
    async with engine.writer.rebuild(OTHER) as publication:
        await publication.upsert(of_other_model(points))
        assert await engine.index.model() == MODEL
        found = await engine.index.search(MODEL, points[0].dense, points[0].sparse, Scope(), 5)
        assert found.dense[0].chunk == points[0].chunk
    with pytest.raises(ModelChanged):
        await engine.index.search(MODEL, points[0].dense, points[0].sparse, Scope(), 5)


async def test_a_search_that_began_before_a_rebuild_gives_nothing_of_before(
    engine: Engine, points: list[Point]
) -> None:
    await publish(engine, points)
    asked = (points[0].dense, points[0].sparse, Scope(), 5)
    begun = await engine.index.lexical(*asked[1:])
    if begun is None:
        pytest.skip("no search is made in two halves here")
    assert points[0].chunk in {hit.chunk for hit in begun.hits}
    corrected = replace(points[0].chunk, text="What it says now.")
    async with engine.writer.rebuild(MODEL) as publication:
        await publication.upsert([replace(points[0], chunk=corrected), *points[1:]])
    found = await engine.index.search(MODEL, *asked, begun)
    for hits in (found.dense, found.lexical):
        assert corrected in {hit.chunk for hit in hits}
        assert points[0].chunk not in {hit.chunk for hit in hits}


async def test_a_rebuild_that_fails_leaves_the_index_as_it_was(engine: Engine, points: list[Point]) -> None:
    await publish(engine, points)

    async def fail() -> None:
        async with engine.writer.rebuild(OTHER) as publication:
            await publication.upsert(of_other_model(points))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await engine.index.model() == MODEL
    assert await engine.index.count(Scope()) == 200
    await publish(engine, points[:1])


async def test_a_rebuild_of_an_index_that_does_not_exist_yet_makes_it(engine: Engine, points: list[Point]) -> None:
    async with engine.writer.rebuild(MODEL) as publication:
        await publication.upsert(points[:10])
    assert await engine.index.count(Scope()) == 10
    assert await engine.index.model() == MODEL


async def test_vectors_of_another_model_are_refused_with_a_sentence(engine: Engine, points: list[Point]) -> None:
    await publish(engine, points[:5])
    with pytest.raises(ConfigurationError, match="the model embedded, and someone/small-model is configured"):
        async with engine.writer.publication(OTHER):
            raise AssertionError("the vectors of two models do not mix")
    assert await engine.index.count(Scope()) == 5
    assert await engine.index.model() == MODEL


async def test_an_index_that_was_emptied_takes_any_model(engine: Engine, points: list[Point]) -> None:
    await publish(engine, points[:10])
    await publish(engine, [], removed=[points[0].chunk.document_id])
    assert await engine.index.model() is None
    await publish_other(engine, points[:10])
    assert await engine.index.model() == OTHER
    assert await engine.index.count(Scope()) == 10


async def publish_other(engine: Engine, points: Sequence[Point]) -> None:
    async with engine.writer.publication(OTHER) as publication:
        await publication.upsert(of_other_model(points))


async def test_a_purge_changes_no_answer(engine: Engine, points: list[Point], embedder: Embedder) -> None:
    await publish(engine, points)
    await publish(engine, [], removed=[UUID(int=1000), UUID(int=1007)])
    await engine.writer.purge()
    left = [point for point in points if point.chunk.document_id not in (UUID(int=1000), UUID(int=1007))]
    await assert_answers_like(engine, left, embedder)
    assert (await scanned(engine)).keys() == {point.chunk.id for point in left}
    await publish(engine, points)
    await assert_answers_like(engine, points, embedder)
