"""What was edited, moved, repeated or taken away is recognised, and only what is new is embedded."""

import asyncio
import shutil
from collections.abc import Generator, Iterable

import pytest

from backend.knowledge.opening import open_index
from pipeline.engines.engine import Batch
from pipeline.ingest import Told
from pipeline.source import Task
from tests.pipeline.library import CountingEngine, Library
from tests.pipeline.test_ingest import ARTICLE, TALK, long_article

SUBJECTS = "echo hum hiss rumble wind rain wood glass brick felt foam sand".split()
PARAGRAPHS = [
    f"Paragraph {name} speaks of {subject}, and says so at some length, because a short paragraph would be joined with "
    f"its neighbours and nobody could tell them apart. {subject.capitalize()} needs patience, time and a quiet room; "
    f"who hurries hears nothing. Then listen again on another day, and write down what you hear of {subject}."
    for name, subject in zip("ABCDEFGHIJKL", SUBJECTS, strict=True)
]


async def test_editing_one_paragraph_embeds_only_the_passages_it_is_in(library: Library) -> None:
    library.write("rooms.md", "\n\n".join(PARAGRAPHS))
    library.write("other.md", long_article("hum", 3))
    first = await library.ingest()
    before = await library.indexed()
    edited = PARAGRAPHS[5].replace("quiet room", "silent cellar")
    library.write("rooms.md", "\n\n".join([*PARAGRAPHS[:5], edited, *PARAGRAPHS[6:]]))
    engine = CountingEngine(library.engine)
    summary = await library.ingest(engine=engine)
    assert (summary.changed, summary.unchanged) == (1, 1)
    after = await library.indexed()
    changed = [chunk for id, chunk in after.items() if id not in before]
    assert 1 <= engine.embedded == summary.embedded == len(changed) <= 2
    assert all("silent cellar" in chunk.text for chunk in changed if "Paragraph F" in chunk.text)
    assert len(after) == len(before) == first.chunks
    assert not any("Rain needs patience, time and a quiet room" in chunk.text for chunk in after.values())


async def test_a_renamed_file_stays_the_same_document_and_nothing_is_embedded(library: Library) -> None:
    path = library.write("talk.vtt", f"{TALK}\n02:00.000 --> 02:05.000\n<v Ana>And then you wait.\n")
    library.write("talk.yaml", "title: On levels\n")
    await library.ingest()
    before = await library.rows()
    scores = await library.scores()
    (library.content / "2024").mkdir()
    path.rename(library.content / "2024" / "levels.vtt")
    (library.content / "talk.yaml").rename(library.content / "2024" / "levels.yaml")
    engine = CountingEngine(library.engine)
    summary = await library.ingest(engine=engine)
    assert (summary.moved, summary.added, summary.vanished, engine.embedded) == (1, 0, 0, 0)
    after = await library.rows()
    assert list(after) == ["2024/levels.vtt"]
    assert after["2024/levels.vtt"]["id"] == before["talk.vtt"]["id"]
    assert await library.scores() == scores
    assert (await library.ingest()).unchanged == 1


async def test_a_folder_that_lies_elsewhere_now_changes_nothing_but_the_place(library: Library) -> None:
    library.write("rooms.md", ARTICLE)
    await library.ingest()
    elsewhere = library.content.with_name("elsewhere")
    library.content.rename(elsewhere)
    library.content = elsewhere
    engine = CountingEngine(library.engine)
    summary = await library.ingest(engine=engine)
    assert (summary.unchanged, engine.sources) == (1, 0)
    assert (await library.rows())["rooms.md"]["origin"] == str(elsewhere / "rooms.md")


@pytest.mark.parametrize(
    "second", [ARTICLE, f"---\ntitle: Other\n---\n{ARTICLE.split('---')[2]}"], ids=["the same bytes", "the same words"]
)
async def test_the_same_content_twice_answers_once_and_the_second_is_told(library: Library, second: str) -> None:
    library.write("a.md", ARTICLE)
    library.write("b.md", second)
    summary = await library.ingest()
    assert (summary.added, summary.duplicates) == (1, 1)
    assert list(await library.answering()) == ["a.md"]
    told = [event for event in library.events if isinstance(event, Told)]
    assert [(event.about, event.text) for event in told] == [("duplicate", "the same content as a.md")]
    engine = CountingEngine(library.engine)
    again = await library.ingest(engine=engine)
    assert (again.added, again.changed, engine.sources) == (0, 0, 0)


async def test_a_repetition_becomes_a_document_when_its_original_changes(library: Library) -> None:
    library.write("a.md", ARTICLE)
    library.write("b.md", ARTICLE)
    await library.ingest()
    library.write("a.md", long_article("echo"))
    summary = await library.ingest()
    assert (summary.changed, summary.added) == (1, 1)
    assert sorted(await library.answering()) == ["a.md", "b.md"]


async def test_a_repetition_takes_the_place_of_an_original_that_is_pruned(library: Library) -> None:
    path = library.write("a.md", ARTICLE)
    library.write("b.md", ARTICLE)
    await library.ingest()
    path.unlink()
    summary = await library.ingest(prune=True)
    assert (summary.added, summary.removed) == (1, 1)
    assert list(await library.answering()) == ["b.md"]


async def test_a_document_that_comes_to_repeat_another_stops_answering(library: Library) -> None:
    library.write("a.md", ARTICLE)
    library.write("b.md", long_article("echo"))
    await library.ingest()
    library.write("b.md", ARTICLE)
    assert (await library.ingest()).duplicates == 1
    assert list(await library.answering()) == ["a.md"]
    assert {chunk.text for chunk in (await library.indexed()).values()} == {"A small room rings at low frequencies."}


async def test_two_files_that_change_places_keep_their_paths(library: Library) -> None:
    library.write("a.md", ARTICLE)
    library.write("b.md", long_article("echo"))
    await library.ingest()
    library.write("b.md", ARTICLE)
    library.write("a.md", long_article("echo"))
    await library.ingest()
    texts = await library.answering()
    assert "small room" in texts["b.md"][0]
    assert "echo" in texts["a.md"][0]


async def test_what_is_gone_answers_on_until_it_is_pruned(library: Library) -> None:
    library.write("a.md", ARTICLE)
    path = library.write("b.md", long_article("echo"))
    await library.ingest()
    path.unlink()
    summary = await library.ingest()
    assert (summary.vanished, summary.removed) == (1, 0)
    assert sorted(await library.answering()) == ["a.md", "b.md"]
    assert (await library.ingest(prune=True)).removed == 1
    assert list(await library.rows()) == ["a.md"]
    assert all("echo" not in chunk.text for chunk in (await library.indexed()).values())
    path.write_text(long_article("echo"))
    assert (await library.ingest()).added == 1


async def test_pruning_one_folder_leaves_the_others_alone(library: Library) -> None:
    library.write("creator.yaml", "slug: x\nname: X\n")
    library.write("talks/a.md", ARTICLE)
    path = library.write("posts/b.md", long_article("echo"))
    await library.ingest()
    path.unlink()
    summary = await library.ingest(target=library.content / "talks", prune=True)
    assert (summary.removed, summary.vanished) == (0, 0)
    assert sorted(await library.answering()) == ["posts/b.md", "talks/a.md"]


async def test_a_deleted_document_comes_back_when_it_is_named_itself(library: Library) -> None:
    path = library.write("a.md", ARTICLE)
    await library.ingest()
    await library.ledger.silence([(await library.rows())["a.md"]["id"]])
    assert await library.answering() == {}
    assert (await library.ingest()).left_out == 1
    assert (await library.ingest(target=path)).added == 1
    assert list(await library.answering()) == ["a.md"]


async def test_a_folder_within_the_folder_holds_the_same_documents(library: Library) -> None:
    library.write("a.md", ARTICLE)
    library.write("talks/a.md", long_article("echo"))
    await library.ingest()
    before = await library.rows()
    library.write("talks/b.md", long_article("hum"))
    summary = await library.ingest(target=library.content / "talks")
    assert (summary.added, summary.unchanged, summary.duplicates, summary.failed) == (1, 1, 0, 0)
    rows = await library.rows()
    assert sorted(rows) == ["a.md", "talks/a.md", "talks/b.md"]
    assert {uri: rows[uri]["id"] for uri in before} == {uri: row["id"] for uri, row in before.items()}
    assert (await library.ingest()).unchanged == 3


async def test_a_folder_around_the_folder_holds_the_same_documents_and_more(library: Library) -> None:
    library.write("talks/a.md", long_article("echo"))
    await library.ingest(target=library.content / "talks")
    (before,) = (await library.rows()).values()
    assert before["source_uri"] == "a.md"
    library.write("a.md", ARTICLE)
    summary = await library.ingest()
    assert (summary.added, summary.unchanged, summary.failed) == (1, 1, 0)
    rows = await library.rows()
    assert rows["talks/a.md"]["id"] == before["id"] != rows["a.md"]["id"]
    texts = await library.answering()
    assert "small room" in texts["a.md"][0]
    assert "echo" in texts["talks/a.md"][0]
    assert (await library.ingest()).unchanged == 2


async def test_an_export_that_comes_into_a_new_folder_every_day_is_the_same_documents(library: Library) -> None:
    library.write("monday/a.md", ARTICLE)
    library.write("monday/b.md", long_article("echo"))
    await library.ingest(target=library.content / "monday")
    library.write("tuesday/a.md", ARTICLE)
    library.write("tuesday/b.md", long_article("hum"))
    summary = await library.ingest(target=library.content / "tuesday")
    assert (summary.changed, summary.unchanged, summary.duplicates) == (1, 1, 0)
    assert sorted(await library.rows()) == ["a.md", "b.md"]


async def test_a_library_whose_index_was_lost_is_filled_again_without_embedding(library: Library) -> None:
    library.write("one/rooms.md", long_article("echo"))
    library.write("other/hum.md", long_article("hum"))
    await library.ingest()
    scores = await library.scores()
    shutil.rmtree(library.settings.data_dir / "index")
    engine = CountingEngine(library.engine)
    folders = [library.content / name for name in ("one", "other")]
    assert [(await library.ingest(engine=engine, target=folder)).changed for folder in folders] == [1, 1]
    assert (await library.ingest(engine=engine)).unchanged == 2
    assert (engine.sources, engine.embedded) == (2, 0)
    assert await library.scores() == scores


async def test_of_an_older_index_that_was_put_back_only_what_it_lacks_is_brought_in(library: Library) -> None:
    library.write("a.md", long_article("echo"))
    library.write("b.md", long_article("hum", 2))
    library.write("gone.md", long_article("hiss"))
    await library.ingest()
    index = library.settings.data_dir / "index"
    shutil.copytree(index, library.settings.data_dir / "older")
    library.write("b.md", long_article("hum"))
    library.write("c.md", ARTICLE)
    await library.ingest()
    before = await library.answering()
    await library.ledger.silence([(await library.rows())["gone.md"]["id"]])
    await library.index.close()
    shutil.rmtree(index)
    (library.settings.data_dir / "older").rename(index)
    library.index = open_index(library.settings)
    summary = await library.ingest()
    assert (summary.changed, summary.unchanged, summary.embedded, summary.left_out) == (2, 1, 0, 1)
    assert await library.answering() == {name: texts for name, texts in before.items() if name != "gone.md"}


async def test_a_deleted_document_does_not_come_back_under_another_name(library: Library) -> None:
    path = library.write("a.md", ARTICLE)
    await library.ingest()
    await library.ledger.silence([(await library.rows())["a.md"]["id"]])
    path.rename(library.content / "b.md")
    summary = await library.ingest()
    assert (summary.added, summary.moved, summary.left_out) == (0, 0, 1)
    assert await library.answering() == {}


async def test_what_is_deleted_while_it_is_brought_in_stays_deleted(library: Library) -> None:
    library.write("a.md", ARTICLE)
    await library.ingest()
    library.write("a.md", long_article("echo"))
    (before,) = (await library.rows()).values()

    class Deleting(CountingEngine):
        def batches(self, tasks: Iterable[Task]) -> Generator[Batch, None, None]:
            asyncio.run_coroutine_threadsafe(library.ledger.silence([before["id"]]), loop).result()
            yield from super().batches(tasks)

    loop = asyncio.get_running_loop()
    await library.ingest(engine=Deleting(library.engine))
    assert await library.answering() == {}
    assert (await library.rows())["a.md"]["deleted_at"] is not None
