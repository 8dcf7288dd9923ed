"""The pure stages of retrieval."""

import math
from uuid import UUID

import pytest

from backend.knowledge.models import Candidates, Chunk, Hit
from backend.retrieval.diversify import diversify
from backend.retrieval.fuse import fuse
from backend.retrieval.rewrite import standalone


def hit(number: int, score: float = 1.0, document: int = 0) -> Hit:
    chunk = Chunk(UUID(int=number), UUID(int=document or number), "ana", 0, "text", 0, 4)
    return Hit(chunk, score)


def numbers(hits: list[Hit]) -> list[int]:
    return [hit.chunk.id.int for hit in hits]


def test_the_order_is_that_of_both_standard_scores() -> None:
    """Cosines 0.9, 0.5, 0.4 have the mean 0.6 and deviation 0.216; weights 0, 6, 12 the mean 6 and deviation 4.9."""
    fused = fuse(Candidates(dense=(hit(1, 0.9), hit(2, 0.5), hit(3, 0.4)), lexical=(hit(3, 12.0), hit(2, 6.0))))
    sums = {1: 0.6 * 1.3887 + 0.4 * -1.2247, 2: 0.6 * -0.4629, 3: 0.6 * -0.9258 + 0.4 * 1.2247}
    assert numbers(fused) == [1, 3, 2]
    assert {found.chunk.id.int: found.score for found in fused} == pytest.approx(
        {number: 1 / (1 + math.exp(-value)) for number, value in sums.items()}, abs=1e-4
    )


def test_how_much_better_counts_and_not_only_which_is_better() -> None:
    dense = (hit(1, 0.80), hit(2, 0.79), hit(3, 0.20))
    assert numbers(fuse(Candidates(dense, (hit(2, 9.0), hit(1, 1.0), hit(3, 0.5)))))[0] == 2
    assert numbers(fuse(Candidates(dense, (hit(2, 9.0), hit(1, 8.9), hit(3, 0.5)))))[0] == 1


def test_where_one_search_says_nothing_the_other_decides() -> None:
    assert numbers(fuse(Candidates((hit(1, 0.4), hit(2, 0.6)), ()))) == [2, 1]
    assert numbers(fuse(Candidates((hit(1, 0.5), hit(2, 0.5)), (hit(2, 3.0),)))) == [2, 1]
    assert [found.score for found in fuse(Candidates((hit(1, 0.5),), (hit(1, 3.0),)))] == [0.5]


def test_ties_are_broken_by_id_whatever_the_order_of_the_searches() -> None:
    one = Candidates(dense=(hit(9), hit(4)), lexical=(hit(4), hit(9)))
    other = Candidates(dense=(hit(4), hit(9)), lexical=(hit(9), hit(4)))
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
def test_a_question_that_leans_on_the_conversation_is_lent_what_it_is_about(query: str) -> None:
    earlier = ["What is a compressor?", "Which microphone should I buy?"]
    assert standalone(query, earlier) == f"{query} (microphone buy compressor)"


def test_what_a_question_says_itself_is_not_lent_and_no_more_than_three_words_are() -> None:
    earlier = ["How do I record an acoustic guitar with two microphones in stereo?"]
    assert standalone("And what about guitars?", earlier) == "And what about guitars? (record acoustic two)"
    assert standalone("Why?", ["And how?"]) == "Why?"


@pytest.mark.parametrize(
    "query",
    ["Do I need acoustic treatment?", "Which sample rate should I record at?", "How loud should my master be?"],
)
def test_a_question_that_stands_on_its_own_is_left_alone(query: str) -> None:
    assert standalone(query, ["Which microphone should I buy?"]) == query


def test_a_first_question_is_left_alone_however_it_leans() -> None:
    assert standalone("And for it?", []) == "And for it?"
