"""A list is read with what announces it, as a list."""

import pytest

from backend.chat.citations import check
from backend.chat.markers import CitationFilter
from backend.knowledge.similarity import Similarity
from backend.llm.extractive_tier import NOT_DIRECT
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
        ("Vans are loud.", False, "", False, False),
        ("A spring reverb travels well with the following:", False, "", True, True),
        ("Felt under each of its feet.", True, "-", False, True),
        ("A strap around the lid.", True, "-", False, True),
        ("It is tightened twice.", True, "", False, True),
        ("Singers sit in front.", False, "", False, True),
    ]
    assert not any(said.about_itself for said in sentences)
    assert not any(said.lists or said.item for said in read_passage(PACKING, spoken=True))


STEPS = "Moving a spring reverb is done like this:\n\n1. close its lid; AND\n2. Wrap it in felt.\n3. Go back to step 1."


async def test_steps_keep_their_numbers_and_items_may_begin_small(similarity: Similarity) -> None:
    source = PromptSource(1, "Vans", "Ana Reyes", STEPS)
    assert (await answer("How is a spring reverb moved?", source, similarity=similarity)).endswith(
        "Moving a spring reverb is done like this: [1]\n\n1. Close its lid. [1]\n2. Wrap it in felt. [1]\n"
        "3. Go back to step 1. [1]"
    )


async def test_where_nothing_that_can_be_read_announces_a_list_an_item_may_answer(similarity: Similarity) -> None:
    lists = (
        "The studio bought a spring reverb. It cost more than a van.\n\nLet's look at felt:\n\n"
        "- Straps hold the lid.\n- Felt keeps a spring reverb dry.\n\nThe spring reverb was built in Kiel by hand."
    )
    source = PromptSource(1, "Vans", "Ana Reyes", lists)
    text = await answer("How is a spring reverb kept dry?", source, similarity=similarity)
    assert text.startswith("Felt keeps a spring reverb dry. [1]")


@pytest.mark.parametrize(
    "beyond",
    [
        "## Never\n\nPut it into the sea for a night.",
        "What never helps\n\nPut it into the sea for a night.",
        "She puts it into the sea for a night.",
        "I love my boat and its sails.",
        "It likes this:\n\n- `a=b;{}[x]<>`\n\nPut it into the sea for a night.",
    ],
)
async def test_a_whole_ends_at_a_heading_and_where_something_else_begins(beyond: str, similarity: Similarity) -> None:
    source = PromptSource(1, "Vans", "Ana Reyes", f"A spring reverb is kept dry with felt.\n\n{beyond}")
    text = await answer("How do I keep a spring reverb dry?", source, similarity=similarity)
    assert text == "A spring reverb is kept dry with felt. [1]"


async def test_what_only_announces_is_read_where_nothing_else_is_left(similarity: Similarity) -> None:
    text = (
        "A spring reverb likes these settings at home:\n\n- `a=b;{}[x]<>`\n\n"
        "Every spring reverb fears other settings in winter:\n\n- `c=d;{}[y]<>`"
    )
    source = PromptSource(1, "Vans", "Ana Reyes", text)
    said = await answer("What does a spring reverb like and what does it fear?", source, similarity=similarity)
    assert "[1]" in said
    assert ":" not in said.removeprefix(NOT_DIRECT)


@pytest.mark.parametrize("with_meaning", [True, False])
async def test_a_list_is_read_as_one_and_what_follows_it_is_a_paragraph(
    similarity: Similarity, *, with_meaning: bool
) -> None:
    source = PromptSource(1, "Vans", "Ana Reyes", PACKING)
    meaning = similarity if with_meaning else None
    text = await answer("How does a spring reverb travel well?", source, similarity=meaning)
    assert text.startswith(
        "A spring reverb travels well with the following: [1]\n\n- Felt under each of its feet. [1]\n"
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
    assert "Felt helps when one of these is true: [1]\n\n- A spring reverb is moved. [1]" in text


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


def words(count: int, first: str) -> str:
    """A sentence of so many words."""
    return f"{first} {' '.join(f'felt{number}' for number in range(count - len(first.split()) - 1))} end."


async def test_a_paragraph_is_begun_only_where_more_of_it_is_read(similarity: Similarity) -> None:
    begins, more = words(20, "The felt of a spring reverb is washed"), words(30, "Soap for a spring reverb is")
    source = PromptSource(1, "Vans", "Ana Reyes", f"{words(60, 'A spring reverb likes felt')}\n\n{begins} {more}")
    said = await answer("What does a spring reverb like?", source, similarity=similarity)
    assert said.startswith("A spring reverb likes felt")
    assert "is washed" not in said
    whole = PromptSource(1, "Vans", "Ana Reyes", f"{words(60, 'A spring reverb likes felt')}\n\n{begins}")
    assert "is washed" in await answer("What does a spring reverb like?", whole, similarity=similarity)


@pytest.mark.parametrize("announced", ["The following links make for good reading", "See also"])
async def test_titles_of_what_is_read_elsewhere_answer_nothing(announced: str, similarity: Similarity) -> None:
    text = f"Felt keeps springs dry.\n\n{announced}:\n\n- When to avoid a spring reverb\n- Spring reverb in vans"
    source = PromptSource(1, "Vans", "Ana Reyes", text)
    said = await answer("When should I avoid a spring reverb?", source, similarity=similarity)
    assert said.endswith("Felt keeps springs dry. [1]")
    assert "When to avoid" not in said


def test_a_list_about_links_is_read() -> None:
    assert [said.item for said in read_passage("A link of a chain has these parts:\n\n- A pin.\n- A plate.")] == [
        "",
        "-",
        "-",
    ]
