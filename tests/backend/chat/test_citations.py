"""Whether each cited sentence of a finished answer is borne out by what it cites."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from backend.chat.citations import MOST_TEXTS, Citation, check
from backend.chat.claims import MARKER
from backend.chat.particulars import denies, is_english, names, numbers, told_numbers
from backend.knowledge.embedders import Embedders
from backend.knowledge.models import EmbeddingModel
from backend.knowledge.similarity import Similarity
from backend.llm.tier import PromptSource
from tests.backend.one_model import OneModel
from tests.service import PATIENCE_S

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


ROOM = PromptSource(
    1,
    "Small rooms",
    "Ana Reyes",
    "A bedroom of 12 square metres booms at forty-four point one hertz. The bass piles up in the corners, so put thick "
    "traps there before you buy anything else. Egg boxes do not absorb low notes. Berta Lund measured this in Oslo.",
)


async def supported(claim: str, similarity: Similarity | None = None, source: PromptSource = ROOM) -> bool:
    (citation,) = await check(f"{claim} [{source.index}]", [source], similarity)
    return citation.supported


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("A bedroom of 12 square metres booms.", "A bedroom of 14 square metres booms."),
        ("A bedroom booms at 44.1 hertz.", "A bedroom booms at 48 hertz."),
        ("Low notes were measured by Berta Lund.", "Low notes were measured by Dora Lund."),
        ("Put thick traps in the corners.", "Never put thick traps in the corners."),
        ("Egg boxes don't absorb low notes.", "Egg boxes would absorb notes in Bergen."),
    ],
)
async def test_one_wrong_number_name_or_denial_is_enough_however_alike_the_rest_is(right: str, wrong: str) -> None:
    assert await supported(right)
    assert not await supported(wrong)


async def test_capitals_are_no_names_where_a_language_writes_every_noun_with_one() -> None:
    german = PromptSource(
        1, "Räume", "Ana Reyes", "Der Bass sammelt sich in den Ecken. Dicke Absorber helfen dort am besten."
    )
    assert await supported("Der Bass sammelt sich in den Ecken, dort helfen dicke Absorber dem Klang.", None, german)


PARAPHRASE = "Egg cartons are useless against low frequency notes, they do not absorb."
ELSEWHERE = "The corners of a bed of corn need thick and low fences."


async def test_where_words_leave_it_open_what_is_meant_decides(similarity: Similarity) -> None:
    assert await supported(PARAPHRASE, similarity)
    assert not await supported(ELSEWHERE, similarity)
    assert await supported("The corners need thick and low traps in every bedroom garden shed.", None)
    assert not await supported("The corners need thick and low traps in every bedroom garden shed in Bergen.", None)


async def test_similar_words_about_another_number_are_not_supported_by_similarity(similarity: Similarity) -> None:
    assert not await supported(
        "All 8 egg cartons are useless against low frequency notes, they do not absorb.", similarity
    )


async def test_another_model_an_absent_index_or_a_busy_one_leaves_the_judgement_to_the_words(
    embedders: tuple[Embedders, EmbeddingModel], caplog: pytest.LogCaptureFixture
) -> None:
    opened, model = embedders
    by_words = await supported(PARAPHRASE)
    other = EmbeddingModel("another/model", "another-1", 384)
    for index in (OneModel(other), OneModel(None), OneModel(model, away=True)):
        assert await supported(PARAPHRASE, Similarity(index, opened, PATIENCE_S)) == by_words  # type: ignore[arg-type]
    assert await supported(PARAPHRASE, Similarity(OneModel(model), opened, patience_s=0.0)) == by_words  # type: ignore[arg-type]
    assert "words alone decide" in caplog.text
    assert "cartons" not in caplog.text


@pytest.mark.alone
async def test_a_long_answer_is_embedded_only_so_far(similarity: Similarity, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    best = similarity.best

    async def counted(pairs: Sequence[tuple[str, Sequence[str]]]) -> list[float] | None:
        asked.extend(text for sentence, others in pairs for text in (sentence, *others))
        return await best(pairs)

    monkeypatch.setattr(similarity, "best", counted)
    answer = " ".join(
        f"Heavy absorber number {word} belongs in the corners, where bass piles up. [1]" for word in WORDS
    )
    begun = time.perf_counter()
    citations = await check(answer, [ROOM], similarity)
    assert time.perf_counter() - begun < 2
    assert len(citations) == len(WORDS)
    assert 0 < len(asked) <= MOST_TEXTS
    asked.clear()
    await check("The bass piles up in the corners, so put thick traps there. [1]", [ROOM], similarity)
    assert asked == []


WORDS = [f"{first}{second}" for first in "bcdfgklm" for second in ("ado", "eto", "iko", "olu", "una")]


def test_numbers_are_the_same_however_they_are_written_or_said() -> None:
    assert numbers("1,000 and 1.000 and 0,50 and 007 at 3:30") == {"1000", ".5", "7", "3", "30"}
    said = "forty-four point one, twenty four bit, two thousand and five, nineteen ninety-five, three hundred thousand"
    assert {"44.1", "24", "2005", "1995", "300000"} <= told_numbers(said)
    assert "13" not in told_numbers("three. Ten")


def test_names_are_words_with_a_capital_that_no_sentence_begins_with() -> None:
    assert names("Then Ana met Bo. He said: Come to Oslo!") == ["ana", "bo", "oslo"]
    assert is_english("This is what we do with it in the room.")
    assert not is_english("Der Bass sammelt sich in den Ecken.")


def test_a_denial_is_told_from_a_choice() -> None:
    assert denies("It doesn't work")
    assert denies("No, never")
    assert not denies("Whether or not you like it")


async def test_an_answer_of_nothing_but_brackets_is_read_while_others_go_on() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    working = asyncio.create_task(others())
    assert await check(f"{'![' * 5000} [9]", SOURCES) == []
    working.cancel()
    assert turns > 5


def test_white_space_before_what_is_no_marker_is_no_work() -> None:
    began = time.process_time()
    assert MARKER.sub("", f"It is so{' ' * 30_000}now \n [1][2] [12345].") == f"It is so{' ' * 30_000}now [12345]."
    assert time.process_time() - began < 0.25
