"""A list is read with what announces it, as a list."""

import pytest

from backend.chat.citations import check
from backend.chat.markers import CitationFilter
from backend.knowledge.similarity import Similarity
from backend.llm.passage_sentences import read_passage
from backend.llm.tier import PromptSource
from tests.backend.llm.extracted import answer

PACKING = (
    "Vans are loud.\n\nA spring reverb travels well with the following:\n\n"
    "- Felt under each of its feet\n- A strap around the lid. It is tightened twice.\n\nSingers sit in front."
)


def test_the_items_of_a_list_go_on_with_what_announces_them() -> None:
    sentences = read_passage(PACKING)
    assert [(said.text, said.continues, said.item, said.lists, said.usable) for said in sentences] == [
        ("Vans are loud.", False, False, False, False),
        ("A spring reverb travels well with the following:", False, False, True, True),
        ("Felt under each of its feet.", True, True, False, True),
        ("A strap around the lid.", True, True, False, True),
        ("It is tightened twice.", True, False, False, True),
        ("Singers sit in front.", False, False, False, True),
    ]
    assert not any(said.about_itself for said in sentences)
    assert not any(said.lists or said.item for said in read_passage(PACKING, spoken=True))


@pytest.mark.parametrize("with_meaning", [True, False])
async def test_a_list_is_read_as_one_and_what_follows_it_is_a_paragraph(
    similarity: Similarity, *, with_meaning: bool
) -> None:
    source = PromptSource(1, "Vans", "Ana Reyes", PACKING)
    meaning = similarity if with_meaning else None
    text = await answer("How does a spring reverb travel well?", source, similarity=meaning)
    assert text.startswith(
        "A spring reverb travels well with the following: [1]\n- Felt under each of its feet. [1]\n"
        "- A strap around the lid. [1] It is tightened twice. [1]"
    )
    if with_meaning:
        assert text.endswith("twice. [1]\n\nSingers sit in front. [1]")
    filtered = CitationFilter(1)
    assert filtered.feed(text) + filtered.finish() == text
    assert all(citation.supported for citation in await check(text, [source], similarity))


async def test_an_answer_begins_with_what_announces_a_list_and_not_with_one_of_many(similarity: Similarity) -> None:
    source = PromptSource(
        1,
        "Vans",
        "Ana Reyes",
        "Felt helps when one of these is true:\n\n- A spring reverb is moved.\n- A spring reverb is moved at night.",
    )
    text = await answer("Why is a spring reverb moved at night?", source, similarity=similarity)
    assert "Felt helps when one of these is true: [1]\n- A spring reverb is moved. [1]" in text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("A spring reverb likes these things:", "A spring reverb likes these things. [1]"),
        ("Felt keeps a spring reverb dry. It likes these things:", "Felt keeps a spring reverb dry. [1]"),
        (
            "Felt keeps a spring reverb dry. The following links make for good reading:",
            "Felt keeps a spring reverb dry. [1]",
        ),
    ],
)
async def test_what_announces_a_list_that_is_not_read_has_no_colon(
    text: str, read: str, similarity: Similarity
) -> None:
    item = "- Felt, " + ", ".join(f"cloth number {number}" for number in range(60))
    source = PromptSource(1, "Vans", "Ana Reyes", f"{text}\n\n{item}")
    said = await answer("What does a spring reverb like?", source, similarity=similarity)
    assert said.endswith(read)
