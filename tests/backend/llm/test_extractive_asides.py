"""What is about the talk or the page, and not about its subject, is no answer."""

import pytest

from backend.llm.passage_sentences import read_passage
from backend.llm.tier import PromptSource
from tests.backend.llm.extracted import answer


@pytest.mark.parametrize(
    "elsewhere",
    [
        "For more on bass traps and where they belong, see the great talk of Dex.",
        "The book on bass traps has a lot to say about where bass traps belong.",
        "If you are not sure where your bass traps belong in a room, please feel free to contact me.",
        "This article is about bass traps and where bass traps belong.",
        "The best place to learn about where bass traps belong is the forum.",
        "The manual goes into more detail about where bass traps belong.",
        "The tutorial shows where bass traps belong.",
        "Join our mailing list to hear where bass traps belong.",
        "We'd love to hear where your bass traps belong.",
        "We look forward to seeing where your bass traps belong.",
        "Let's explore where bass traps belong.",
        "See “Where bass traps belong” for details of where bass traps belong.",
        "See “Where bass traps belong” and what is written there.",
        "I've mentioned where bass traps belong, but I'm not going to say anything more on that.",
        "We wanted to understand where bass traps belong.",
        "Episode 12 is where bass traps belong, and so are its guests.",
        "So you can see that this is where bass traps belong.",
        "Can you hear me where the bass traps belong, yes.",
        "I want to thank Bo for telling us where bass traps belong.",
        "We are very proud of where our bass traps belong.",
        "Sorry, where bass traps belong is in the notes.",
        "Where bass traps belong is a good question on the chat, and we'll come back to it.",
        "And the follow-up question is where bass traps belong.",
        "And give an example of where bass traps belong.",
        "Talking about where bass traps belong.",
        "We aim to talk about where bass traps belong.",
        "I'll provide a list of where bass traps belong.",
        "We'll sum up where bass traps belong.",
        "We're gonna leave it there, where bass traps belong.",
        "By the end of this call you'll say where bass traps belong.",
        "A man on this podcast knows where bass traps belong.",
        "A bit about me: I know where bass traps belong.",
        "She goes through a plan, and she'll explain where bass traps belong.",
        "In his book he talks about where bass traps belong.",
        "Where bass traps belong is up to you.",
        "This post goes through the places where bass traps belong in a small room.",
        "All the code of this post for where bass traps belong is free.",
        "The place where bass traps belong is right here.",
        "Where bass traps belong in a room that is as small as ours, the one at the bottom of this list shows.",
        "This week's article is written by Bo, who knows where bass traps belong.",
        "(Bass traps of a boat belong in the sea.)",
        "You can see an example of where bass traps belong.",
        "For the sake of time I say nothing of where bass traps belong.",
        "I will skip this and say where bass traps belong.",
        "Here on the left you have a room where bass traps belong.",
        "This one next to it is a room where bass traps belong.",
        "These are just a few examples of where bass traps belong.",
        "To everybody who told us where bass traps belong in a room as small as ours, thank you!",
        "In this tutorial you will find out where bass traps belong.",
        "If you'd like to know more of where bass traps belong, write to Bo.",
        "This blog post is about bass traps and where bass traps belong.",
        "This article does not describe where bass traps belong.",
        "The simple drum program below shows where bass traps belong.",
        "As you'll hear, this old question of where bass traps belong has friends.",
        "First, let us ask where bass traps belong.",
        "I'm happy to be here, where bass traps belong.",
        "One way to see this old hall is as an answer to those who ask, “Where do bass traps belong?”",
    ],
)
async def test_what_points_elsewhere_comes_behind_what_answers(elsewhere: str) -> None:
    source = PromptSource(1, "Traps", "Ana Reyes", f"{elsewhere}\n\nBass traps need corners.")
    assert (await answer("Where do bass traps belong?", source)).startswith("Bass traps need corners.")


@pytest.mark.parametrize(
    "advice",
    [
        "Never skip this: dry the tank of your bass traps.",
        "Keep it short, or the bass traps hum.",
        "Bass traps are best read about with additional reading glasses.",
        "You can see examples of bass traps in every studio.",
        "It is good to be back from a tour with bass traps that are dry.",
        "Measure the room in question first, and then the bass traps.",
        "The bass trap in question hums at 50 Hz.",
        "The first computer program for bass traps was written in Kiel.",
        "Use the same rhythm section for all bass traps.",
        "If you want to hear more bass, move the traps into the corner.",
    ],
)
def test_advice_is_no_aside(advice: str) -> None:
    (sentence,) = read_passage(advice)
    assert not sentence.about_itself


@pytest.mark.parametrize(
    ("said", "in_passing"),
    [
        ("(Bass traps (of foam) belong in corners.)", True),
        ("(Bass) traps belong in corners (of the room).", False),
        ("Bass traps belong in corners (of the room).", False),
    ],
)
def test_only_what_stands_in_parentheses_as_a_whole_is_said_in_passing(said: str, in_passing: bool) -> None:
    (sentence,) = read_passage(said)
    assert sentence.secondary is in_passing


async def test_acknowledgements_answer_nothing() -> None:
    thanks = "Thanks to a wet summer the traps dried slowly."
    said = (
        "Bo Kern found out where bass traps belong in a room. I want to thank Bo for it. Many thanks to Lena, whose "
        "bass traps belong to all of us."
    )
    sources = [
        PromptSource(1, "Thanks", "Ana Reyes", said), PromptSource(2, "Traps", "Ana Reyes", "Bass traps need corners.")
    ]  # fmt: skip
    assert await answer("Where do bass traps belong?", *sources) == "Bass traps need corners. [2]"
    assert "wet summer" in await answer("Why did the traps dry slowly?", PromptSource(1, "Dry", "Ana Reyes", thanks))


async def test_an_answer_ends_where_the_talk_moves_on() -> None:
    said = "Bass traps belong in corners. Taking it further. A rug keeps the floor of the room quiet."
    text = await answer("Where do bass traps belong?", PromptSource(1, "Traps", "Ana Reyes", said))
    assert text == "Bass traps belong in corners. [1]"
    told = said.replace("Taking it further.", "Getting there is easy.")
    text = await answer("Where do bass traps belong?", PromptSource(1, "Traps", "Ana Reyes", told))
    assert "Getting there is easy." in text


@pytest.mark.parametrize("who", ["I'm Bo, and I sell traps.", "I'm based in a town of traps.", "I'm from a trap town."])
async def test_an_answer_ends_where_speakers_say_who_they_are(who: str) -> None:
    source = PromptSource(1, "Traps", "Ana Reyes", f"Bass traps belong in corners. {who} Buy traps.")
    assert await answer("Where do bass traps belong?", source) == "Bass traps belong in corners. [1]"


async def test_what_somebody_else_says_elsewhere_lends_no_weight_to_what_follows() -> None:
    said = (
        "Bo goes on a tour, and he talks about where bass traps belong. Lots to hear there.\n\nCorners suit bass traps."
    )
    source = PromptSource(1, "Traps", "Ana Reyes", said)
    assert "Lots to hear" not in await answer("Where do bass traps belong?", source)
