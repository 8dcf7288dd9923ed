"""BM25 weights of passages and questions."""

from collections import Counter

import pytest

from backend.knowledge.lexical import AVERAGE_LENGTH, LexicalEncoder

LEXICON = LexicalEncoder()


def test_term_ids_are_those_of_the_servers_bm25_model() -> None:
    # Absolute 32-bit Murmur3 of the stemmed terms "guitar" and "amp", which is what `qdrant/bm25` stores.
    assert set(LEXICON.query("guitars amp").indices) == {646_052_536, 201_017_620}


def test_weights_follow_the_formula() -> None:
    text = "guitar amplifier guitar pedal guitar room amplifier"
    counts = Counter(text.split())
    length = sum(counts.values())
    expected = sorted(f * 2.2 / (f + 1.2 * (0.25 + 0.75 * length / AVERAGE_LENGTH)) for f in counts.values())
    assert sorted(LEXICON.passage(text).values) == pytest.approx(expected)


def test_a_question_weighs_every_different_term_once() -> None:
    question = LEXICON.query("guitar, Guitars and the guitar amplifier?")
    assert question.values == (1.0, 1.0)
    assert len(set(question.indices)) == 2


def test_passage_and_question_meet_in_stem_and_case() -> None:
    passage = LEXICON.passage("She compressed her Vocals, then recorded the singers again.")
    assert set(LEXICON.query("compressing vocal recordings singer").indices) <= set(passage.indices)


def test_stop_words_and_nothing_weigh_nothing() -> None:
    assert LEXICON.passage("").indices == LEXICON.passage("the of and is").indices == ()
    assert LEXICON.query("what is it?").values == ()


def test_other_scripts_have_terms_of_their_own() -> None:
    passage = LEXICON.passage("größere Räume klingen länger, naïve café, 残響")
    for word in ("größere", "café", "残響"):
        assert set(LEXICON.query(word).indices) <= set(passage.indices)
        assert LEXICON.query(word).indices
