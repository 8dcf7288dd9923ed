"""Whether each cited sentence of a finished answer is borne out by what it cites."""

from backend.chat.citations import Citation, check
from backend.llm.tier import PromptSource

SOURCES = (
    PromptSource(1, "Room first", "Ana Reyes", "Thick absorbers at the first reflection points tame a small bedroom."),
    PromptSource(
        2, "Loud masters", "Dex Morrow", "Club music may measure minus nine LUFS with a ceiling of -0.5 dBTP."
    ),
)


async def test_a_sentence_in_the_words_of_its_passage_is_supported() -> None:
    assert await check("In a small bedroom, absorb the first reflections with thick absorbers [1].", SOURCES) == [
        Citation(1, "In a small bedroom, absorb the first reflections with thick absorbers.", True)
    ]


async def test_a_sentence_that_cites_the_wrong_passage_is_flagged_and_kept() -> None:
    assert await check("Club music may measure -9 LUFS [1].", SOURCES) == [
        Citation(1, "Club music may measure -9 LUFS.", False)
    ]


async def test_each_marker_is_judged_and_two_passages_may_bear_a_sentence_together() -> None:
    answer = "Use thick absorbers in a small bedroom, and keep the ceiling at -0.5 dBTP for club music. [1][2]"
    assert [(citation.index, citation.supported) for citation in await check(answer, SOURCES)] == [(1, True), (2, True)]


async def test_sentences_without_a_marker_and_markers_in_code_are_no_citations() -> None:
    assert await check("Treat the room. `a[1]`\n\n```\nx[1] = 2\n```\n", SOURCES) == []


async def test_list_items_and_sentences_are_told_apart() -> None:
    answer = (
        "Do this:\n- Thick absorbers [1]\n- A ceiling of -0.5 dBTP. [2] A small bedroom needs it, says Ana Reyes. [1]"
    )
    assert [(citation.index, citation.sentence) for citation in await check(answer, SOURCES)] == [
        (1, "Thick absorbers"),
        (2, "A ceiling of -0.5 dBTP."),
        (1, "A small bedroom needs it, says Ana Reyes."),
    ]


async def test_an_answer_without_sources_or_words_has_no_citations() -> None:
    assert await check("Hello [1].", ()) == []
    assert await check("", SOURCES) == []
