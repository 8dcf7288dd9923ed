"""The extractive tier where people speak to each other: bits of speech, a yes, what somebody tells of themselves."""

import pytest

from backend.knowledge.similarity import Similarity
from backend.llm.tier import PromptSource
from tests.backend.llm.extracted import answer


async def test_a_bit_in_between_does_not_end_what_is_read_unless_somebody_replies_to_it() -> None:
    said = (
        "Gil: A tape machine in a small studio was my worst purchase. It was, honestly? I mean... "
        "The heads have to be cleaned before every session. "
    )
    text = await answer("Is a tape machine good for a small studio?", PromptSource(1, "Tape", "Gil", said, spoken=True))
    assert text == (
        "A tape machine in a small studio was my worst purchase. [1] "
        "The heads have to be cleaned before every session. [1]"
    )
    replied = f"{said.replace('I mean...', '')}\n\nAna: Is yours old?\n\nGil: No, it is quite new and I keep it clean."
    text = await answer(
        "Is a tape machine good for a small studio?", PromptSource(1, "Tape", "Gil", replied, spoken=True)
    )
    assert "quite new" not in text


async def test_what_only_adds_to_the_answer_follows_it() -> None:
    said = (
        "Give every recording a licence, so that others know what they may do. "
        "Also tell them how you want to be named. Maybe add a file that says all of it."
    )
    text = await answer("How do I make a recording free for others?", PromptSource(1, "Licences", "Ana", said))
    assert text == (
        "Give every recording a licence, so that others know what they may do. [1] "
        "Also tell them how you want to be named. [1] Maybe add a file that says all of it. [1]"
    )


@pytest.mark.parametrize(
    ("question", "says_yes"),
    [
        ("Will my old badges keep working?", True),
        ("Will badges not keep working?", False),
        ("Will my badges only keep working after a year?", False),
        ("What are badges?", False),
    ],
)
async def test_a_yes_is_read_where_the_source_was_asked_the_same(question: str, says_yes: bool) -> None:
    said = (
        "**Will the old pages stay?**\n\nYes! Every page stays where it is.\n\n"
        "**What are badges for?**\n\nThey tell readers which version of a module it is.\n\n"
        "**Will my badges keep working?**\n\nYes! Badges of the old service lead to the new one."
    )
    text = await answer(question, PromptSource(1, "Moving", "Ana", said))
    assert ("Yes!" in text) == says_yes
    assert "Badges of the old service lead to the new one. [1]" in text


async def test_what_somebody_tells_of_themselves_answers_what_is_asked_about_them() -> None:
    source = PromptSource(
        1,
        "Sleep",
        "Ana Reyes",
        "Ana Reyes: You said that you have perfect pitch. When did you find out?\n\n"
        "Dex Morrow: I noticed it when I was six. My aunt had an organ that was a little flat.\n\n"
        "Ana Reyes: Dex Morrow has an organ now, too.",
    )
    assert (await answer("When did Dex Morrow find out that he has perfect pitch?", source)).startswith(
        "**Dex Morrow:** I noticed it when I was six. [1] My aunt had an organ"
    )


@pytest.mark.parametrize("question", ["How did Dex Morrow learn soldering?", "What taught Dex Morrow soldering first?"])
async def test_who_speaks_is_known_where_it_is_asked_what_they_did(question: str) -> None:
    source = PromptSource(
        1,
        "Radios",
        "Ana Reyes",
        "Ana Reyes: Dex Morrow, Dex Morrow! Dex Morrow is with us today, and Dex Morrow has brought a radio.\n\n"
        "Dex Morrow: I learned soldering from a book about radios and from burnt fingers.\n\n"
        "Ana Reyes: I learned soldering in school.",
    )
    text = await answer(question, source)
    assert text.startswith("**Dex Morrow:** I learned soldering from a book")
    assert "in school" not in text


async def test_what_was_mentioned_earlier_leads_up_to_what_is_said_of_it() -> None:
    source = PromptSource(
        1,
        "Traps",
        "Ana Reyes",
        "Ana Reyes: Dex, you've mentioned bass traps a few times, the first thing for a small studio...\n\n"
        "Dex Morrow: Right. Two bass traps take most of the boom out of such a room.",
    )
    text = await answer("Why put bass traps into a small studio?", source)
    assert text == "Two bass traps take most of the boom out of such a room. [1]"


async def test_an_aside_behind_the_question_does_not_answer_it() -> None:
    said = (
        "Gil: How is the tape of a tape machine cleaned? And give a few examples if you want to.\n\n"
        "Ana: Let me find that. The tape is drawn over a cloth with alcohol."
    )
    text = await answer("How is the tape cleaned?", PromptSource(1, "Tape", "Gil", said, spoken=True))
    assert text.startswith("**Ana:** The tape is drawn over a cloth")


@pytest.mark.parametrize(
    ("question", "replied"),
    [("Which kind of microphone fits a loud kitchen?", True), ("Do you hear the cooks or the pans?", False)],
)
@pytest.mark.parametrize("pause", [False, True])
async def test_a_short_reply_is_read_where_the_source_was_asked_something_like_it(
    question: str, similarity: Similarity, *, replied: bool, pause: bool
) -> None:
    reply = "A ribbon..." if pause else "A ribbon. No doubt."
    said = f"So which microphone fits a loud kitchen? {reply} You hear the cooks in a loud kitchen and not the pans."
    source = PromptSource(1, "Kitchens", "Ana", said, spoken=True)
    text = await answer(question, source, similarity=similarity)
    assert ("A ribbon. No doubt. You hear the cooks" in text) is (replied and not pause)
    assert "A ribbon..." not in text
    assert "You hear the cooks in a loud kitchen and not the pans. [1]" in text


@pytest.mark.parametrize(
    ("asked", "reply", "question"),
    [
        ("Should I avoid compression on vocals?", "Never.", "Should I use compression on vocals?"),
        ("Is compression good for vocals?", "Yes, always.", "Is compression bad for vocals?"),
        ("What is compression on vocals?", "Never mind.", "Why is there compression on a drum?"),
    ],
)
async def test_a_reply_to_another_question_is_not_read(
    asked: str, reply: str, question: str, similarity: Similarity
) -> None:
    said = f"{asked} {reply} Compression on vocals keeps the words in front of the band."
    text = await answer(question, PromptSource(1, "Vocals", "Ana", said, spoken=True), similarity=similarity)
    assert reply not in text
    assert "Compression on vocals keeps" in text
