"""What a rehearsal tells of what it reads."""

from pipeline.dry_run import DryRun
from pipeline.find import find
from pipeline.ingest import Advanced, Event, Planned, Told
from pipeline.sandbox.pool import Pool
from pipeline.source import Request
from tests.pipeline.library import Library
from tests.pipeline.test_ingest import ARTICLE, long_article


async def test_a_file_that_goes_away_before_it_is_read_fails_alone(library: Library, pool: Pool) -> None:
    gone = library.write("a.md", ARTICLE)
    size = library.write("b.md", long_article("echo")).stat().st_size
    library.write("c.png", "is left out, which is told before anything is read")
    told: list[Event] = []

    def tell(event: Event) -> None:
        told.append(event)
        if isinstance(event, Told) and event.about == "left out":
            gone.unlink()

    found = find(library.content, Request(str(library.content), library.slug))
    summary = await DryRun(library.ledger, pool, library.model, tell).run(found, [], prune=False, again=False)
    assert (summary.added, summary.failed) == (1, 1)
    assert Planned(2, size) in told
    assert Told("failed", str(gone), "The file cannot be read.") in told
    assert [(event.documents, event.bytes) for event in told if isinstance(event, Advanced)] == [(1, 0), (2, size)]
