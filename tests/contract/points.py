"""What the contract is checked with: points with real vectors, and BM25 and cosine written out by hand."""

import math
import random
from collections.abc import Sequence
from uuid import UUID

import numpy as np
import pytest

from backend.knowledge.embedder import Embedder
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.models import Candidates, Chunk, EmbeddingModel, Point, Scope, SparseVector
from tests.contract.engines import Engine

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
    Scope(among=frozenset(["ana", "cleo"])),
    Scope(topic="mixing", among=frozenset(["ben", "nobody"])),
    Scope(excluded=frozenset(UUID(int=1000 + number) for number in range(5))),
    Scope(creator="cleo", excluded=frozenset([UUID(int=1002)])),
)
LEXICON = LexicalEncoder()
MODEL = EmbeddingModel("embedded", "all-MiniLM-L6-v2-test", 384)


def draw_points(embedder: Embedder) -> list[Point]:
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
        and (scope.among is None or point.chunk.creator in scope.among)
        and (scope.topic is None or scope.topic in point.chunk.topics)
        and point.chunk.document_id not in scope.excluded
    ]


def best(scores: dict[UUID, float], limit: int) -> list[tuple[UUID, float]]:
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:limit]


def by_cosine(points: Sequence[Point], dense: Sequence[float]) -> dict[UUID, float]:
    return {point.chunk.id: float(np.dot(point.dense, dense)) for point in points}


def by_bm25(points: Sequence[Point], query: SparseVector) -> dict[UUID, float]:
    weights = {point.chunk.id: dict(zip(point.sparse.indices, point.sparse.values, strict=True)) for point in points}
    scores: dict[UUID, float] = {}
    for term, weight in zip(query.indices, query.values, strict=True):
        found = sum(term in passage for passage in weights.values())
        idf = math.log((len(points) - found + 0.5) / (found + 0.5) + 1)
        for chunk_id, passage in weights.items():
            if term in passage:
                scores[chunk_id] = scores.get(chunk_id, 0) + weight * idf * passage[term]
    return scores


async def publish(engine: Engine, points: Sequence[Point], removed: Sequence[UUID] = ()) -> None:
    async with engine.writer.publication(MODEL) as publication:
        await publication.remove_documents(removed)
        await publication.upsert(points)


async def assert_answers_like(engine: Engine, points: Sequence[Point], embedder: Embedder, scopes=SCOPES) -> None:
    for question in QUESTIONS:
        dense = [float(value) for value in embedder.embed_queries([question])[0]]
        sparse = LEXICON.query(question)
        for scope in scopes:
            begun = await engine.index.lexical(sparse, scope, 20)
            within = inside(points, scope)
            for half in [None, begun] if begun else [None]:
                found = await engine.index.search(MODEL, dense, sparse, scope, 20, half)
                assert_found(found, by_cosine(within, dense), by_bm25(within, sparse))
            assert await engine.index.count(scope) == len(within)


def assert_found(found: Candidates, cosines: dict[UUID, float], weights: dict[UUID, float]) -> None:
    wanted: set[UUID] = set()
    for hits, scores in ((found.dense, cosines), (found.lexical, weights)):
        expected = best(scores, 20)
        # Which of several equal ones is the last within the limit is the engine's own choice.
        clear = [identity for identity, score in expected if score > expected[-1][1] + 1e-4]
        first = [hit.chunk.id for hit in hits[: len(clear)]]
        assert set(first) == set(clear)
        # An engine adds up in its own order: which of two that differ by rounding alone is first is its choice.
        assert [scores[identity] for identity in first] == pytest.approx(
            [scores[identity] for identity in clear], abs=1e-4
        )
        wanted.update(clear)
    identities = {hit.chunk.id for hit in found.dense}
    assert wanted <= identities
    assert len(identities) == len(found.dense) <= 40
    assert {hit.chunk.id for hit in found.lexical} == identities & weights.keys()
    for hits, scores in ((found.dense, cosines), (found.lexical, weights)):
        assert [hit.score for hit in hits] == pytest.approx([scores[hit.chunk.id] for hit in hits], abs=1e-4)
        assert list(hits) == sorted(hits, key=lambda hit: (-hit.score, hit.chunk.id))
