"""What is taken out of the library because it is no longer there, and what is not."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.dry_run import DryRun
from pipeline.entries import Entry
from pipeline.find import find
from pipeline.ingest import Event, Summary, Told
from pipeline.ledger import Ledger
from pipeline.plan import whereabouts
from pipeline.sandbox.pool import Pool
from pipeline.source import Request, Source
from tests.pipeline.library import Library
from tests.pipeline.test_ingest import ARTICLE, long_article


async def test_a_repetition_elsewhere_takes_the_place_of_an_original_that_is_pruned(
    library: Library, pool: Pool
) -> None:
    original = library.write("x/a.md", ARTICLE)
    library.write("x/other.md", long_article("echo"))
    copy = library.write("y/b.md", ARTICLE)
    await library.ingest(target=library.content / "x")
    before = (await library.rows())["a.md"]
    assert (await library.ingest(target=library.content / "y")).duplicates == 1
    original.unlink()
    rehearsed: list[Event] = []
    rehearsal = DryRun(library.ledger, pool, library.model, rehearsed.append)
    found = find(original.parent, Request(str(original.parent), library.slug))
    expected = await rehearsal.run(found, [str(original.parent)], prune=True, again=False)
    summary = await library.ingest(target=library.content / "x", prune=True)
    assert summary == expected == Summary(moved=1, unchanged=1)
    texts = await library.answering()
    assert sorted(texts) == ["b.md", "other.md"]
    rows = await library.rows()
    assert sorted(rows) == ["b.md", "other.md"]
    assert (rows["b.md"]["id"], rows["b.md"]["origin"]) == (before["id"], str(copy))
    told = [event for event in library.events if isinstance(event, Told)]
    assert [(event.about, event.file) for event in told] == [("remark", str(original))]
    assert told == [event for event in rehearsed if isinstance(event, Told)]
    again = await library.ingest(target=library.content / "y")
    assert (again.duplicates, again.failed, again.embedded) == (0, 0, 0)
    assert await library.answering() == texts


async def test_an_original_is_pruned_when_what_repeats_it_is_gone_as_well(library: Library) -> None:
    paths = [library.write("x/a.md", ARTICLE), library.write("y/b.md", ARTICLE)]
    library.write("x/other.md", long_article("echo"))
    for path in paths:
        await library.ingest(target=path.parent)
    for path in paths:
        path.unlink()
    summary = await library.ingest(target=library.content / "x", prune=True)
    assert summary.removed == 1
    assert list(await library.answering()) == ["other.md"]


async def test_what_cannot_be_looked_at_is_not_pruned(library: Library) -> None:
    library.write("talks/a.md", ARTICLE)
    library.write("b.md", long_article("echo"))
    await library.ingest()
    talks = library.content / "talks"
    talks.rename(library.content.with_name("elsewhere"))
    talks.symlink_to(talks)  # as good as a disk that answers with an error
    assert whereabouts(str(talks / "a.md")) == "unreachable"
    summary = await library.ingest(prune=True)
    assert (summary.removed, summary.vanished) == (0, 0)
    assert sorted(await library.answering()) == ["b.md", "talks/a.md"]


@pytest.mark.parametrize("name", ["talks/a.md", "a.md/inner.md"], ids=["below nothing", "below a file"])
def test_what_lies_nowhere_is_gone_and_what_may_lie_in_an_archive_is_not_known(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.md").write_text(ARTICLE)
    assert whereabouts(str(tmp_path / name)) == ("unknown" if "inner" in name else "gone")
    assert whereabouts(str(tmp_path / "a.md")) == "there"


async def test_a_file_that_is_taken_away_before_it_is_read_fails_alone(library: Library) -> None:
    library.write("b.md", ARTICLE)
    path = library.write("a.md", long_article("echo"))

    class Losing(Ledger):
        async def relocate(self, found: Sequence[tuple[Source, Entry]]) -> None:
            path.unlink()
            await super().relocate(found)

    library.ledger = Losing(library.database)
    summary = await library.ingest()
    assert (summary.added, summary.failed) == (1, 1)
    assert list(await library.answering()) == ["b.md"]
