"""BM25 weights of passages and questions."""

from collections import Counter
from itertools import pairwise

import pytest

from backend.knowledge.lexical import AVERAGE_LENGTH, BEGINNING_WEIGHT, PAIR_WEIGHT, LexicalEncoder

LEXICON = LexicalEncoder()


def test_weights_follow_the_formula() -> None:
    text = "drum amplifier drum pedal drum room amplifier drum pedal"
    words = text.split()
    floor = 1.2 * (0.25 + 0.75 * len(words) / AVERAGE_LENGTH)
    expected = [
        weight * count * 2.2 / (count + floor)
        for terms, weight in (
            (words, 1.0),
            (list(pairwise(words)), PAIR_WEIGHT),
            ([word[:4] for word in words if len(word) > 4], BEGINNING_WEIGHT),
        )
        for count in Counter(terms).values()
    ]
    assert LEXICON.passage(text).values == pytest.approx(expected)


def test_a_question_weighs_every_different_term_once() -> None:
    question = LEXICON.query("guitar, Guitars and the guitar drum?")
    assert question.values == (1.0,) * 5  # guitar, drum, guitar guitar, guitar drum, guit…
    assert len(set(question.indices)) == 5


def test_words_of_one_family_meet_though_their_stems_differ() -> None:
    question = set(LEXICON.query("How is it analysed?").indices)
    assert shared(question, "The analyser") > shared(question, "The analytical balance") > 0
    assert shared(question, "The animal") == 0
    assert shared(set(LEXICON.query("comp").indices), "the compressor") == 0


@pytest.mark.parametrize(("asked", "said"), [("licence", "license"), ("color", "colour"), ("grey", "gray")])
def test_a_question_finds_a_word_in_its_other_spelling(asked: str, said: str) -> None:
    question, passage = LEXICON.query(asked), LEXICON.passage(said)
    whole_word = max(zip(passage.values, passage.indices, strict=True))[1]
    assert whole_word in question.indices


def test_the_words_of_a_question_in_its_order_weigh_more_than_anywhere() -> None:
    question = set(LEXICON.query("What is a noise gate for drums?").indices)
    in_order, anywhere = "Put a noise gate on the drums.", "The gate hides noise; drums do not."
    assert shared(question, in_order) > shared(question, anywhere) > 0


def shared(question: set[int], text: str) -> float:
    passage = LEXICON.passage(text)
    return sum(weight for term, weight in zip(passage.indices, passage.values, strict=True) if term in question)


def test_passage_and_question_meet_in_stem_and_case() -> None:
    passage = LEXICON.passage("She compressed her Vocals, then recorded the singers again.")
    for word in ("compressing", "vocal", "recordings", "Singer"):
        assert set(LEXICON.query(word).indices) <= set(passage.indices)


def test_stop_words_and_nothing_weigh_nothing() -> None:
    assert LEXICON.passage("").indices == LEXICON.passage("the of and is").indices == ()
    assert LEXICON.query("what is it?").values == ()


def test_other_scripts_have_terms_of_their_own() -> None:
    passage = LEXICON.passage("größere Räume klingen länger, naïve café, 残響")
    for word in ("größere", "café", "残響"):
        assert set(LEXICON.query(word).indices) <= set(passage.indices)
        assert LEXICON.query(word).indices


def test_words_are_found_in_scripts_without_spaces() -> None:
    passage = LEXICON.passage("这个录音室的混响太长了。ไมโครโฟนอยู่ในห้อง")
    for word in ("录音室", "混响", "ไมโครโฟน"):
        assert set(LEXICON.query(word).indices) <= set(passage.indices)
    assert shared(set(LEXICON.query("录音室").indices), "录音室") > shared(
        set(LEXICON.query("录音室").indices), "室音录"
    )
