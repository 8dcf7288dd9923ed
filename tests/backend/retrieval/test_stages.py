"""The pure stages of retrieval."""

import math
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from backend.knowledge.models import Candidates, Chunk, Hit
from backend.retrieval.diversify import diversify
from backend.retrieval.fuse import fuse, standard
from backend.retrieval.join import join
from backend.retrieval.rewrite import standalone
from backend.retrieval.widen import Reach, nearness, reaches


def hit(number: int, score: float = 1.0, document: int = 0) -> Hit:
    chunk = Chunk(UUID(int=number), UUID(int=document or number), "ana", 0, f"text {number}", 0, 6)
    return Hit(chunk, score)


def numbers(hits: list[Hit]) -> list[int]:
    return [hit.chunk.id.int for hit in hits]


def test_the_order_is_that_of_both_standard_scores() -> None:
    """Cosines 0.9, 0.5, 0.4 have the mean 0.6 and deviation 0.216; weights 0, 6, 12 the mean 6 and deviation 4.9."""
    fused = fuse(Candidates(dense=(hit(1, 0.9), hit(2, 0.5), hit(3, 0.4)), lexical=(hit(3, 12.0), hit(2, 6.0))))
    standard = {1: (1.3887, -1.2247), 2: (-0.4629, 0.0), 3: (-0.9258, 1.2247)}
    sums = {number: 0.6 * math.exp(0.3 * c) + 0.4 * math.exp(0.3 * b) for number, (c, b) in standard.items()}
    assert numbers(fused) == [1, 3, 2]
    assert {found.chunk.id.int: found.score for found in fused} == pytest.approx(
        {number: value / (1 + value) for number, value in sums.items()}, abs=1e-4
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
    hits = [hit(number, 1 - number / 100, document=100 if number <= 4 else 0) for number in range(1, 8)]
    assert numbers(diversify(hits, 4)) == [1, 2, 5, 6]


def test_a_document_that_says_far_more_of_it_than_the_others_is_offered_more_often() -> None:
    hits = [hit(number, score, document=100) for number, score in enumerate((0.8, 0.75, 0.7, 0.65, 0.64), start=1)]
    others = [hit(9, 0.56), hit(8, 0.5), hit(7, 0.49)]
    offered = diversify([*hits, *others], 6)
    assert numbers(offered) == [1, 2, 3, 9, 4, 8]
    scores = [one.score for one in offered]
    assert scores == sorted(scores, reverse=True)


def test_places_that_nobody_else_wants_go_to_the_rest_of_the_same_document() -> None:
    hits = [hit(number, 1 - number / 10, document=100) for number in range(1, 5)] + [hit(9, 0.6)]
    assert numbers(diversify(hits, 4)) == [1, 2, 3, 9]


def test_a_copy_of_a_better_passage_is_not_offered_again() -> None:
    text = "Close the valve before you open the tank, or the pressure will push the water back into the pipe."
    edited = text.replace("Close", "Shut")
    quoting = f"{text[:41]} is what my teacher told us on every single morning of that long and rainy summer."
    hits = [
        Hit(Chunk(UUID(int=number), UUID(int=number), "ana", 0, said, 0, len(said)), 1.0)
        for number, said in enumerate([text, edited, quoting, text, f"{text} Then wait for an hour."], start=1)
    ]
    assert numbers(diversify(hits, 5)) == [1, 3, 5]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How to record vocals", "How to record vocals is what this part of the talk is about, and it is long."),
        ("| Attack | 10 | for the drums of a song", "| Attack | 30 | for the drums of a song"),
        ("录音时话筒应该离嘴多远", "录音时话筒应该离嘴三寸"),
        (" ", "Something"),
    ],
)
def test_what_says_more_or_other_numbers_is_no_copy(one: str, other: str) -> None:
    hits = [
        Hit(Chunk(UUID(int=number), UUID(int=number), "ana", 0, said, 0, len(said)), 1.0)
        for number, said in enumerate([one, other], start=1)
    ]
    assert numbers(diversify(hits, 2)) == [1, 2]


def test_a_passage_that_gives_way_to_other_documents_does_not_take_their_copies_along() -> None:
    texts = ["one is a b c", "two is d e f", "three is g h i", "three is g h i"]
    hits = [
        Hit(Chunk(UUID(int=number), UUID(int=9 if number < 4 else 8), "ana", 0, said, 0, len(said)), 1.0)
        for number, said in enumerate(texts, start=1)
    ]
    assert numbers(diversify(hits, 3)) == [1, 2, 4]


def part(ordinal: int, score: float, document: int = 1, start: int | None = None) -> Hit:
    """Passage `ordinal` of a recording that has one of ten seconds and twenty characters after the other."""
    begin = 20 * ordinal if start is None else start
    text = f"{ordinal}".ljust(20, ".")
    heading = "Tanks > Valves" if ordinal < 7 else "Tanks > Pipes"
    chunk = Chunk(
        UUID(int=100 * document + ordinal), UUID(int=document), "ana", ordinal, text, begin, begin + 20,
        heading=heading, start_s=10.0 * ordinal, end_s=10.0 * ordinal + 9, speaker="Ana" if ordinal < 9 else "Ben",
    )  # fmt: skip
    return Hit(chunk, score)


def ordinals(hits: list[Hit]) -> list[tuple[int, int]]:
    return [(hit.chunk.document_id.int, hit.chunk.ordinal) for hit in hits]


def test_neighbours_become_one_passage_with_the_place_and_times_of_all() -> None:
    (joined,) = join([part(4, 0.9), part(3, 0.4)], near=3)
    assert joined.chunk == Chunk(
        UUID(int=104), UUID(int=1), "ana", 3, "".join(part(number, 1).chunk.text for number in (3, 4)), 60, 100,
        heading="Tanks > Valves", start_s=30.0, end_s=49.0, speaker="Ana",
    )  # fmt: skip
    assert joined.score == 0.9


def test_a_joined_conversation_is_begun_by_whoever_begins_its_first_part() -> None:
    first, second = (
        Hit(replace(hit.chunk, speaker=None, begun_by=name), hit.score)
        for hit, name in ((part(3, 0.4), "Ana"), (part(4, 0.9), "Ben"))
    )
    (joined,) = join([second, first], near=2)
    assert joined.chunk.begun_by == "Ana"


def test_a_joined_passage_stands_where_its_best_part_did() -> None:
    hits = [part(7, 0.9, document=2), part(4, 0.8), part(1, 0.7, document=3), part(5, 0.6)]
    assert ordinals(join(hits, near=4)) == [(2, 7), (1, 4), (3, 1)]


def test_at_most_two_neighbours_are_joined_and_none_is_lost() -> None:
    hits = [part(number, 1 - number / 10) for number in range(5)]
    assert ordinals(join(hits, near=5)) == [(1, 0), (1, 2), (1, 4)]
    assert ordinals(join([part(number, 0.5) for number in (0, 2, 1)], near=3)) == [(1, 0), (1, 2)]


def test_passages_of_different_documents_or_far_apart_or_far_down_are_not_joined() -> None:
    hits = [part(1, 0.9), part(2, 0.8, document=2), part(3, 0.7), part(4, 0.6)]
    assert ordinals(join(hits, near=3)) == [(1, 1), (2, 2), (1, 3), (1, 4)]


@pytest.mark.parametrize(("gap", "between"), [(0, ""), (1, "\n"), (2, "\n\n"), (30, "\n\n")])
def test_what_parted_two_passages_parts_them_still(gap: int, between: str) -> None:
    one, other = part(1, 0.9), part(2, 0.8, start=40 + gap)
    (joined,) = join([one, other], near=2)
    assert joined.chunk.text == one.chunk.text + between + other.chunk.text


def test_another_section_or_another_voice_begins_a_passage_of_its_own() -> None:
    assert ordinals(join([part(6, 0.9), part(7, 0.8)], near=2)) == [(1, 6), (1, 7)]
    assert ordinals(join([part(8, 0.9), part(9, 0.8)], near=2)) == [(1, 8), (1, 9)]


@pytest.mark.parametrize(("elsewhere", "joined"), [({"start_s": 120.0}, 1), ({"start_s": 140.0}, 2), ({"page": 3}, 2)])
def test_what_is_said_long_after_begins_a_passage_of_its_own(elsewhere: dict[str, Any], joined: int) -> None:
    """The link of a joined passage opens where the first one begins."""
    one, other = part(1, 0.9), part(2, 0.8)
    one = replace(one, chunk=replace(one.chunk, page=1))
    other = replace(other, chunk=replace(other.chunk, **({"page": 2} | elsewhere)))
    assert len(join([one, other], near=2)) == joined


def test_a_joined_passage_ends_when_the_last_of_its_parts_does() -> None:
    long, short = part(1, 0.9), part(2, 0.8)
    long = replace(long, chunk=replace(long.chunk, end_s=60.0))
    (joined,) = join([long, short], near=2)
    assert joined.chunk.end_s == 60.0
    (joined,) = join([long, replace(short, chunk=replace(short.chunk, end_s=None))], near=2)
    assert joined.chunk.end_s is None


def test_equal_scores_are_all_at_the_mean_whatever_the_rounding() -> None:
    for value in (0.1, 0.7, 1 / 3, 5.3):
        assert standard([value] * 3) == [0.0, 0.0, 0.0]


def test_a_source_is_of_the_narrowest_scope_in_which_it_lies() -> None:
    chunk = replace(part(1, 1.0).chunk, topics=("valves",))
    assert nearness(chunk, "ana", None) == nearness(chunk, "ana", "valves") == "creator"
    assert nearness(chunk, "ben", "valves") == nearness(chunk, None, "valves") == "topic"
    assert nearness(chunk, "ana", "pumps") == nearness(chunk, "ben", None) == nearness(chunk, None, None) == "global"


def test_a_search_widens_from_the_creator_to_the_topic_to_everything_and_never_unasked() -> None:
    assert reaches("ana", "valves", widen=True) == [
        Reach("creator", "ana", "valves"), Reach("topic", None, "valves"), Reach("global"),
    ]  # fmt: skip
    assert reaches("ana", None, widen=True) == [Reach("creator", "ana"), Reach("global")]
    assert reaches(None, "valves", widen=True) == [Reach("topic", None, "valves"), Reach("global")]
    assert reaches("ana", "valves", widen=False) == [Reach("creator", "ana", "valves")]
    assert reaches(None, None, widen=True) == reaches(None, None, widen=False) == [Reach("global")]


@pytest.mark.parametrize(
    "query",
    [
        "And for a podcast?",
        "How far away from it?",
        "Why?",
        "What about headphones?",
        "Tell me more",
        "tell me",
        "Why is that?",
        "Is there more to hear?",
        "What is it?",
        "What is a better one?",
        "What's an alternative?",
        "What's better?",
        "Why don’t you?",
        "What is the price?",
    ],
)
def test_a_question_that_leans_on_the_conversation_is_lent_what_it_is_about(query: str) -> None:
    earlier = ["What is a compressor?", "Which microphone should I buy?"]
    assert standalone(query, earlier) == f"{query} (microphone buy compressor)"


def test_what_a_question_says_itself_is_not_lent_and_no_more_than_three_words_are() -> None:
    earlier = ["How do I record an acoustic guitar with two microphones in stereo?"]
    assert standalone("And what about guitars?", earlier) == "And what about guitars? (record acoustic two)"
    assert standalone("Why?", ["And how?"]) == "Why?"
    assert standalone("And why?", ["How loud is a master?", "ok thanks", "Thank you!"]) == "And why? (loud master)"


@pytest.mark.parametrize(
    "query",
    [
        "Do I need acoustic treatment?",
        "Which sample rate should I record at?",
        "How loud should my master be?",
        "Why record at 96 kHz in the field?",
        "Why does a compressor pump?",
        "录音时话筒应该离嘴多远才能避免喷麦的问题呢?",
        "Is there a way to remove room echo from a recording?",
        "Which microphone has the same sound as a ribbon?",
        "What is a transient?",
        "what's an envelope",
        "What is LUFS?",
        "Who is Leonie",
    ],
)
def test_a_question_that_stands_on_its_own_is_left_alone(query: str) -> None:
    assert standalone(query, ["Which microphone should I buy?"]) == query


def test_a_first_question_is_left_alone_however_it_leans() -> None:
    assert standalone("And for it?", []) == "And for it?"
