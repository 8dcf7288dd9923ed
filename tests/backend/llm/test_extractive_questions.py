"""What kind of answer a question wants, and where that begins."""

import pytest

from backend.knowledge.similarity import Similarity
from backend.llm.tier import PromptSource
from tests.backend.llm.extracted import answer


@pytest.mark.parametrize(
    ("question", "length"),
    [("When was the hall built, and why?", 2), ("After the fire, when was the hall built?", 1)],
)
async def test_who_asks_for_a_date_and_a_reason_is_told_both(question: str, length: int) -> None:
    said = (
        "The hall was built in 1904 by the people of the harbour, who gave a tenth of their herrings for it "
        "in ten years. They wanted a roof for their choir, which had sung in the rain for longer than anybody knew."
    )
    text = await answer(question, PromptSource(1, "The hall", "Ana Reyes", said))
    assert text.count("[1]") == length


async def test_how_a_thing_began_is_told_by_what_says_so() -> None:
    told = "The choir of the town had big problems to solve, and solved them.", "The choir began as a bet of two cooks."
    sources = [PromptSource(index, "Songs", "Ana Reyes", text) for index, text in enumerate(told, 1)]
    assert (await answer("How did the choir come about?", *sources)).startswith("The choir began")


async def test_the_first_of_several_is_said_behind_what_announces_them(similarity: Similarity) -> None:
    said = (
        "These are a few hints for whoever buys a microphone. The first one is to think about which microphone fits "
        "your voice, as there are some for every voice."
    )
    text = await answer(
        "Which microphone fits my voice?", PromptSource(1, "Hints", "Ana", said, spoken=True), similarity=similarity
    )
    assert not text.startswith("The first one")


async def test_an_answer_goes_on_to_the_other_of_two_that_are_asked_about() -> None:
    said = (
        "Tape is what you give to a friend who has a player at home and the patience to wind it back, as it is warm, "
        "it is cheap and it lies well in the hand for years. A file is what you give to anybody else, since whoever "
        "gets it can hear it at once, can copy it as often as there is need, and loses nothing on the way there. "
        "The shop at the harbour sells boxes for all of them, in every colour that a harbour has."
    )
    text = await answer("Should I hand out my songs on tape or as a file?", PromptSource(1, "Gifts", "Ana", said))
    assert "A file is what you give" in text
    assert "harbour" not in text


async def test_what_the_question_says_itself_does_not_answer_why() -> None:
    said = "Long drives are boring. Do you sleep?\n\nOn a tour the drives are long because vans are slow."
    source = PromptSource(1, "Touring", "Bo", said)
    assert "boring" not in await answer("Why are long drives on a tour boring?", source)
    assert "boring" in await answer("Are long drives boring?", source)


async def test_what_somebody_tells_of_themselves_does_not_answer_what_is_asked_about_what_is_theirs() -> None:
    said = "Ana Reyes: I moved into the studio in May.\n\nBo: A studio prints the sleeves of records for choirs."
    source = PromptSource(1, "Studios", "Show", said, spoken=True)
    assert (await answer("What does Ana Reyes's studio do?", source)).startswith("**Bo:** A studio prints")


@pytest.mark.parametrize(
    "pointing",
    [
        "The same thing happened to my voice with a microphone that fits.",
        "Whoever has some of these things finds the microphone that fits your voice.",
        "That's a microphone that fits your voice.",
        "I think this is the microphone that fits your voice best of all.",
        "And there is on the other hand the microphone that fits your voice.",
        "Knowing this, the microphone that fits your voice is a matter of taste.",
    ],
)
async def test_what_points_back_does_not_begin_an_answer(pointing: str, similarity: Similarity) -> None:
    said = (
        f"There was a rehearsal in May? {pointing}\n\nA shop lends three of them, so that everybody can sing at home."
    )
    text = await answer(
        "Which microphone fits my voice?", PromptSource(1, "Hints", "Ana", said, spoken=True), similarity=similarity
    )
    assert pointing[-20:] not in text


@pytest.mark.parametrize(
    "told", ["It was a lovely van with a radio, and we drove to Kiel in it.", "I bought it from a choir in Kiel."]
)
async def test_what_is_told_of_whoever_asks_answers_nothing_and_what_is_said_behind_it_does(
    told: str, similarity: Similarity
) -> None:
    said = f"Bo wrote: how do I get rid of the rust on a van? {told} Start with a wire brush, and let everything dry."
    source = PromptSource(1, "Letters", "Ana", said, spoken=True)
    question = "How do I get rid of rust on my van?"
    assert (await answer(question, source, similarity=similarity)).startswith("Start with a wire brush")


@pytest.mark.parametrize("question", ["What was the van like?", "Who invented the van?", "Why is the van called Felt?"])
async def test_what_happened_answers_whoever_does_not_ask_what_to_do(question: str, similarity: Similarity) -> None:
    said = f"Bo drove. {question} It was a lovely thing of Laurens Hammond, named after a piano. A van is a car."
    source = PromptSource(1, "Letters", "Ana", said, spoken=True)
    assert (await answer(question, source, similarity=similarity)).startswith("It was a lovely thing")


async def test_advice_that_ends_with_a_question_to_ask_is_advice(similarity: Similarity) -> None:
    said = "Ask each guest before the show, “How do you pronounce your name?”\n\nA guest often has a name nobody knows."
    source = PromptSource(1, "Guests", "Ana", said)
    text = await answer("How do I ask a guest how to pronounce their name?", source, similarity=similarity)
    assert text.startswith("Ask each guest")
