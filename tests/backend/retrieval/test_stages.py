"""The pure stages of retrieval."""

from uuid import UUID

import pytest

from backend.knowledge.models import Candidates, Chunk, Hit
from backend.retrieval.diversify import diversify
from backend.retrieval.fuse import RRF_K, fuse
from backend.retrieval.rewrite import standalone


def hit(number: int, score: float = 1.0, document: int = 0) -> Hit:
    chunk = Chunk(UUID(int=number), UUID(int=document or number), "ana", 0, "text", 0, 4)
    return Hit(chunk, score)


def numbers(hits: list[Hit]) -> list[int]:
    return [hit.chunk.id.int for hit in hits]


def test_a_chunk_that_both_searches_found_comes_before_one_that_only_one_found() -> None:
    fused = fuse(Candidates(dense=(hit(1), hit(2)), lexical=(hit(3), hit(2))))
    assert numbers(fused) == [2, 1, 3]
    assert fused[0].score == pytest.approx(2 / (RRF_K + 2))
    assert fused[1].score == fused[2].score == pytest.approx(1 / (RRF_K + 1))


def test_ties_are_broken_by_id_whatever_the_order_of_the_searches() -> None:
    one = Candidates(dense=(hit(9),), lexical=(hit(4),))
    other = Candidates(dense=(hit(4),), lexical=(hit(9),))
    assert numbers(fuse(one)) == numbers(fuse(other)) == [4, 9]


def test_nothing_found_is_nothing_fused() -> None:
    assert fuse(Candidates((), ())) == []


def test_one_document_does_not_crowd_out_the_others() -> None:
    hits = [hit(number, 10 - number, document=100 if number <= 4 else 0) for number in range(1, 8)]
    assert numbers(diversify(hits, 4)) == [1, 2, 5, 6]


def test_places_that_nobody_else_wants_go_to_the_rest_of_the_same_document() -> None:
    hits = [hit(number, 10 - number, document=100) for number in range(1, 5)] + [hit(9, 1)]
    assert numbers(diversify(hits, 4)) == [1, 2, 3, 9]


@pytest.mark.parametrize(
    "query",
    ["And for a podcast?", "How far away from it?", "Why?", "What about headphones?", "Tell me more", "tell me"],
)
def test_a_question_that_leans_on_the_conversation_is_searched_with_the_last_one(query: str) -> None:
    earlier = ["What is a compressor?", "Which microphone should I buy?"]
    assert standalone(query, earlier) == f"Which microphone should I buy? {query}"


@pytest.mark.parametrize(
    "query",
    ["Do I need acoustic treatment?", "Which sample rate should I record at?", "How loud should my master be?"],
)
def test_a_question_that_stands_on_its_own_is_left_alone(query: str) -> None:
    assert standalone(query, ["Which microphone should I buy?"]) == query


def test_a_first_question_is_left_alone_however_it_leans() -> None:
    assert standalone("And for it?", []) == "And for it?"
