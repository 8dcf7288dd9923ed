"""Which of what was found is tried again, and what is said of the rest."""

import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from backend.knowledge.models import Document
from pipeline.commands.retry import not_in, only
from pipeline.find import Found, LeftOut
from pipeline.library import Shelved
from pipeline.source import Request, Source

FOLDER = Request("/talks", "ana")
FEED = Request("https://garden.example/feed", "ana")


def failed(origin: str, request: Request = FOLDER) -> Shelved:
    document = Document(id=uuid4(), creator="ana", title="T", kind="article", source_uri=origin)
    return Shelved(document, "failed", "It was bad.", 0, origin, request, datetime.now(UTC))


def source(origin: str, request: Request = FOLDER) -> Source:
    return Source(Path("/staged"), origin, origin, request, "ana")


def missing(wanted: list[Shelved], found: Found, refused: dict[Request, str] | None = None) -> dict[str, str]:
    return {item.origin: why for item, why in not_in(only(wanted, found), wanted, found, refused or {})}


def test_only_what_failed_is_taken_and_everything_of_an_archive_or_feed_that_failed_and_opens_now() -> None:
    wanted = [failed("/talks/a.md"), failed("/talks/b.zip"), failed(FEED.target, FEED)]
    item = source("https://garden.example/one", FEED)
    found = Found(
        sources=[source(f"/talks/{name}") for name in ("a.md", "a.md.md", "b.zip/c.md", "d.zip/e.md", "f.md")] + [item],
        opened={"/talks/b.zip", "/talks/d.zip", FEED.target},
        failed=[(source("/talks/b.zip/bad.md"), "It is bad."), (source("/talks/g.md"), "It is bad.")],
    )
    chosen = only(wanted, found)
    assert [source.origin for source in chosen.sources] == ["/talks/a.md", "/talks/b.zip/c.md", item.origin]
    assert [source.origin for source, _ in chosen.failed] == ["/talks/b.zip/bad.md"]
    assert chosen.opened == {"/talks/b.zip", FEED.target}
    assert missing(wanted, found) == {}


def test_what_is_below_an_address_that_failed_is_not_taken_for_a_part_of_it() -> None:
    site = Request("https://garden.example/sitemap.xml")
    found = Found(sources=[source(f"https://garden.example/{path}", site) for path in ("a", "a/b")])
    chosen = only([failed("https://garden.example/a", site)], found)
    assert [source.origin for source in chosen.sources] == ["https://garden.example/a"]


def test_of_what_is_not_found_again_the_reason_and_the_way_out_are_told() -> None:
    dropped, locked, skipped, member = (
        failed("https://garden.example/17", FEED),
        failed("/talks/locked/a.md"),
        failed("/talks/README.md"),
        failed("/talks/b.zip/a.md"),
    )
    found = Found(
        left_out=[LeftOut(skipped.origin, "a note about the folder, not content")],
        failed=[(source("/talks/locked"), "It is closed."), (source("/talks/b.zip"), "It is damaged.")],
    )
    told = missing([dropped, locked, skipped, member], found)
    assert told == {
        dropped.origin: f"{dropped.origin} is gone: ingest it from where it is now, "
        f"or `footnote delete {dropped.short_id}`",
        locked.origin: "/talks/locked: It is closed.",
        skipped.origin: f"a note about the folder, not content: mend that, or `footnote delete {skipped.short_id}`",
        member.origin: "/talks/b.zip: It is damaged.",
    }
    feed_is_away = Found(failed=[(source(FEED.target, FEED), "The site took too long to answer.")])
    assert missing([dropped], feed_is_away) == {
        dropped.origin: f"{FEED.target}: The site took too long to answer.",
    }
    assert missing([dropped], Found(), {FEED: "It is wrong."}) == {dropped.origin: "It is wrong."}


def test_thousands_of_failures_among_thousands_of_files_are_chosen_in_little_time() -> None:
    names = [f"/talks/{number}.md" for number in range(20_000)]
    wanted = [failed(name) for name in names[::2]]
    found = Found(sources=[source(name) for name in names[:15_000]])
    began = time.process_time()
    assert len(only(wanted, found).sources) == 7500
    assert len(missing(wanted, found)) == 2500
    assert time.process_time() - began < 5
