"""The extractive tier with an embedding model: sentences that mean the question come before those with its words."""

import pytest

from backend.chat.citations import check
from backend.knowledge.embedders import Embedders
from backend.knowledge.models import EmbeddingModel
from backend.knowledge.similarity import Similarity
from backend.llm.extract import extract
from backend.llm.extractive_tier import NOT_DIRECT
from backend.llm.reading import Reading
from backend.llm.tier import PromptSource
from tests.backend.llm.extracted import answer
from tests.backend.one_model import OneModel
from tests.service import PATIENCE_S

BUDGET = PromptSource(
    1,
    "Before you buy",
    "Ana Reyes",
    "The harbour of the town is quiet in winter. Cheap gear is no excuse for a bad song. "
    "Beginners do well to spend little money on their first microphone. A cable has two ends.",
)
PARAPHRASE = "How expensive should a novice's equipment be?"


def behind_hedge(text: str) -> str:
    """The answer itself: whether it is called direct is another question."""
    return text.removeprefix(NOT_DIRECT).lstrip()


async def test_a_question_in_other_words_finds_the_sentence_that_means_it(similarity: Similarity) -> None:
    assert (await answer(PARAPHRASE, BUDGET)).startswith("The harbour of the town")
    meant = await answer(PARAPHRASE, BUDGET, similarity=similarity)
    assert behind_hedge(meant).startswith("Beginners do well to spend little money")


async def test_what_answers_comes_before_what_only_has_the_words(similarity: Similarity) -> None:
    source = PromptSource(
        1,
        "Foam",
        "Ana Reyes",
        "What foam costs and what foam weighs can be read in any catalogue of foam. "
        "\n\nSound turns to warmth within the pores of a soft panel, which is how foam works on it.",
    )
    assert (await answer("How does foam absorb sound?", source, similarity=similarity)).startswith("Sound turns to")


async def test_an_answer_is_compared_together_with_the_question_that_it_answers(similarity: Similarity) -> None:
    text = (
        "On the way here I listened to three podcasts on the tram. Then let us do loudness. How loud should a podcast "
        "be? My answer is minus sixteen LUFS integrated for stereo, with a true peak of minus one or lower."
    )
    source = PromptSource(1, "How loud should a podcast be?", "Imke", text)
    said = await answer("How loud should a podcast be?", source, similarity=similarity)
    assert said.startswith("My answer is minus sixteen")


@pytest.mark.parametrize(
    ("said", "is_read"),
    [
        ("Such memories of eyewitnesses are hardly reliable, as trials have shown.", True),
        ("They are hardly reliable, the memories of eyewitnesses, as trials have shown.", False),
    ],
)
async def test_a_sentence_near_to_the_question_needs_no_other_before_it_if_it_names_its_subject(
    said: str, is_read: bool, similarity: Similarity
) -> None:
    source = PromptSource(
        1,
        "Witnesses",
        "Ana Reyes",
        f"Dex Morrow: Is that right?\n\nAna Reyes: {said}\n\n"
        "Dex Morrow: The eyewitnesses of my driving test would agree.",
    )
    question = "Are the memories of eyewitnesses reliable?"
    assert said not in await answer(question, source)
    assert (said in await answer(question, source, similarity=similarity)) == is_read


async def test_a_stretch_that_answers_comes_before_a_sentence_that_has_the_words(similarity: Similarity) -> None:
    source = PromptSource(
        1,
        "On the tram",
        "Ana Reyes",
        "A stranger on the tram asked about reverb in a small room and got off at the harbour.\n\n"
        "Hang heavy blankets on the walls and lay a carpet on the floor. They swallow the reverb before it returns to "
        "the microphone.",
    )
    text = await answer("How can I reduce reverb in a small room?", source, similarity=similarity)
    assert behind_hedge(text).startswith("Hang heavy blankets")


async def test_what_only_comes_nearest_says_so(similarity: Similarity) -> None:
    said = "A tram takes you from the harbour to the studio in ten minutes. A tram ticket also counts on the ferry."
    sources = [PromptSource(number, f"Tram {number}", "Ana Reyes", said) for number in (1, 2)]
    question = "How does the engine of a tram brake?"
    text = await answer(question, *sources, similarity=similarity)
    assert text.startswith(f"{NOT_DIRECT}\n\nA tram")
    assert "[2]" not in text  # which says the same
    assert all(citation.supported for citation in await check(text, sources, similarity))
    assert NOT_DIRECT not in await answer(question, *sources)  # what words alone cannot tell is not said
    near = await answer("How long does the tram take from the harbour?", *sources, similarity=similarity)
    assert near.startswith("A tram takes you")


@pytest.mark.parametrize(
    ("question", "sure"),
    [("How does the engine of a tram brake?", False), ("How long does a tram take to the harbour?", True)],
)
async def test_only_what_is_not_sure_brings_what_else_is_near(
    question: str, sure: bool, similarity: Similarity
) -> None:
    sources = [
        PromptSource(1, "Tram", "Ana Reyes", "A tram takes ten minutes to the harbour and stops at the studio."),
        PromptSource(2, "Night", "Ana Reyes", "The last tram leaves when all singers have gone home to bed."),
    ]
    text = await answer(question, *sources, similarity=similarity)
    assert text.startswith(NOT_DIRECT) != sure
    assert ("[2]" in text) != sure


@pytest.mark.parametrize(
    ("question", "said", "direct"),
    [
        ("What is sidechaining?", "Sidechaining is the control of one sound's level by another sound.", True),
        ("What is sidechaining?", "I think sidechaining basically means that two sounds are one.", True),
        (
            "What is sidechaining?",
            "Our tenth lesson brings sidechaining, a new microphone and the trip to Oslo.",
            False,
        ),
        ("What does a limiter do?", "A limiter keeps all peaks below a line and the tram on its rails.", True),
        ("What does a limiter do?", "The lessons of April have a limiter and the tram on its rails.", False),
        ("What is a limiter made of?", "Inside a limiter are coils, wires, and a lamp that glows in the dark.", True),
    ],
)
async def test_naming_a_thing_does_not_explain_it(
    question: str, said: str, direct: bool, similarity: Similarity
) -> None:
    text = await answer(question, PromptSource(1, "Mixes", "Ana Reyes", said), similarity=similarity)
    assert text.endswith(f"{said} [1]")
    assert text.startswith(NOT_DIRECT) != direct


@pytest.mark.parametrize(
    ("title", "question", "direct"),
    [
        ("The rules of the choir", "Which rule did the choir of Oslo add?", True),
        ("The rules of the choir", "Which rule did the choir of Oslo add in 2018?", True),
        ("The rules of the choir", "Which rule did the choir of Oslo add in 2021?", False),
        ("The rules of 2021", "Which rule did the choir of Oslo add in 2021?", True),
    ],
)
async def test_a_source_without_the_year_that_is_asked_about_is_no_direct_answer(
    title: str, question: str, direct: bool, similarity: Similarity
) -> None:
    said = "The rule that the choir of Oslo added is about who sings first. It was written in the winter of 2018."
    text = await answer(question, PromptSource(1, title, "Ana Reyes", said), similarity=similarity)
    assert text.startswith(NOT_DIRECT) != direct


async def test_the_name_of_whoever_is_asked_about_is_in_their_own_words(similarity: Similarity) -> None:
    said = "Ana Reyes: I was tired of the bus, and my singers wanted to play in halls."
    source = PromptSource(1, "Early days", "The Show", said, spoken=True)
    assert NOT_DIRECT not in await answer("Why did Ana Reyes leave the band?", source, similarity=similarity)


@pytest.mark.parametrize(
    ("said", "direct"),
    [
        ("I got my first job as a sound engineer in 2007.", False),
        ("I love my first job as a sound engineer, and I like my second one.", False),
        ("Previously I'd worked in a shop before my first job as a sound engineer.", False),
        ("I've learned that a first job as a sound engineer comes from working in a studio for free.", True),
    ],
)
async def test_what_a_speaker_tells_of_themselves_is_no_direct_answer(
    said: str, direct: bool, similarity: Similarity
) -> None:
    text = await answer(
        "How do I get my first job as a sound engineer?",
        PromptSource(1, "My road", "Ana Reyes", said),
        similarity=similarity,
    )
    assert text.startswith(NOT_DIRECT) != direct


@pytest.mark.parametrize(
    ("aside", "announces"),
    [
        ("In closing, our discussion of when to use a compressor comes down to one rule.", True),
        ("That was a short overview of when to use a compressor.", False),
    ],
)
async def test_what_an_aside_announces_is_compared_together_with_it(
    aside: str, announces: bool, similarity: Similarity
) -> None:
    source = PromptSource(
        1,
        "Lesson nine",
        "Ana Reyes",
        "Compressors were built for radio stations, and engineers kept them.\n\n"
        f"{aside}\n\nLeave it off until the quiet words get lost behind the guitar.",
    )
    text = await answer("When should I use a compressor?", source, similarity=similarity)
    assert behind_hedge(text).startswith("Leave it off until the quiet words") == announces


async def test_a_sentence_that_means_the_question_is_not_led_up_to(similarity: Similarity) -> None:
    source = PromptSource(
        1,
        "Ideas",
        "Ana Reyes",
        "Dex Morrow: Some listeners stay for anything.\n\n"
        "Ana Reyes: Another idea is a video in which I review the code of a library. Its author sits beside me.",
        spoken=True,
    )
    question = "What is the idea of the video that reviews code?"
    assert (await answer(question, source)).startswith("**Dex Morrow:** Some listeners stay")
    assert (await answer(question, source, similarity=similarity)).startswith("Another idea is a video")


async def test_a_late_an_absent_or_another_model_leaves_the_choice_to_the_words(
    embedders: tuple[Embedders, EmbeddingModel], caplog: pytest.LogCaptureFixture
) -> None:
    opened, model = embedders
    by_words = await answer(PARAPHRASE, BUDGET)
    other = EmbeddingModel("another/model", "another-1", 384)
    for index in (OneModel(other), OneModel(None), OneModel(model, away=True)):
        assert await answer(PARAPHRASE, BUDGET, similarity=Similarity(index, opened, PATIENCE_S)) == by_words  # type: ignore[arg-type]
    late = Similarity(OneModel(model), opened, patience_s=0.0)  # type: ignore[arg-type]
    assert await answer(PARAPHRASE, BUDGET, similarity=late) == by_words
    assert "words alone decide" in caplog.text
    assert "novice" not in caplog.text


@pytest.mark.parametrize(
    ("question", "nearness", "places"),
    [
        ("Why does the spring reverb rust?", 0.69, [1, 2]),
        ("Why does the spring reverb rust?", 0.65, [1]),
        ("Does the spring reverb rust or crack?", 0.65, [1, 2]),
    ],
)
def test_another_place_is_read_where_it_is_nearly_as_near_or_may_be_the_other_half(
    question: str, nearness: float, places: list[int]
) -> None:
    sources = [
        PromptSource(1, "Rust", "Ana Reyes", "The spring reverb rusts because the floor is wet."),
        PromptSource(2, "Singers", "Bo Kern", "Singers say that a spring reverb cracks and rusts because of rain."),
    ]
    reading = Reading(question, sources)
    meanings = {text: nearness if "Singers" in text else 0.72 for text in reading.worth_comparing()}
    assert [extracted.source.index for extracted in extract(reading, meanings).extracts] == places


SHELF = "Build the spring reverb a shelf of its own in the van, with felt under each of its four feet and a strap."
ROAD = "Drivers take the road along the coast, as its bends are wide and its surface is new since the summer."
NIGHT = "Whoever leaves at night meets nobody between the harbour and the hall, and a tin of springs stays quiet."


@pytest.mark.parametrize(("spoken", "read"), [(False, [SHELF, ROAD, NIGHT]), (True, [SHELF])])
def test_what_is_written_is_compared_and_read_as_a_whole_and_what_is_said_is_not(
    *, spoken: bool, read: list[str]
) -> None:
    said = f"{SHELF}\n\n{ROAD} {NIGHT} {ROAD[:-1]}, {NIGHT}"
    reading = Reading("How does a spring reverb travel?", [PromptSource(1, "Vans", "Show", said, spoken=spoken)])
    assert " ".join(read) in reading.worth_comparing()
    meanings = {text: 0.8 if text.startswith(SHELF) else 0.1 for text in reading.worth_comparing()}
    (only,) = extract(reading, meanings).extracts
    assert [sentence.text for sentence in only.sentences] == read


def test_an_answer_that_is_written_begins_where_its_whole_has_the_words() -> None:
    written = f"{ROAD}\n\n{NIGHT}\n\nIn the morning they find the spring reverb rusting."
    source = PromptSource(1, "Vans", "Show", written)
    reading = Reading("Where does the spring reverb rust?", [source])
    meanings = {text: 0.8 if text.startswith(NIGHT) else 0.5 for text in reading.worth_comparing()}
    (only,) = extract(reading, meanings).extracts
    assert only.sentences[0].text == NIGHT
