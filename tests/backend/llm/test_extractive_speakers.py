"""Whoever is quoted is named, where the recording says who speaks."""

import pytest

from backend.chat.citations import check
from backend.knowledge.similarity import Similarity
from backend.llm.passage_sentences import read_passage
from backend.llm.tier import PromptSource
from tests.backend.llm.extracted import answer

QUESTION = "Where do bass traps belong?"
LATER = PromptSource(2, "Cables", "Show Two", "Cables of the studio lie on the floor.", spoken=True)


def said(text: str, speaker: str | None = None, *, creator: str = "Show One", spoken: bool = True) -> PromptSource:
    return PromptSource(1, "Rooms", creator, text, spoken=spoken, speaker=speaker)


async def test_a_guest_is_named_and_a_creator_who_speaks_alone_is_not() -> None:
    words = "Bass traps belong in the corners of the room."
    assert await answer(QUESTION, said(words, "Lena St. Clair")) == f"**Lena St. Clair:** {words} [1]"
    assert await answer(QUESTION, said(words, "Lena St. Clair"), LATER) == (
        f"**Lena St. Clair (Show One):** {words} [1]"
    )
    for speaker in ("Ana Reyes", "Ana", None):
        assert await answer(QUESTION, said(words, speaker, creator="Ana Reyes")) == f"{words} [1]"


async def test_who_wrote_an_article_is_its_creators_matter() -> None:
    words = "Bass traps belong in the corners of the room."
    assert await answer(QUESTION, said(words, "Lena Clair", spoken=False)) == f"{words} [1]"


async def test_each_turn_of_a_conversation_is_a_paragraph_of_whoever_speaks() -> None:
    source = said(
        "Some belong under the ceiling, where bass traps hang.\n\n"
        "Dex Morrow: Bass traps belong in the corners of the room.\n\n"
        "Ana Reyes: All four corners. Bass traps need them all to work as they should."
    )
    text = await answer(QUESTION, source)
    assert text == (
        "**From Show One:** Some belong under the ceiling, where bass traps hang. [1]\n\n"
        "**Dex Morrow:** Bass traps belong in the corners of the room. [1]\n\n"
        "**Ana Reyes:** All four corners. Bass traps need them all to work as they should. [1]"
    )


async def test_the_creator_among_guests_is_named_too_and_nobody_twice() -> None:
    source = said(
        "Dex Morrow: Bass traps belong in the corners of the room.\n\n"
        "Ana: Bass traps belong there because low notes gather in corners.\n\n"
        "Ana: Corners of the room are where two walls meet.",
        creator="Ana Reyes",
    )
    text = await answer(QUESTION, source)
    assert [line.partition(":** ")[0] for line in text.split("\n\n")][:2] == ["**Dex Morrow", "**Ana Reyes"]
    assert text.count("**Ana Reyes:**") == 1


async def test_a_speakers_last_words_have_their_footnote_however_few_they_are() -> None:
    source = said(
        "Dex Morrow: Bass traps belong in the corners of the room. All of them.\n\n"
        "Ana Reyes: And that is because low notes gather there in every room."
    )
    text = await answer(QUESTION, source)
    assert "All of them. [1]\n\n**Ana Reyes:**" in text


async def test_a_name_before_the_words_leaves_them_borne_out_by_their_source() -> None:
    source = said("Bass traps belong in the corners of the room.", "Lena St. Clair")
    (citation,) = await check(await answer(QUESTION, source), (source,))
    assert citation.supported


async def test_who_asks_what_somebody_says_is_told_their_words_alone(similarity: Similarity) -> None:
    ana = PromptSource(1, "Tails", "Ana Reyes", "A reverb fills the gaps between the words of a slow song.")
    dex = PromptSource(2, "Wet", "Dex Morrow", "A reverb is what says that the singer could not sing.")
    for asked in ("What does Ana say about reverb?", "What has Ana Reyes really written on reverb?"):
        assert await answer(asked, dex, ana, similarity=similarity) == (
            "A reverb fills the gaps between the words of a slow song. [1]"
        )
    text = await answer("What do people say about reverb?", dex, ana)
    assert "[1]" in text
    assert "[2]" in text


async def test_who_asks_what_two_people_say_is_told_the_words_of_both(similarity: Similarity) -> None:
    talk = PromptSource(
        1, "Tails", "Show",
        "Ana Reyes: A reverb fills the gaps between the words of a slow song.\n\n"
        "Bo Kern: Ana and Dex think of a reverb all day long, and of nothing else. They sit in the van on the way to "
        "the hall and go on about plates and springs, while I count the cables and ask who has the keys.\n\n"
        "Dex Morrow: A reverb needs a wall of its own behind the singer.",
        spoken=True,
    )  # fmt: skip
    text = await answer("What do Ana and Dex think of reverb?", talk, similarity=similarity)
    assert "**Ana Reyes:** A reverb fills" in text
    assert "**Dex Morrow:** A reverb needs" in text
    assert "Bo Kern" not in text


async def test_who_leads_up_to_a_question_does_not_answer_it(similarity: Similarity) -> None:
    talk = PromptSource(
        1, "Names", "Show",
        "Bo Kern: What struck me is that the first mixer that you sold was called the mixer number two. Why was the "
        "first mixer called number two?\n\nAna Reyes: The first attempt was built in a garage, and it burnt down.",
        spoken=True,
    )  # fmt: skip
    text = await answer("Why was the first mixer called number two?", talk, similarity=similarity)
    assert text.startswith("**Ana Reyes:** The first attempt")
    assert "struck" not in text


async def test_who_asks_what_a_guest_says_is_told_the_guests_words(similarity: Similarity) -> None:
    alone = "A reverb fills the gaps between the words of a slow song."
    between = "Bo: A reverb is what Lena adds.\n\nLena Clair: A reverb needs a wall of its own."
    about = "A reverb is what Lena Clair always asks about, and no singer."
    guest, talk, other = (
        PromptSource(index, "Tails", "Show", text, spoken=True, speaker=speaker)
        for index, (text, speaker) in enumerate([(alone, "Lena Clair"), (between, None), (about, "Bo Kern")], 1)
    )
    text = await answer("What does Lena say about a reverb?", other, talk, guest, similarity=similarity)
    assert text.startswith("**Lena Clair:** ")
    assert "Bo" not in text
    assert await answer("What does Lena say about a reverb?", other, guest, similarity=similarity) == (
        f"**Lena Clair:** {alone} [1]"
    )


async def test_what_follows_from_something_is_not_said_without_it_by_a_speaker(similarity: Similarity) -> None:
    said = (
        "It is not that all the others do it. And therefore I need to add rules for the choir without meaning them.\n\n"
        "A choir keeps rules so that newcomers know what to expect of the others."
    )
    text = await answer(
        "Why does a choir need rules?", PromptSource(1, "Choirs", "Ana", said, spoken=True), similarity=similarity
    )
    assert "without meaning them" not in text
    assert "A choir keeps rules" in text


def test_a_label_may_end_with_a_picture() -> None:
    said = (
        "Bo Kern: What is a net?\n\nAna Reyes✌️: It is a thing that is made of boats.\n\n"
        "Bo Kern: All boats here need it very badly."
    )
    assert {one.speaker for one in read_passage("It is a net of many boats.", speaker="Ana Reyes✌️")} == {"Ana Reyes"}
    assert [(one.speaker, one.text) for one in read_passage(said, spoken=True)] == [
        ("Bo Kern", "What is a net?"),
        ("Ana Reyes", "It is a thing that is made of boats."),
        ("Bo Kern", "All boats here need it very badly."),
    ]


def test_a_notice_with_a_picture_is_no_speaker() -> None:
    said = "Ana: What is a net for boats?\n\nNote ✅: Nets are stored flat by nobody.\n\nAna: All nets are dry things."
    assert {one.speaker for one in read_passage(said, spoken=True)} == {"Ana"}


@pytest.mark.parametrize("name", ["अनिता", "Zoë", "José M.", "นารี", "Ana (host)", "मीरा जोशी"])
def test_a_name_in_any_script_stays_whole(name: str) -> None:
    assert {one.speaker for one in read_passage("It is a net of many boats.", speaker=name)} == {name}
