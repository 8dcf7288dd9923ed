"""What people say while they think, and what they lead up to things with, is left out."""

import pytest

from backend.knowledge.similarity import Similarity
from backend.llm.extract import Answer, Extract, extract
from backend.llm.extractive_tier import NOT_DIRECT, compose
from backend.llm.read_out import Quoted
from backend.llm.reading import Reading
from backend.llm.tier import PromptSource
from tests.backend.llm.extracted import answer


def talk(said: str) -> PromptSource:
    return PromptSource(1, "Vans", "Show", said, spoken=True)


@pytest.mark.parametrize(
    "request_of_host",
    [
        "So I guess talk a little bit about what a spring reverb is.",
        "So tell us what a spring reverb is before anything else, for those who have never seen one.",
        "Maybe walk us through what a spring reverb is and what it was.",
    ],
)
async def test_what_a_host_requests_is_a_question(request_of_host: str) -> None:
    said = f"Bo Kern: {request_of_host}\n\nAna Reyes: Two steel coils in a box shake when a voice goes through."
    assert await answer("What is a spring reverb?", talk(said)) == (
        "**Ana Reyes:** Two steel coils in a box shake when a voice goes through. [1]"
    )


async def test_what_somebody_says_against_nothing_is_broken_off() -> None:
    said = "Carry a spring reverb in felt, just as a guard against... Carry a spring reverb on your knees in a van."
    assert await answer("How do I carry a spring reverb?", talk(said)) == (
        "Carry a spring reverb on your knees in a van. [1]"
    )


async def test_what_trails_off_comes_behind_what_is_said() -> None:
    said = "A spring reverb needs blankets in a van...\n\nIt rained.\n\nA spring reverb needs silence in a van."
    assert (await answer("What does a spring reverb need?", talk(said))).startswith("A spring reverb needs silence")


def test_what_only_leads_up_to_the_answer_is_left_out() -> None:
    said = "Singers have an evening in the van. Most of it is free. A spring reverb of my grandmother is in the van."
    reading = Reading("What does Ana do with the spring reverb in the van?", [talk(said)])
    meanings = {text: 0.6 if text.startswith("Singers") else 0.1 for text in reading.worth_comparing()}
    read = extract(reading, meanings).extracts[0].sentences
    assert [sentence.text for sentence in read] == ["A spring reverb of my grandmother is in the van."]


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("There's -- I mean, we keep a spring reverb in felt.", "We keep a spring reverb in felt."),
        ("But yeah, I was like -- you keep a spring reverb in felt.", "You keep a spring reverb in felt."),
        ("Nobody has -- I can't name a spring reverb in felt.", "Nobody has -- I can't name a spring reverb in felt."),
        ("The felt -- you keep a spring reverb in it.", "The felt -- you keep a spring reverb in it."),
    ],
)
async def test_a_false_start_is_left_out(said: str, read: str) -> None:
    assert await answer("How is a spring reverb kept in felt?", talk(said)) == f"{read} [1]"


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Sing that's, that's how a spring reverb is kept.", "Sing that's how a spring reverb is kept."),
        ("We know that that spring reverb is kept in felt.", "We know that that spring reverb is kept in felt."),
        ("Whereas for a van, a spring reverb is kept in felt.", "For a van, a spring reverb is kept in felt."),
        (
            "Whereas in a van it sings, a spring reverb is in felt.",
            "Whereas in a van it sings, a spring reverb is in felt.",
        ),
        ("Whereas we keep it dry, a spring reverb is in felt.", "Whereas we keep it dry, a spring reverb is in felt."),
        ("What's more, a spring reverb is kept in felt.", "A spring reverb is kept in felt."),
        ("There you go. A spring reverb is kept in felt. Never mind.", "A spring reverb is kept in felt."),
    ],
)
async def test_what_ties_it_to_what_nobody_reads_is_left_out(said: str, read: str) -> None:
    assert await answer("How is a spring reverb kept in felt?", talk(said)) == f"{read} [1]"


async def test_a_hedge_behind_had_is_left_out() -> None:
    said = "Singers had kind of kept a spring reverb in felt."
    assert await answer("How is a spring reverb kept?", talk(said)) == "Singers had kept a spring reverb in felt. [1]"


SPRINGS = (
    "A spring reverb in a van needs a shelf of its own, with felt under each of the four feet, a strap around the lid, "
    "a bag of sand behind it and a drummer beside it who knows what the strap is for and when it is opened."
)


@pytest.mark.parametrize(
    "point",
    [
        "And they crash through every wall at night without it.",
        "Brakes throw a spring reverb through every wall at night.",
        "But brakes throw boxes through every wall at night.",
        "Brakes throw boxes through every wall with them at night.",
    ],
)
async def test_what_is_said_further_of_it_is_read_as_well(point: str) -> None:
    said = f"{SPRINGS} {point}"
    assert await answer("What does a spring reverb need?", talk(said)) == f"{SPRINGS} [1] {point} [1]"


@pytest.mark.parametrize(
    "other",
    [
        "Our singer bought forty kilos of felt in Ghent.",
        "They need felt under each of the four feet, and they need sand.",
        "So those are some of the costs and dangers of old instruments.",
        "And also, there is a second van with curtains for the spring reverb.",
        "\n\nBo Kern: But it crashes through every wall of the van at night.",
    ],
)
async def test_what_is_of_something_else_or_says_nothing_new_is_not_read(other: str) -> None:
    assert await answer("What does a spring reverb need?", talk(f"Ana Reyes: {SPRINGS} {other}")) == (
        f"**Ana Reyes:** {SPRINGS} [1]"
    )


@pytest.mark.parametrize(
    ("further", "read"),
    [
        ("And they crash through every wall at night without it.", True),
        ("\n\nThis keeps them from crashing through every wall at night.", True),
        ("But it is not enough. It crashes through every wall at night.", True),
        ("\n\nBrakes throw a spring reverb through every wall at night.", False),
        ("But it is not enough.", False),
    ],
)
async def test_what_is_written_further_of_it_is_read_too_also_in_the_next_paragraph(
    further: str, *, read: bool
) -> None:
    text = await answer("What does a spring reverb need?", PromptSource(1, "Vans", "Show", f"{SPRINGS} {further}"))
    assert ("every wall" in text, "it is not enough" in text) == (read, read and "enough" in further)


def test_places_that_only_come_near_are_a_list_and_an_answer_is_not() -> None:
    reading = Reading("What does it need?", [talk("Felt.")])
    places = tuple(
        Extract(reading.sources[0], (Quoted(words, "", speaker), Quoted("They sing.", "", "Ana Reyes")))
        for words, speaker in (
            ("Springs want felt under them.", "Ana Reyes"),
            ("What do drums want at night?", "Bo Kern"),
        )
    )
    assert compose(Answer(places, direct=False), reading.sources) == (
        f"{NOT_DIRECT}\n\n- **Ana Reyes:** Springs want felt under them. [1] They sing. [1]\n\n"
        "- **Bo Kern:** What do drums want at night? [1]\n\n  **Ana Reyes:** They sing. [1]"
    )
    assert "- " not in compose(Answer(places, direct=True), reading.sources)
    assert "- " not in compose(Answer(places[:1], direct=False), reading.sources)


@pytest.mark.parametrize(
    ("question", "again", "nearness", "creator", "places"),
    [
        ("Why does the spring reverb rust?", "A singer has a spring reverb that rusts.", 0.7, "Show", [1]),
        ("Why does the spring reverb rust?", "A singer has a spring reverb that rusts.", 0.7, "Other", [1, 2]),
        ("Why does the spring reverb rust?", "A singer has a spring reverb that rusts.", 0.8, "Show", [2, 1]),
        ("Why does the spring reverb rust?", "A singer has a spring reverb that rusts.", 0.8, "Other", [1, 2]),
        ("Why does the spring reverb rust in bags?", "In bags of singers a spring reverb rusts.", 0.7, "Show", [1, 2]),
        ("What is a spring reverb?", "A singer has a spring reverb that rusts.", 0.7, "Show", [1, 2]),
    ],
)
def test_what_comes_back_to_it_is_read_first_where_it_is_nearer_and_else_not(
    question: str, again: str, nearness: float, creator: str, places: list[int]
) -> None:
    other = PromptSource(2, "Singers", creator, again, spoken=True)
    reading = Reading(question, [talk("The spring reverb rusts because the floor is wet."), other])
    meanings = {text: nearness if "singer" in text else 0.72 for text in reading.worth_comparing()}
    assert [extracted.source.index for extracted in extract(reading, meanings).extracts] == places


async def test_what_is_short_begins_a_thought_and_what_is_said_behind_it_belongs_to_it(similarity: Similarity) -> None:
    begun = "A spring reverb is made of two coils."
    more = (
        "Builders turn brass by hand until nothing rattles, close the lid with three screws, paint the box in the "
        "colour of a van, wait until the paint is dry, carry the box up the stairs to a stage, plug a blue cable in on "
        "the left and a red cable in on the right, and ask the drummer of the evening for a loud beat."
    )
    question, others = "How is a spring reverb made?", "Bo: Good.\n\nAna Reyes: Vans are loud."
    said = await answer(question, talk(f"Ana Reyes: {begun} {more}\n\n{others}"), similarity=similarity)
    assert said == f"**Ana Reyes:** {begun} [1] {more} [1]"
    long = begun.replace(".", ", of a box that was found on a pier, of screws, of a lid and of a handle for it.")
    said = await answer(question, talk(f"Ana Reyes: {long} {more}\n\n{others}"), similarity=similarity)
    assert said == f"**Ana Reyes:** {long} [1]"
