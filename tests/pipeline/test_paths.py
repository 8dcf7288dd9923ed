"""A path that passes from one document to another takes no document with it."""

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.knowledge.catalogue import documents
from pipeline.entries import Aside
from pipeline.ingest import Summary, Told
from pipeline.load import document_id
from pipeline.plan import APART
from pipeline.source import Request, Source
from tests.pipeline.library import Library
from tests.pipeline.test_ingest import ARTICLE, long_article

BROKEN = "---\ntitle: a: b\n---\ntext\n"


async def moved_away(library: Library) -> Path:
    """A document that was `a.md` and is `b.md` now, with the identity of its first path, which is free again."""
    path = library.write("a.md", ARTICLE)
    await library.ingest()
    path.rename(library.content / "b.md")
    assert (await library.ingest()).moved == 1
    (row,) = (await library.rows()).values()
    assert (row["source_uri"], row["id"]) == ("b.md", document_id(library.slug, "a.md"))
    return path


async def test_a_copy_at_the_old_path_of_a_moved_document_is_a_repetition_of_it(library: Library) -> None:
    path = await moved_away(library)
    path.write_text(ARTICLE)
    assert await library.ingest() == Summary(unchanged=1, duplicates=1)
    assert list(await library.answering()) == ["b.md"]
    rows = await library.rows()
    assert (rows["a.md"]["status"], rows["a.md"]["duplicate_of"]) == ("duplicate", rows["b.md"]["id"])
    assert (await library.ingest()).unchanged == 2


@pytest.mark.parametrize(
    ("content", "status"), [(BROKEN, "failed"), ("---\nredirect: /new\n---\n", "left_out")], ids=["broken", "empty"]
)
async def test_what_cannot_be_read_at_the_old_path_of_a_moved_document_leaves_that_alone(
    library: Library, content: str, status: str
) -> None:
    path = await moved_away(library)
    path.write_text(content)
    await library.ingest()
    assert list(await library.answering()) == ["b.md"]
    assert {uri: row["status"] for uri, row in (await library.rows()).items()} == {"a.md": status, "b.md": "ready"}
    await library.ingest()
    path.write_text(long_article("echo"))
    assert (await library.ingest()).added == 1
    assert sorted(await library.answering()) == ["a.md", "b.md"]


@pytest.mark.parametrize("prune", [False, True], ids=["without pruning", "with pruning"])
@pytest.mark.parametrize("fate", ["edited", "broken", "deleted", "moved"])
async def test_a_folder_around_the_folder_may_have_a_file_of_the_same_name(
    library: Library, fate: str, prune: bool
) -> None:
    inner = library.write("talks/one.md", long_article("echo"))
    await library.ingest(target=library.content / "talks")
    (before,) = (await library.rows()).values()
    library.write("one.md", ARTICLE)
    match fate:
        case "edited":
            inner.write_text(long_article("hum"))
        case "broken":
            inner.write_text(BROKEN)
        case "deleted":
            inner.unlink()
        case "moved":
            inner.rename(inner.with_name("two.md"))
    assert (await library.ingest(prune=prune)).added == 1
    rows = await library.rows()
    assert "small room" in (await library.answering())["one.md"][0]
    assert rows["one.md"]["id"] != before["id"]
    inner_path = {"edited": "talks/one.md", "broken": "talks/one.md", "moved": "talks/two.md"}.get(fate)
    if inner_path is not None:
        assert rows[inner_path]["id"] == before["id"]
    else:
        assert len(await library.answering()) == len(rows) == (1 if prune else 2)  # what vanished answers on
    await library.ingest(prune=prune)
    assert (await library.rows()).keys() == rows.keys()


async def test_a_file_that_cannot_be_read_may_have_the_name_of_one_in_a_folder_that_came_first(
    library: Library,
) -> None:
    library.write("talks/one.md", long_article("echo"))
    await library.ingest(target=library.content / "talks")
    library.write("one.md", BROKEN)
    summary = await library.ingest()
    assert (summary.unchanged, summary.failed) == (1, 1)
    assert {uri: row["status"] for uri, row in (await library.rows()).items()} == {
        "one.md": "failed",
        "talks/one.md": "ready",
    }


async def test_a_second_file_of_the_same_name_does_not_replace_the_one_that_is_in(library: Library) -> None:
    """The folders lie beside each other, and each is named: which of the two is meant cannot be told."""
    library.write("one/intro.md", long_article("echo"))
    library.write("two/intro.md", long_article("hum"))
    found = [library.content / "one", library.content / "two"]
    first = await library.ingest(targets=found)
    texts = await library.answering()
    assert (first.added, first.failed) == (1, 1)
    second = await library.ingest(targets=found)
    assert (second.changed, second.unchanged, second.failed) == (0, 1, 1)
    assert await library.answering() == texts
    told = [event.text for event in library.events if isinstance(event, Told)]
    assert told == [f"it has the same creator and the same path as {library.content}/one/intro.md: {APART}"]


async def test_who_takes_the_place_of_another_that_is_still_there_is_told(library: Library) -> None:
    library.write("one/intro.md", long_article("echo"))
    library.write("two/intro.md", long_article("hum"))
    for folder, other in (("one", None), ("two", "one"), ("one", "two")):
        await library.ingest(target=library.content / folder)
        taken = f"it has the same creator and the same path as {library.content}/{other}/intro.md and takes its place"
        told = [event.text for event in library.events if isinstance(event, Told)]
        assert told == ([f"{taken}: {APART} to have both"] if other else [])
    (library.content / "two" / "intro.md").unlink()
    await library.ingest(target=library.content / "one")
    assert [event for event in library.events if isinstance(event, Told)] == []


async def test_the_first_failure_of_a_creator_is_kept(library: Library, database: AsyncEngine) -> None:
    """Whoever gathers may know of nobody else's content yet."""
    path = library.content / "gone.md"
    source = Source(path, "gone.md", str(path), Request(str(path), library.slug), library.slug)
    identity = document_id(library.slug, "gone.md")
    await library.ledger.set_aside(Aside(source, identity, True, "failed", "The file cannot be read."))
    async with database.connect() as connection:
        (row,) = (await connection.execute(select(documents).where(documents.c.creator == library.slug))).mappings()
    assert (row["status"], row["reason"]) == ("failed", "The file cannot be read.")
