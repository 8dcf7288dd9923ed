"""What a question wants is told by its first words."""

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
        ("Is salt and water bad for a van?", False),
    ],
)
def test_two_questions_in_one_are_told(question: str, twice: bool) -> None:
    assert asks_twice(question) is twice
