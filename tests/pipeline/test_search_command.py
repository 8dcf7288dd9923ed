"""What `footnote search` shows of a question: the service's own stages, and whether it would answer."""

import re
from pathlib import Path

import pytest
from rich.text import Text

from backend.errors import ContentError
from backend.knowledge.catalogue import Catalogue
from backend.knowledge.embedders import open_embedders
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.recent_documents import RecentDocuments
from backend.knowledge.searcher import Searcher
from backend.retrieval.models import Retrieved
from backend.retrieval.retriever import Retriever
from backend.settings import Settings
from pipeline.commands.search import ask, report, run
from pipeline.snippet import snippet
from tests.pipeline.library import Library

BREAD = "Knead the dough for {0} minutes and let it rest {0} hours in kitchen {0}, which is cold. "
OVEN = "Heat the oven with a stone in it, and bake the loaf until the crust is dark. "
DOUGH = [
    f"{' '.join(BREAD.format(8 * page + line) for line in range(6))} So says page {page} of the notes on dough."
    for page in range(8)
]
OTHERS = ("rye", "wheat", "spelt", "barley", "oats", "corn", "rice", "teff", "millet", "sorghum", "durum")


@pytest.fixture
async def kitchen(library: Library, settings: Settings) -> Library:
    """A document of many passages about dough, one about ovens, and eleven of one passage about flours."""
    library.settings.data_dir.mkdir()
    (library.settings.data_dir / "models").symlink_to(settings.data_dir / "models")
    parts = (f"## Part {number}\n\n{text}" for number, text in enumerate(DOUGH))
    library.write("dough.md", "\n\n".join(("---\ntitle: Dough\n---", *parts)))
    for flour in OTHERS:
        library.write(f"{flour}.md", f"Flour of {flour} makes a dough that one must knead with a little more water.")
    library.write("oven.vtt", f"WEBVTT\n\n00:01:05.000 --> 00:01:20.000\n{OVEN}\n")
    await library.ingest()
    return library


async def lines(library: Library, query: str, **wanted: str | None) -> list[Text]:
    creator, topic = wanted.get("creator", library.slug), wanted.get("topic")
    trace, known = await ask(library.settings, query, creator, topic)
    return report(trace, known, library.settings.retrieval, creator, topic)


async def as_the_service(library: Library, query: str) -> Retrieved:
    """The answer of a retriever that is composed as in the service."""
    embedders = await open_embedders(library.settings, library.index)
    searcher = Searcher(library.index, embedders, LexicalEncoder())
    retriever = Retriever(searcher, RecentDocuments(Catalogue(library.database)), library.settings.retrieval)
    found = await retriever.retrieve(query, creator=library.slug)
    await embedders.close()
    return found


async def test_the_sources_are_those_that_the_service_would_show(kitchen: Library) -> None:
    query = "How long do I knead the dough?"
    expected = await as_the_service(kitchen, query)
    trace, _ = await ask(kitchen.settings, query, kitchen.slug, None)
    assert expected.answerable
    assert trace.retrieved == expected
    said = [line.plain for line in await lines(kitchen, query)]
    for number, passage in enumerate(expected.passages, start=1):
        of_source = [line for line in said if f" source {number} · " in line]
        assert of_source
        assert all(passage.document.title in line for line in of_source)
    assert said[0] == f"searched “{query}” in what `{kitchen.slug}` has published"
    assert said[1].startswith("answer yes: the probability that they answer is 0.")


async def test_each_passage_has_its_place_its_scores_and_their_ranks(kitchen: Library) -> None:
    said = [line.plain for line in await lines(kitchen, "How dark should the crust of the loaf be?")]
    first = next(number for number, line in enumerate(said) if line.startswith("1. "))
    assert said[first].startswith("1. source 1 · ")
    assert said[first].endswith(" · Oven · 1:05")
    assert "cosine 0." in said[first + 1]
    assert re.search(r"\(#1\) by loaf, crust, dark · fused 0\.[6-9]\d\d$", said[first + 1])
    assert "BM25" in said[first + 1]


async def test_passages_of_one_document_give_way_to_other_documents(kitchen: Library) -> None:
    said = [line.plain for line in await lines(kitchen, "Knead the dough and let it rest overnight in a cold kitchen")]
    of_dough = [line for line in said if re.match(r"\d+\. .* · Dough · ", line)]
    assert len(of_dough) == len(DOUGH)
    sources = re.findall(r"\. (source \d) · ", "\n".join(of_dough))
    assert 2 <= len(set(sources)) == len(sources) < len(DOUGH)
    assert sum("not shown (others of its document, or the same words, come first)" in line for line in of_dough) > 0
    assert len(set(re.findall(r"\. (source \d) · ", "\n".join(said)))) == 6


async def test_matched_words_are_marked_also_in_another_form_and_stop_words_are_not(kitchen: Library) -> None:
    shown = [
        line for line in await lines(kitchen, "the kneading of loaves in ovens") if line.spans and "bake" in line.plain
    ]
    (line,) = shown
    assert {line.plain[span.start : span.end] for span in line.spans} >= {"oven"}
    assert not {line.plain[span.start : span.end].lower() for span in line.spans} & {"the", "in", "of"}


async def test_a_question_about_something_else_would_not_be_answered_and_the_reason_is_a_number(
    kitchen: Library,
) -> None:
    said = [line.plain for line in await lines(kitchen, "Which submarine crossed the Pacific?")]
    assert said[1].startswith(
        "answer no, the service would say that it found nothing: the probability that they answer is "
    )
    least = kitchen.settings.retrieval.min_confidence
    assert said[1].endswith(f"and `retrieval.min_confidence` is {least:g}.")
    fates = " ".join(said)
    assert [number for number in range(1, 7) if f" perhaps: source {number} · " in fates] == [1, 2, 3]  # as on the page
    assert "not shown (only 3 are)" in fates


async def test_a_document_that_was_deleted_a_moment_ago_is_no_source(kitchen: Library) -> None:
    rows = await kitchen.rows()
    await kitchen.ledger.silence([rows["oven.vtt"]["id"]])
    said = [line.plain for line in await lines(kitchen, "How dark should the crust of the loaf be?")]
    assert not any("Oven" in line for line in said)


async def test_a_topic_that_nothing_has_gives_way_to_everything_and_that_is_said(kitchen: Library) -> None:
    said = [line.plain for line in await lines(kitchen, "How long do I knead the dough?", topic="sailing")]
    assert said[0] == (
        f"searched “How long do I knead the dough?” in what `{kitchen.slug}` has published, topic `sailing`, "
        "which has no answer, and then in the whole library"
    )
    assert said[1].startswith("answer yes: ")


async def test_where_widening_is_forbidden_a_topic_that_nothing_has_finds_nothing(kitchen: Library) -> None:
    narrow = kitchen.settings.retrieval.model_copy(update={"widen": False})
    trace, known = await ask(
        kitchen.settings.model_copy(update={"retrieval": narrow}), "dough", kitchen.slug, "sailing"
    )
    assert [line.plain for line in report(trace, known, narrow, kitchen.slug, "sailing")] == [
        f"searched “dough” in what `{kitchen.slug}` has published, topic `sailing`",
        "answer no: there is nothing to find here, and the service would say so.",
    ]


async def test_an_unknown_creator_is_a_sentence_that_says_where_to_look(kitchen: Library) -> None:
    with pytest.raises(ContentError, match="`footnote status` lists them"):
        await ask(kitchen.settings, "dough", "nobody-at-all", None)


def test_nothing_to_search_for_is_refused_before_anything_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(tmp_path / "data"))
    with pytest.raises(ContentError, match="Say what to search for"):
        run("  ", None, None)
    assert not (tmp_path / "data").exists()


def test_the_snippet_is_where_the_words_stand_together() -> None:
    text = f"{'The loaf is one thing. ' * 30}{'Nothing here. ' * 30}Bake the loaf on a hot stone. {'And on. ' * 40}"
    found = snippet(text, "loaf stone baking")
    assert "Bake the loaf on a hot stone." in found.text
    assert found.text.startswith("…")
    assert found.text.endswith("…")
    assert found.words == ("loaf", "bake", "stone")
    assert {found.text[start:end] for start, end in found.matches} == {"loaf", "Bake", "stone"}


def test_a_snippet_of_a_script_without_spaces_has_an_end() -> None:
    found = snippet("音響室" * 5000, "音響室")
    assert 0 < len(found.text) < 1000
