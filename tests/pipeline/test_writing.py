"""Whoever writes the library is alone, and leaves nothing behind in the index, whenever it is killed."""

import asyncio
import time
from collections.abc import Generator, Iterable
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import text

from backend.errors import Unavailable
from backend.knowledge.opening import open_index_writer
from pipeline.engines.engine import Batch
from pipeline.entries import Entry
from pipeline.ledger import WRITER_LOCK
from pipeline.source import Task
from tests.pipeline.library import CountingEngine, Killed, KilledWriter, Library
from tests.pipeline.test_ingest import ARTICLE, long_article

ENTRY = Entry(uuid4(), "ana", "a.md", "/talks/a.md", "/talks", "", "", 1, "", "ready", None, None, False)


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


async def test_what_lies_below_any_of_thousands_of_targets_is_known(library: Library) -> None:
    library.write("talks/7/a.md", ARTICLE)
    library.write("b.md", long_article("echo"))
    await library.ingest()
    targets = [str(library.content / "talks" / str(number)) for number in range(5000)]
    entries = await library.ledger.entries([], [], targets)
    assert [entry.uri for entry in entries.all] == ["talks/7/a.md"]
    (entry,) = entries.all
    assert entry.is_under(frozenset(targets))
    assert not entry.is_under(frozenset(targets[8:]) | {str(library.content / "talk")})


def test_telling_what_lies_below_which_target_takes_no_longer_with_more_targets() -> None:
    few, many = (frozenset(f"/talks/{number}.md" for number in range(count)) for count in (10, 5000))
    there = [replace(ENTRY, origin=f"/talks/{number}.md/inner", target="") for number in range(5000)]
    begun = time.process_time()
    assert sum(entry.is_under(few) for entry in there) == 10
    assert sum(entry.is_under(many) for entry in there) == 5000
    assert time.process_time() - begun < 1  # comparing each with each takes some seconds
