"""What every engine promises of the index, checked against BM25 and cosine written out by hand."""

import asyncio
import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from backend.errors import ConfigurationError
from backend.knowledge.embedder import Embedder
from backend.knowledge.export import exported_model
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.models import Chunk, EmbeddingModel, Point, Scope, SparseVector
from backend.settings import load
from tests.contract.conftest import Engine

pytestmark = pytest.mark.filterwarnings("ignore:Local mode performs", "ignore:Payload indexes have no effect")

WORDS = (
    "microphone room singer guitar amplifier cable drum snare kick reverb delay echo compressor threshold ratio attack "
    "release limiter loudness master mix bus equaliser filter shelf notch bass treble midrange noise hum hiss ground "
    "phase stereo mono width pan headphone monitor speaker tweeter woofer booth foam panel diffuser wood concrete "
    "field recorder wind rain bird engine radio voice breath plosive sibilance tape vinyl sample loop synth oscillator "
    "envelope arpeggio chord melody rhythm tempo click session take edit fade crossfade archive backup"
).split()
QUESTIONS = (
    "How do I keep the room out of a singer's microphone?",
    "compressor attack and release",
    "bird engine tape",
)
SCOPES = (
    Scope(),
    Scope(creator="ana"),
    Scope(topic="mixing"),
    Scope(creator="ben", topic="rooms"),
    Scope(excluded=frozenset(UUID(int=1000 + number) for number in range(5))),
    Scope(creator="cleo", excluded=frozenset([UUID(int=1002)])),
)
LEXICON = LexicalEncoder()
MODEL = EmbeddingModel("embedded", "all-MiniLM-L6-v2-test", 384)


@pytest.fixture(scope="session")
def embedder(model_cache: Path) -> Embedder:
    folder = exported_model(load(data_dir=model_cache))
    assert folder is not None
    return Embedder.load(folder)


@pytest.fixture(scope="session")
def points(embedder: Embedder) -> list[Point]:
    """200 chunks of 20 documents by 3 creators, with real vectors and weights."""
    chance = random.Random(7)
    texts = [" ".join(chance.choices(WORDS, k=chance.randint(8, 40))) for _ in range(200)]
    vectors = embedder.embed(texts)
    return [make_point(number, text, vector) for number, (text, vector) in enumerate(zip(texts, vectors, strict=True))]


def make_point(number: int, text: str, vector: np.ndarray) -> Point:
    chunk = Chunk(
        id=UUID(int=number + 1),
        document_id=UUID(int=1000 + number // 10),
        creator=("ana", "ben", "cleo")[number // 10 % 3],
        ordinal=number % 10,
        text=text,
        char_start=0,
        char_end=len(text),
        topics=(("mixing",), ("rooms", "mixing"), ("rooms",), ())[number % 4],
        heading="Setup > Raum 音響" if number % 2 else None,
        start_s=number * 1.5 if number % 3 else None,
        end_s=number * 1.5 + 9.25 if number % 3 else None,
        speaker="Ana" if number % 5 else None,
        page=number if number % 7 else None,
    )
    return Point(chunk, tuple(float(value) for value in vector), LEXICON.passage(text))


def inside(points: Sequence[Point], scope: Scope) -> list[Point]:
    return [
        point
        for point in points
        if scope.creator in (None, point.chunk.creator)
        and (scope.topic is None or scope.topic in point.chunk.topics)
        and point.chunk.document_id not in scope.excluded
    ]


def best(scores: dict[UUID, float], limit: int) -> list[tuple[UUID, float]]:
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:limit]


def by_cosine(points: Sequence[Point], dense: Sequence[float], limit: int) -> list[tuple[UUID, float]]:
    return best({point.chunk.id: float(np.dot(point.dense, dense)) for point in points}, limit)


def by_bm25(points: Sequence[Point], query: SparseVector, limit: int) -> list[tuple[UUID, float]]:
    weights = {point.chunk.id: dict(zip(point.sparse.indices, point.sparse.values, strict=True)) for point in points}
    scores: dict[UUID, float] = {}
    for term, weight in zip(query.indices, query.values, strict=True):
        found = sum(term in passage for passage in weights.values())
        idf = math.log((len(points) - found + 0.5) / (found + 0.5) + 1)
        for chunk_id, passage in weights.items():
            if term in passage:
                scores[chunk_id] = scores.get(chunk_id, 0) + weight * idf * passage[term]
    return best(scores, limit)


async def publish(engine: Engine, points: Sequence[Point], removed: Sequence[UUID] = ()) -> None:
    async with engine.writer.publication(MODEL) as publication:
        await publication.remove_documents(removed)
        await publication.upsert(points)


async def assert_answers_like(engine: Engine, points: Sequence[Point], embedder: Embedder, scopes=SCOPES) -> None:
    for question in QUESTIONS:
        dense = [float(value) for value in embedder.embed_queries([question])[0]]
        sparse = LEXICON.query(question)
        for scope in scopes:
            found = await engine.index.search(MODEL, dense, sparse, scope, 20)
            within = inside(points, scope)
            for hits, expected in (
                (found.dense, by_cosine(within, dense, 20)),
                (found.lexical, by_bm25(within, sparse, 20)),
            ):
                # Which of several equal ones is the last within the limit is the engine's own choice.
                clear = sum(score > expected[-1][1] + 1e-4 for _, score in expected)
                assert [hit.chunk.id for hit in hits[:clear]] == [chunk_id for chunk_id, _ in expected[:clear]]
                assert [hit.score for hit in hits] == pytest.approx([score for _, score in expected], abs=1e-4)
            assert await engine.index.count(scope) == len(within)


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
    found = await engine.index.search(MODEL, points[0].dense, LEXICON.query("what is it"), Scope(), 5)
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


async def test_vectors_of_another_model_are_refused_with_a_sentence(engine: Engine, points: list[Point]) -> None:
    await publish(engine, points[:5])
    other = EmbeddingModel("other/model", "model-0123", 384)
    with pytest.raises(ConfigurationError, match="made with the model embedded, and other/model is configured"):
        async with engine.writer.publication(other):
            raise AssertionError("the vectors of two models do not mix")
    assert await engine.index.count(Scope()) == 5
    assert await engine.index.model() == MODEL
