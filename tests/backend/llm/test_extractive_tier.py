"""The extractive tier: what a newcomer reads is whole sentences about the question, each with its footnote."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from backend.chat.citations import check
from backend.knowledge.similarity import Similarity
from backend.llm.extract import extract
from backend.llm.reading import Reading
from backend.llm.tier import PromptSource, TierFailure
from tests.backend.llm.extracted import answer

ROOM = PromptSource(
    1,
    "Treat the room first",
    "Ana Reyes",
    "Every week somebody asks me which monitors to buy. So, um, you know, bass traps belong in the the corners of the "
    "room. That's because low frequencies gather there. And that is the whole secret. Do you need a ceiling panel? "
    "Thanks for watching, and subscribe!",
    spoken=True,
)
LOUD = PromptSource(
    2,
    "Loud masters",
    "Dex Morrow",
    "Bass traps belong to a hobby of other people. I put my money into headphones instead.",
    spoken=True,
)
CODE = PromptSource(
    3,
    "Traps in code",
    "Ana Reyes",
    "Bass traps\n\n```python\nbass_traps = corners[0]\n```\n\n| trap | size |\n\n"
    "* Thick traps in a corner reach lower\n\nwhere bass traps end",
    spoken=True,
)


async def test_the_answer_is_the_sentence_in_question_with_what_explains_it() -> None:
    assert await answer("Where do bass traps belong?", ROOM) == (
        "Bass traps belong in the corners of the room. [1] That's because low frequencies gather there. [1] "
        "And that is the whole secret. [1]"
    )


async def test_where_several_creators_speak_each_is_named() -> None:
    text = await answer("Where do bass traps belong?", ROOM, LOUD)
    assert "**From Ana Reyes:** Bass traps belong in the corners" in text
    assert "\n\n**From Dex Morrow:** Bass traps belong to a hobby of other people. [2]" in text


async def test_who_speaks_of_themselves_is_named_where_others_were_found_too() -> None:
    mine = PromptSource(1, "Levels", "Dex Morrow", "How loud should your master be? Mine come out at minus nine LUFS.")
    assert (await answer("How loud should my master be?", mine, ROOM)).startswith("**From Dex Morrow:** Mine come out")
    assert (await answer("How loud should my master be?", mine)).startswith("Mine come out")
    assert (await answer("Where do bass traps belong?", ROOM, mine)).startswith("Bass traps belong")
    disk = PromptSource(1, "Disks", "Dex Morrow", "A slow disk makes I/O wait for its platter to turn.")
    assert (await answer("What does a slow disk do?", disk, ROOM)).startswith("A slow disk")


async def test_headings_tables_code_and_fragments_stay_out() -> None:
    assert await answer("Which bass traps reach lower?", CODE) == "Thick traps in a corner reach lower. [3]"


async def test_every_sentence_is_borne_out_by_the_source_it_cites() -> None:
    text = await answer("Where do bass traps belong?", ROOM, LOUD, CODE)
    citations = await check(text, (ROOM, LOUD, CODE))
    assert len(citations) == len(re.findall(r"\[\d\]", text))
    assert all(citation.supported for citation in citations)


async def test_what_is_said_twice_is_read_once() -> None:
    twin = PromptSource(2, "Again", "Ana Reyes", ROOM.text)
    text = await answer("Where do bass traps belong?", ROOM, twin)
    assert text.count("corners of the room") == 1


async def test_a_question_in_other_words_still_gets_the_best_source() -> None:
    assert (await answer("Wo fange ich an?", LOUD)).startswith("Bass traps belong to a hobby of other people. [2]")


TALK = PromptSource(
    1,
    "On foam",
    "Dex Morrow",
    "Dex Morrow: I bought foam once. What is the difference between foam and a trap?\n\n"
    'Ana Reyes, M.A.: I would say, foam is like "Oh, this looks nice. It must help."\n\n'
    "Dex Morrow: Right, sure.\n\n"
    "Ana Reyes, M.A.: But a trap is a thing that eats bass. [laughter] So it is kind of heavy, you know.",
    spoken=True,
)


async def test_a_conversation_reads_as_one_answer_without_asides_and_interjections() -> None:
    assert await answer("What is the difference between foam and a trap?", TALK) == (
        '**Ana Reyes, M.A.:** Foam is like "Oh, this looks nice. It must help." [1] But a trap is a thing that eats '
        "bass. [1] So it is heavy. [1]"
    )


async def test_a_date_or_a_name_is_answered_briefly_and_a_reason_at_more_length() -> None:
    source = PromptSource(
        1,
        "The studio",
        "Ana Reyes",
        "The studio opened in 1997 in an old dairy behind the harbour of the town. "
        "Its walls are of brick because brick keeps out the noise of the trains that pass all night. "
        "Every stone of the vault was cleaned by hand, which took two winters. "
        "Carpets came last, as carpets always do.",
    )
    when = await answer("When did the studio open?", source)
    why = await answer("Why does the studio have walls of brick?", source)
    assert when.startswith("The studio opened in 1997")
    assert "Carpets" not in when
    assert why.startswith("The studio opened in 1997")
    assert "because brick keeps out the noise" in why
    assert "cleaned by hand" in why


async def test_a_definition_comes_before_whatever_else_mentions_the_subject() -> None:
    first = PromptSource(1, "Uses", "Ana Reyes", "You can cut a bass trap in two. Bass trap on bass trap is a wall.")
    maker = PromptSource(
        3, "Tools", "Ana Reyes", "A program called Bass Trap Maker draws it. I didn't even know what a bass trap was."
    )
    other = PromptSource(2, "Basics", "Ana Reyes", "A bass trap is an absorber for the lowest notes of a room.")
    assert (await answer("What is a bass trap?", maker, first, other)).startswith("A bass trap is an absorber")
    no = PromptSource(1, "Myths", "Ana Reyes", "A bass trap is not a problem that many singers have on trams.")
    yes = PromptSource(2, "Walls", "Ana Reyes", "We define a bass trap as a wall of wool. Cables are black.")
    assert (await answer("What is a bass trap?", no, yes)).startswith("We define a bass trap")


async def test_a_sentence_that_points_at_nothing_is_not_read() -> None:
    source = PromptSource(
        1, "Cut off", "Ana Reyes", "That is why bass traps work in corners. Bass traps in corners work by friction."
    )
    assert await answer("Why do bass traps work in corners?", source) == "Bass traps in corners work by friction. [1]"


async def test_captions_without_full_stops_are_quoted() -> None:
    captions = PromptSource(1, "Raw", "Ana Reyes", "so the thing with bass traps is " * 30)
    text = await answer("Where do bass traps belong?", captions)
    assert text.startswith("“so the thing")
    assert text.endswith("…” [1]")


async def test_what_an_aside_names_is_defined_behind_it() -> None:
    source = PromptSource(
        1,
        "The fair",
        "Ana Reyes",
        "Dex Morrow: What would you like to talk about?\n\n"
        "Ana Reyes: I would like to talk about Code The Attic. It's a school that teaches sound to poor people. "
        "Lessons are on Sundays.\n\n"
        "Dex Morrow: I heard of Code The Attic when two friends of mine spoke of Code The Attic on the tram.",
    )
    assert (await answer("What is Code The Attic?", source)).startswith(
        "It's a school that teaches sound to poor people. [1] Lessons are on Sundays. [1]"
    )


async def test_what_follows_the_name_behind_a_pause_defines_it_in_the_middle_of_a_sentence() -> None:
    uses = PromptSource(
        1, "Uses", "Ana Reyes", "That is why we have the wave format as the interface of the wave tool.", spoken=True
    )
    meant = PromptSource(
        2,
        "Storage",
        "Dex Morrow",
        "Ana Reyes: The interface for all that is the wave format; this is an open standard, as I said earlier.",
        spoken=True,
    )
    assert (await answer("What is the wave format?", uses, meant)).startswith(
        "**Ana Reyes (Dex Morrow):** The interface for all"
    )


async def test_who_is_asked_may_clear_their_throat_before_the_answer() -> None:
    source = PromptSource(
        1,
        "Mentors",
        "Ana Reyes",
        "Dex Morrow: I was a mentor once, and a mentor is never rich. What does a mentor do?\n\n"
        "Ana Reyes: Now you're asking. I like it. To me, a good one clears the way for somebody with less experience.",
        spoken=True,
    )
    text = await answer("What does a mentor do?", source)
    assert text.startswith("To me, a good one clears the way")


async def test_bits_that_lie_close_together_are_read_as_one_stretch() -> None:
    source = PromptSource(
        1,
        "Frameworks",
        "Ana Reyes",
        "Ana Reyes: The web frameworks in the survey were counted. Node leads by a mile. "
        "The web framework with the steepest rise in the survey of this year is FastBird, from nowhere.\n\n"
        "Dex Morrow: Its share has grown by a half.",
        spoken=True,
    )
    assert await answer("Which web frameworks in the survey were counted, and which rise?", source) == (
        "**Ana Reyes:** The web frameworks in the survey were counted. [1] Node leads by a mile. [1] The web framework "
        "with the steepest rise in the survey of this year is FastBird, from nowhere. [1]\n\n"
        "**Dex Morrow:** Its share has grown by a half. [1]"
    )


async def test_speech_that_breaks_off_is_left_out_and_the_next_speaker_goes_on() -> None:
    source = PromptSource(
        1,
        "Upstream",
        "Ana Reyes",
        "Dex Morrow: Working upstream helps with hiring. It's like\n\n"
        "Ana Reyes: People get to know you there before you need them.",
        spoken=True,
    )
    assert await answer("Why does working upstream help with hiring?", source) == (
        "**Dex Morrow:** Working upstream helps with hiring. [1]\n\n"
        "**Ana Reyes:** People get to know you there before you need them. [1]"
    )


async def test_what_listeners_throw_in_is_left_out() -> None:
    said = "Bass traps belong in corners. Wow. Okay, that's right. Low notes gather in corners."
    text = await answer("Where do bass traps belong?", PromptSource(1, "Traps", "Ana Reyes", said))
    assert text == "Bass traps belong in corners. [1] Low notes gather in corners. [1]"


async def test_a_conclusion_does_not_stand_for_what_it_concludes(similarity: Similarity) -> None:
    said = "Dex: Yes.\n\nAna: For me, that's what mixing is.\n\nAna: Mixing sets the levels of all tracks."
    text = await answer("What is mixing?", PromptSource(1, "Mixing", "Ana Reyes", said), similarity=similarity)
    assert "that's what" not in text
    assert text.endswith("Mixing sets the levels of all tracks. [1]")


async def test_a_question_in_british_english_finds_american_words() -> None:
    said = "The labels were printed at the harbor.\n\nColors let you organize your tracks."
    text = await answer("How do I organise by coloured labels?", PromptSource(1, "Mixes", "Ana Reyes", said))
    assert text.startswith("Colors let you organize")


SCRAPS = some.lists(
    some.sampled_from(
        ["Um.", "[1].", "**.", "Right.", "?", " ", "\n\n", "- ", "Ana: ", "word", "It is so.", "(laughs).", "…", "...",
         "uh, ", "you know. ", "[12:30]", "https://x.y. ", '"', "`a`.", "<b>", "1. ", "So, ", "Okay?", "[Music]", "—",
         ". ", "你好。"]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@given(question=SCRAPS, texts=some.lists(SCRAPS, min_size=1, max_size=3))
def test_whatever_a_source_holds_it_is_read(question: str, texts: list[str]) -> None:
    reading = Reading(question, [PromptSource(n, "T", "A", text) for n, text in enumerate(texts, 1)])
    for meanings in (None, dict.fromkeys(reading.worth_comparing(), 0.6)):
        for extracted in extract(reading, meanings).extracts:
            assert extracted.sentences
            assert all(said.text.strip() for said in extracted.sentences)


async def test_without_sources_it_has_nothing_to_say() -> None:
    with pytest.raises(TierFailure) as failure:
        await answer("Where?")
    assert failure.value.outcome == "empty"


@pytest.mark.alone
async def test_twenty_long_sources_are_read_in_the_blink_of_an_eye() -> None:
    sources = [
        PromptSource(n, "Talk", "Ana Reyes", f"Point {n} about bass traps, one of many. " * 40) for n in range(1, 21)
    ]
    begun = time.perf_counter()
    await answer("Where do bass traps belong?", *sources)
    assert time.perf_counter() - begun < 1


async def test_a_statement_before_a_pause_is_read_and_a_broken_off_one_is_not() -> None:
    source = PromptSource(
        1,
        "Pauses",
        "Ana Reyes",
        "Thick bass traps are what changed the sound of my room because... "
        "Thick bass traps changed what a small room sounds like...",
    )
    assert await answer("What do thick bass traps change?", source) == (
        "Thick bass traps changed what a small room sounds like... [1]"
    )
