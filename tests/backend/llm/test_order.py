"""Which questions are hard, by examples, and where each starts."""

from uuid import UUID

import pytest

from backend.llm.order import documents_of_equal_strength, is_hard, starting_at

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))
CLEAR = [(ONE, 0.72), (ONE, 0.71), (TWO, 0.61), (THREE, 0.6)]


@pytest.mark.parametrize(
    "question",
    [
        "What is the difference between a dynamic and a condenser microphone?",
        "Compare the two ways of mastering.",
        "Is MP3 or Ogg better for speech?",
        "Should I record at 24 or 32 bit?",
        "Logic versus Reaper for podcasts",
        "What are the pros and cons of a pop filter?",
        "Is a booth cheaper than treating the room?",
        "What do the two approaches have in common?",
        "word " * 41,
    ],
)
def test_comparisons_choices_and_long_questions_are_hard(question: str) -> None:
    assert is_hard(question, CLEAR, 0)


@pytest.mark.parametrize(
    "question",
    [
        "How loud should my master be?",
        "What is a pop filter for?",
        "Why does my recording hum?",
        "How do I record a guitar or a voice at home?",
        "Who invented the compressor?",
        "word " * 40,
    ],
)
def test_a_short_question_with_one_strong_source_is_easy(question: str) -> None:
    assert not is_hard(question, CLEAR, 0)


def test_a_question_that_several_documents_answer_about_equally_well_is_hard() -> None:
    question = "How loud should my master be?"
    assert is_hard(question, [(ONE, 0.69), (TWO, 0.66), (THREE, 0.66)], 0)
    assert not is_hard(question, [(ONE, 0.69), (TWO, 0.66), (THREE, 0.65)], 0)
    assert not is_hard(question, [(ONE, 0.69), (ONE, 0.68), (ONE, 0.67), (TWO, 0.67)], 0)


def test_scores_without_a_scale_say_nothing() -> None:
    assert documents_of_equal_strength([]) == 0
    assert documents_of_equal_strength([(ONE, -1.0), (TWO, -1.0), (THREE, -1.0)]) == 0


def test_a_question_late_in_a_conversation_is_hard() -> None:
    assert not is_hard("And why?", CLEAR, 7)
    assert is_hard("And why?", CLEAR, 8)


def test_the_strong_tier_comes_first_and_nobody_twice() -> None:
    assert starting_at("strong", ["quick", "strong", "last"]) == ("strong", "quick", "last")
    assert starting_at("strong", ["quick", "last"]) == ("strong", "quick", "last")
