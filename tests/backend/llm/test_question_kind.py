"""What a question wants is told by its first words."""

import time

import pytest

from backend.llm.question_kind import Wanted, asks_twice, wanted_by


def wanted(question: str) -> Wanted:
    found = wanted_by(question)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("question", "brief"),
    [
        ("When was the hall built?", True),
        ("When is the choir on tour?", True),
        ("When is tape a better choice than a file?", False),
        ("When does it make sense to rent a hall?", False),
        ("Where is the hall?", True),
        ("Where do I start with bass traps?", False),
        ("Where should beginners look for a choir?", True),
        ("How small is the hall?", True),
        ("When does the Good Morning Show start?", True),
        ("When is the best man's speech?", True),
        ("When is the best time to tune a harp?", False),
        ("How should I clean a tape head?", False),
    ],
)
def test_a_date_a_place_or_a_number_is_a_brief_answer_and_advice_is_not(question: str, brief: bool) -> None:
    assert wanted(question).brief is brief


@pytest.mark.parametrize(
    ("question", "compares"),
    [
        ("Should I buy a van or a boat?", True),
        ("How is a boat different from a van?", True),
        ("Is a boat the same thing as a ship?", True),
        ("What is better than a van?", True),
        ("Which microphone sounds better?", True),
        ("Which van should I buy?", True),
        ("Should I buy a van?", False),
        ("How should I load a van?", False),
        ("How do I get better at driving a van?", False),
        ("Is it a bad idea to sleep in a van?", False),
    ],
)
def test_only_who_asks_for_two_things_wants_both(question: str, compares: bool) -> None:
    assert wanted(question).compares is compares


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("How should I load a van?", "Put the amplifier in first."),
        ("Should I buy a van?", "It depends on how far the choir drives."),
        ("What's wrong with old vans?", "They stop in the rain because of their cables."),
        ("How did vans become so loud?", "They started as boats."),
        ("What is a van and should I buy one?", "A van is a car for a choir."),
    ],
)
def test_a_sentence_of_the_kind_that_is_asked_for_counts_more(question: str, sentence: str) -> None:
    assert wanted(question).strength(sentence) > 1


@pytest.mark.parametrize(
    ("question", "twice"),
    [
        ("Who drew the gull, and may I print it?", True),
        ("What is a van and do we need one?", True),
        ("How do I load a van, and who drives?", True),
        ("How do I load and unload a van?", False),
        ("Who lives in Kiel and is the mayor?", False),
        ("When did she go there and do it again?", False),
        ("Is salt and water bad for a van?", False),
    ],
)
def test_two_questions_in_one_are_told(question: str, twice: bool) -> None:
    assert asks_twice(question) is twice


def test_a_thing_with_another_is_defined_and_what_is_wrong_with_it_is_not() -> None:
    assert wanted("What is a van with a bed?").defines
    assert not wanted("What is wrong with a van?").defines


@pytest.mark.parametrize("hostile", ["a" * 3980, "a-'" * 1300, " " * 3980, "when is " * 490, "and is " * 560])
def test_no_question_takes_long_to_be_understood(hostile: str) -> None:
    began = time.monotonic()
    wanted_by(f"what is {hostile}!")
    asks_twice(hostile)
    assert time.monotonic() - began < 5  # without its end it was hours
