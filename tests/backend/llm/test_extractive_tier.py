"""The extractive tier: what a newcomer reads is whole sentences about the question, each with its footnote."""

import re
import time

import pytest

from backend.chat.citations import check
from backend.llm.extractive_tier import ExtractiveTier
from backend.llm.tier import Finish, Prompt, PromptSource, TierFailure, Token

ROOM = PromptSource(
    1,
    "Treat the room first",
    "Ana Reyes",
    "Every week somebody asks me which monitors to buy. So, um, you know, bass traps belong in the the corners of the "
    "room. That's because low frequencies gather there. And that is the whole secret. Do you need a ceiling panel? "
    "Thanks for watching, and subscribe!",
)
LOUD = PromptSource(
    2,
    "Loud masters",
    "Dex Morrow",
    "Bass traps belong to a hobby of other people. I put my money into headphones instead.",
)
CODE = PromptSource(
    3,
    "Traps in code",
    "Ana Reyes",
    "Bass traps\n\n```python\nbass_traps = corners[0]\n```\n\n| trap | size |\n\n"
    "* Thick traps in a corner reach lower\n\nwhere bass traps end",
)


def prompt_for(question: str, *sources: PromptSource) -> Prompt:
    return Prompt(messages=(), question=question, sources=sources, tokens=0, max_tokens=100)


async def answer(question: str, *sources: PromptSource) -> str:
    events = [event async for event in ExtractiveTier("extractive").stream(prompt_for(question, *sources))]
    assert events[-1] == Finish("stop")
    tokens = [event.text for event in events[:-1] if isinstance(event, Token)]
    assert len(tokens) == len(events) - 1
    assert all(len(token.split()) == 1 for token in tokens)
    return "".join(tokens)


async def test_the_answer_is_the_sentence_in_question_with_what_explains_it() -> None:
    assert await answer("Where do bass traps belong?", ROOM) == (
        "Bass traps belong in the corners of the room. [1] That's because low frequencies gather there. [1] "
        "And that is the whole secret. [1]"
    )


async def test_where_several_creators_speak_each_is_named() -> None:
    text = await answer("Where do bass traps belong?", ROOM, LOUD)
    assert "**From Ana Reyes:** Bass traps belong in the corners" in text
    assert "\n\n**From Dex Morrow:** Bass traps belong to a hobby of other people. [2]" in text


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


async def test_captions_without_full_stops_are_quoted() -> None:
    captions = PromptSource(1, "Raw", "Ana Reyes", "so the thing with bass traps is " * 30)
    text = await answer("Where do bass traps belong?", captions)
    assert text.startswith("“so the thing")
    assert text.endswith("…” [1]")


async def test_without_sources_it_has_nothing_to_say() -> None:
    with pytest.raises(TierFailure) as failure:
        await answer("Where?")
    assert failure.value.outcome == "empty"


async def test_twenty_long_sources_are_read_in_the_blink_of_an_eye() -> None:
    sources = [
        PromptSource(n, "Talk", "Ana Reyes", f"Point {n} about bass traps, one of many. " * 40) for n in range(1, 21)
    ]
    begun = time.perf_counter()
    await answer("Where do bass traps belong?", *sources)
    assert time.perf_counter() - begun < 1
