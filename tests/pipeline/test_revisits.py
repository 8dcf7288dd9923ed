"""Addresses and archives that give something else at a later visit."""

import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from backend.knowledge.models import Scope
from pipeline.fetch import Fetcher
from pipeline.gather import Gatherer, staging
from pipeline.ingest import Summary
from pipeline.sandbox.pool import Pool
from tests.pipeline.desk import article, feed
from tests.pipeline.library import Library
from tests.pipeline.site import Site, is_public_or_loopback, to_loopback
from tests.pipeline.test_ingest import TALK
from tests.pipeline.zipped import make

Visit = Callable[..., Awaitable[Summary]]
DAMAGED = b"PK\x03\x04 and no more"


@pytest.fixture
async def visit(library: Library, pool: Pool) -> AsyncIterator[Visit]:
    """One run over an address or a path; the site of the tests counts as public."""

    async def run(target: str | Path, *, prune: bool = False) -> Summary:
        with staging(library.settings.data_dir) as folder:
            gatherer = Gatherer(pool, fetcher, folder, lambda *_: None)
            return await library.ingest(targets=[target], gatherer=gatherer, prune=prune)

    async with Fetcher(resolve=to_loopback, is_allowed=is_public_or_loopback) as fetcher:
        yield run


async def statuses(library: Library) -> dict[str, str]:
    return {uri.rsplit("/", 1)[1]: row["status"] for uri, row in (await library.rows()).items()}


async def test_the_first_failure_at_an_address_of_a_new_creator_is_kept(
    library: Library, served: Site, visit: Visit
) -> None:
    assert (await visit(served.url("/missing"))).failed == 1
    assert await statuses(library) == {"missing": "failed"}
    served.pages["/missing"] = article("Compost")
    assert (await visit(served.url("/missing"))).added == 1


@pytest.mark.parametrize("prune", [False, True], ids=["without pruning", "with pruning"])
async def test_a_page_that_turns_into_a_picture_is_not_forgotten(
    library: Library, served: Site, visit: Visit, prune: bool
) -> None:
    served.pages["/a"] = article("Compost")
    await visit(served.url("/a"))
    before = await library.answering()
    served.pages["/a"], served.types["/a"] = b"\x89PNG\r\n\x1a\n" + bytes(64), "image/png"
    summary = await visit(served.url("/a"), prune=prune)
    assert (summary.left_out, summary.removed, summary.vanished) == (1, 0, 0)
    assert await library.answering() == before
    assert await statuses(library) == {"a": "ready"}


async def test_a_page_that_turns_into_a_feed_answers_until_it_is_pruned(
    library: Library, served: Site, visit: Visit
) -> None:
    served.pages["/a"] = article("Compost")
    await visit(served.url("/a"))
    served.pages["/17.vtt"] = TALK
    item = "<item><title>Levels</title><guid>{url}</guid><link>{url}</link></item>"
    served.pages["/b"] = article("Worms")
    feed(served, item.format(url=served.url("/b")), path="/a")
    summary = await visit(served.url("/a"))
    assert (summary.added, summary.vanished) == (1, 1)
    assert await statuses(library) == {"a": "ready", "b": "ready"}
    assert (await visit(served.url("/a"), prune=True)).removed == 1
    assert await statuses(library) == {"b": "ready"}
    assert len(await library.indexed()) == len(
        [text for texts in (await library.answering()).values() for text in texts]
    )


async def test_an_archive_that_stays_damaged_stays_a_failure_and_is_settled_when_it_opens(
    library: Library, served: Site, visit: Visit
) -> None:
    served.pages["/a.zip"], served.types["/a.zip"] = DAMAGED, "application/zip"
    for _ in range(2):
        assert (await visit(served.url("/a.zip"))).failed == 1
        assert await statuses(library) == {"a.zip": "failed"}
    packed = make(library.content / "a.zip", ("talk.vtt", TALK.encode()))
    served.pages["/a.zip"] = packed.read_bytes()
    assert (await visit(served.url("/a.zip"))).added == 1
    assert await statuses(library) == {"talk.vtt": "ready"}


async def test_a_document_whose_place_becomes_an_archive_leaves_nothing_in_the_index(
    library: Library, visit: Visit
) -> None:
    path = library.write("a.vtt", TALK)
    await visit(library.content)
    make(path, ("other.vtt", TALK.replace("level", "fader").encode()))
    for _ in range(2):
        await visit(library.content, prune=True)
    indexed = {chunk.document_id for chunk in (await library.indexed()).values()}
    assert indexed == {row["id"] for row in (await library.rows()).values() if row["status"] == "ready"}
    assert await library.index.count(Scope(creator=library.slug)) == len(await library.indexed())


async def test_a_member_that_an_archive_cannot_give_any_more_is_not_pruned(library: Library, visit: Visit) -> None:
    path = make(
        library.content / "a.zip", ("one.vtt", TALK.encode()), ("two.vtt", TALK.replace("level", "hum").encode())
    )
    assert (await visit(library.content)).added == 2
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("two.vtt")
    begin = member.header_offset + 30 + len(member.filename)
    content[begin : begin + member.compress_size] = bytes(member.compress_size)
    path.write_bytes(content)
    summary = await visit(library.content, prune=True)
    assert (summary.removed, summary.left_out + summary.failed) == (0, 1)
    assert len(await library.answering()) == 2


async def test_a_deleted_page_that_cannot_be_had_is_known_again_when_it_can(
    library: Library, served: Site, visit: Visit
) -> None:
    served.pages["/a"] = page = article("Compost")
    served.pages["/b"] = article("Worms")
    item = "<item><title>On heaps</title><guid>{url}</guid><link>{url}</link></item>"
    listed = feed(served, *(item.format(url=served.url(path)) for path in ("/a", "/b")))
    assert (await visit(listed)).added == 2
    before = (await library.rows())[served.url("/a")]
    await library.ledger.silence([before["id"]])
    del served.pages["/a"]
    summary = await visit(listed)
    assert (summary.failed, summary.left_out) == (0, 1)
    assert (await visit(served.url("/a"))).failed == 1
    after = (await library.rows())[served.url("/a")]
    assert (after["content_hash"], after["status"]) == (before["content_hash"], "ready")
    served.pages["/a"] = page
    assert (await visit(listed)).left_out == 1
    assert list(await library.answering()) == [served.url("/b")]
