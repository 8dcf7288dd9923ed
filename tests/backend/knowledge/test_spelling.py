"""British and American spellings."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from backend.knowledge.spelling import american, spellings


@pytest.mark.parametrize(
    ("british", "in_american"),
    [
        ("colour", "color"),
        ("behavioural", "behavioral"),
        ("favourite", "favorite"),
        ("organise", "organize"),
        ("organisations", "organizations"),
        ("analysed", "analyzed"),
        ("centre", "center"),
        ("metres", "meters"),
        ("dialogue", "dialog"),
        ("licence", "license"),
        ("defences", "defenses"),
        ("travelled", "traveled"),
        ("modelling", "modeling"),
        ("cancelled", "canceled"),
        ("programme", "program"),
        ("grey", "gray"),
    ],
)
def test_each_is_found_from_the_other(british: str, in_american: str) -> None:
    assert american(british) == in_american == american(in_american)
    assert spellings(british) == (british, in_american)
    assert spellings(in_american) == (in_american, british)


@pytest.mark.parametrize(
    "word", ["called", "filled", "your", "hours", "four", "rising", "user", "here", "store", "log"]
)
def test_a_word_with_one_spelling_stays(word: str) -> None:
    assert spellings(word) == (word,)


@given(some.text(max_size=40))
def test_any_word_has_one_american_spelling(word: str) -> None:
    assert american(american(word)) == american(word)
    assert word in spellings(word)
