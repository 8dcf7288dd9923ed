"""Whoever writes the library is alone, and leaves nothing behind in the index, whenever it is killed."""

import asyncio
from collections.abc import Generator, Iterable

import pytest
from sqlalchemy import text

from backend.errors import Unavailable
from backend.knowledge.opening import open_index_writer
from pipeline.engines.engine import Batch
from pipeline.ledger import WRITER_LOCK
from pipeline.source import Task
from tests.pipeline.library import CountingEngine, Killed, KilledWriter, Library
from tests.pipeline.test_ingest import ARTICLE, long_article


async def test_a_run_whose_lock_was_lost_publishes_nothing_more(library: Library) -> None:
    library.write("a.md", ARTICLE)
    await library.ingest()
    library.write("a.md", long_article("echo"))
    library.write("b.md", long_article("hum"))

    class Cut(CountingEngine):
        def batches(self, tasks: Iterable[Task]) -> Generator[Batch, None, None]:
            asyncio.run_coroutine_threadsafe(cut_off(library), loop).result()
            yield from super().batches(tasks)

    loop = asyncio.get_running_loop()
    before = await library.answering()
    with pytest.raises(Unavailable, match="The connection that kept other writers out was lost"):
        await library.ingest(engine=Cut(library.engine))
    assert await library.answering() == before
    summary = await library.ingest()
    assert (summary.added, summary.changed) == (1, 1)


async def cut_off(library: Library) -> None:
    """Ends the connection that holds the lock, as a restart of the server or a broken network would."""
    query = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = :lock"
    async with library.database.begin() as connection:
        ended = await connection.execute(text(query).bindparams(lock=WRITER_LOCK))
        assert [row[0] for row in ended] == [True]


@pytest.mark.parametrize("published", [False, True], ids=["before publishing", "after publishing"])
async def test_a_document_that_comes_to_repeat_another_is_cleared_away_even_if_the_run_is_killed(
    library: Library, published: bool
) -> None:
    library.write("a.md", ARTICLE)
    library.write("b.md", long_article("echo"))
    await library.ingest()
    library.write("b.md", f"---\ntitle: Other\n---\n{ARTICLE.split('---')[2]}")
    with pytest.raises(Killed):
        await library.ingest(writer=KilledWriter(open_index_writer(library.settings), published))
    assert (await library.ingest()).duplicates == 1
    assert list(await library.answering()) == ["a.md"]
    rows = await library.rows()
    assert rows["b.md"]["status"] == "duplicate"
    assert {chunk.document_id for chunk in (await library.indexed()).values()} == {rows["a.md"]["id"]}


@pytest.mark.parametrize("published", [False, True], ids=["before publishing", "after publishing"])
async def test_what_was_being_pruned_when_the_run_was_killed_answers_again_when_it_is_back(
    library: Library, published: bool
) -> None:
    library.write("a.md", ARTICLE)
    path = library.write("b.md", long_article("echo"))
    await library.ingest()
    path.unlink()
    with pytest.raises(Killed):
        await library.ingest(writer=KilledWriter(open_index_writer(library.settings), published), prune=True)
    library.write("b.md", long_article("echo"))
    await library.ingest()
    assert sorted(await library.answering()) == ["a.md", "b.md"]


async def test_naming_every_file_of_a_folder_finds_what_lies_below_them(library: Library) -> None:
    paths = [library.write(f"{number}.md", f"{ARTICLE}\nOf number {number}.\n") for number in range(25)]
    inner = library.write("24.md.d/inner.md", long_article("echo"))
    await library.ingest()
    inner.unlink()
    assert (await library.ingest(targets=[*paths, inner.parent.parent], prune=True)).removed == 1
    before = await library.rows()
    summary = await library.ingest(targets=paths)
    assert (summary.unchanged, summary.vanished) == (25, 0)
    assert await library.rows() == before
