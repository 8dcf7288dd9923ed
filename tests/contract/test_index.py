"""What every engine promises of a search, checked against BM25 and cosine written out by hand."""

import asyncio
from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest

from backend.knowledge.embedder import Embedder
from backend.knowledge.models import Point, Scope, SparseVector
from tests.contract.engines import Engine
from tests.contract.points import LEXICON, MODEL, SCOPES, assert_answers_like, make_point, publish

pytestmark = pytest.mark.filterwarnings("ignore:Local mode performs", "ignore:Payload indexes have no effect")


async def test_both_searches_give_the_candidates_and_scores_that_the_formulas_give(
    engine: Engine, points: list[Point], embedder: Embedder
) -> None:
    await publish(engine, points)
    await assert_answers_like(engine, points, embedder)


async def test_a_chunk_comes_back_as_it_was_published(engine: Engine, points: list[Point]) -> None:
    await publish(engine, points)
    for point in points[:12]:
        found = await engine.index.search(MODEL, point.dense, point.sparse, Scope(), 1)
        assert found.dense[0].chunk == point.chunk
        assert found.dense[0].score == pytest.approx(1)


async def test_an_index_without_a_publication_is_ready_and_empty(engine: Engine, points: list[Point]) -> None:
    found = await engine.index.search(MODEL, points[0].dense, points[0].sparse, Scope(creator="ana"), 5)
    assert (found.dense, found.lexical) == ((), ())
    assert await engine.index.count(Scope()) == 0
    assert await engine.index.ready()


async def test_removing_from_an_empty_index_is_no_error(engine: Engine) -> None:
    await publish(engine, [], removed=[UUID(int=5)])
    assert await engine.index.count(Scope()) == 0


async def test_an_open_reader_sees_every_publication(engine: Engine, points: list[Point], embedder: Embedder) -> None:
    assert await engine.index.count(Scope()) == 0
    for end in (80, 90, 200):
        await publish(engine, points[:end])
        await assert_answers_like(engine, points[:end], embedder, scopes=SCOPES[:2])


async def test_removed_documents_leave_no_trace_in_candidates_or_scores(
    engine: Engine, points: list[Point], embedder: Embedder
) -> None:
    await publish(engine, points)
    gone = [UUID(int=1000), UUID(int=1007), UUID(int=4)]
    await publish(engine, [], removed=gone)
    await assert_answers_like(engine, [point for point in points if point.chunk.document_id not in gone], embedder)


async def test_the_chunks_of_each_document_are_counted(engine: Engine, points: list[Point]) -> None:
    assert await engine.index.held() == {}
    await publish(engine, points)
    counted = Counter(point.chunk.document_id for point in points)
    assert await engine.index.held() == counted
    gone = points[0].chunk.document_id
    await publish(engine, [], removed=[gone])
    del counted[gone]
    assert await engine.index.held() == counted


async def test_a_point_is_replaced_by_its_chunk_id(engine: Engine, points: list[Point], embedder: Embedder) -> None:
    await publish(engine, points)
    text = "a theremin in a cathedral"
    changed = make_point(17, text, embedder.embed([text])[0])
    await publish(engine, [changed])
    await assert_answers_like(engine, [*points[:17], changed, *points[18:]], embedder)
    found = await engine.index.search(MODEL, changed.dense, LEXICON.query("theremin"), Scope(), 3)
    assert found.dense[0].chunk == found.lexical[0].chunk == changed.chunk


async def test_a_document_can_be_replaced_within_one_publication(engine: Engine, points: list[Point]) -> None:
    await publish(engine, points)
    fresh = replace(points[3], chunk=replace(points[3].chunk, id=UUID(int=999)))
    await publish(engine, [fresh], removed=[points[3].chunk.document_id])
    assert await engine.index.count(Scope()) == 191
    found = await engine.index.search(MODEL, fresh.dense, fresh.sparse, Scope(), 1)
    assert found.dense[0].chunk == fresh.chunk


async def test_equal_scores_are_ordered_by_chunk_id(engine: Engine, points: list[Point]) -> None:
    same = [replace(points[0], chunk=replace(points[0].chunk, id=UUID(int=number))) for number in (42, 7, 99, 1, 58)]
    await publish(engine, same)
    found = await engine.index.search(MODEL, points[0].dense, points[0].sparse, Scope(), 10)
    for hits in (found.dense, found.lexical):
        assert [hit.chunk.id.int for hit in hits] == [1, 7, 42, 58, 99]


async def test_a_question_of_stop_words_alone_has_dense_candidates_only(engine: Engine, points: list[Point]) -> None:
    await publish(engine, points)
    asked = LEXICON.query("what is it"), Scope(), 5
    for begun in (None, await engine.index.lexical(*asked)):
        found = await engine.index.search(MODEL, points[0].dense, *asked, begun)
        assert len(found.dense) == 5
        assert found.lexical == ()


async def test_a_passage_without_terms_can_be_published_and_found(engine: Engine, points: list[Point]) -> None:
    silent = replace(points[0], sparse=SparseVector((), ()))
    await publish(engine, [silent])
    found = await engine.index.search(MODEL, silent.dense, points[0].sparse, Scope(), 5)
    assert [hit.chunk for hit in found.dense] == [silent.chunk]
    assert found.lexical == ()


async def test_many_readers_at_once_get_their_own_answers(engine: Engine, points: list[Point]) -> None:
    await publish(engine, points)
    answers = await asyncio.gather(*(engine.index.search(MODEL, p.dense, p.sparse, Scope(), 1) for p in points[:40]))
    assert [answer.dense[0].chunk.id for answer in answers] == [point.chunk.id for point in points[:40]]
