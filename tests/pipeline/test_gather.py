"""From targets to everything that there is to ingest."""

import errno
import io
import os
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from backend.errors import ConfigurationError
from backend.knowledge.opening import open_index_writer
from pipeline.embeddings import Embeddings
from pipeline.fetch import Fetcher
from pipeline.find import Found
from pipeline.gather import Gatherer, staging
from pipeline.ingest import Ingestion, Summary
from pipeline.sandbox.pool import Pool
from pipeline.source import Request
from tests.pipeline.desk import EPISODE, article, feed
from tests.pipeline.library import Library
from tests.pipeline.site import Site, is_public_or_loopback, status, to_loopback
from tests.pipeline.test_ingest import ARTICLE, long_article


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with staging(tmp_path / "data") as folder:
        yield folder


@pytest.fixture
async def gatherer(pool: Pool, folder: Path) -> AsyncIterator[Gatherer]:
    async with Fetcher(resolve=to_loopback, is_allowed=is_public_or_loopback) as fetcher:
        yield Gatherer(pool, fetcher, folder, lambda *_: None)


def packed(**members: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


async def ingest(library: Library, found: Found) -> Summary:
    writer = open_index_writer(library.settings)
    try:
        async with library.ledger.writing():
            return await Ingestion(
                ledger=library.ledger,
                embeddings=Embeddings(library.database, library.model.id),
                writer=writer,
                engine=library.engine,
                model=library.model,
                tell=library.events.append,
            ).run(found)
    finally:
        await writer.close()


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"\x7fELF\0\0", "application/octet-stream"),
        (b"PK\x03\x04 broken", "application/zip"),
        (b"<urlset><url>", "application/xml"),
        (None, ""),
    ],
    ids=["no kind that is read", "broken archive", "broken sitemap", "nothing"],
)
async def test_an_address_that_cannot_be_listed_is_taken_for_no_list(
    content: bytes | None, media_type: str, gatherer: Gatherer, served: Site
) -> None:
    if content is not None:
        served.pages["/a"] = content
        served.types["/a"] = media_type
    found, searched = await gatherer.gather([Request(served.url("/a"), "ana")])
    assert searched == []
    assert found.opened == set()


async def test_a_feed_a_sitemap_and_an_archive_that_were_opened_are_lists(gatherer: Gatherer, served: Site) -> None:
    listed = f"<urlset><url><loc>{served.url('/a')}</loc></url></urlset>"
    served.pages |= {"/a": article("Asters"), "/sitemap.xml": listed, "/a.zip": packed(**{"a.md": "# A\n\nAsters."})}
    served.types |= {"/sitemap.xml": "application/xml", "/a.zip": "application/zip"}
    targets = [feed(served, EPISODE), served.url("/sitemap.xml"), served.url("/a.zip")]
    found, searched = await gatherer.gather([Request(target, "ana") for target in targets])
    assert found.opened == set(targets)
    assert searched == targets[1:2]
    assert [source.origin for source in found.sources] == [served.url("/a"), f"{targets[2]}/a.md"]


@pytest.mark.parametrize("path", ["/down", "/feed", "/broken.zip"])
async def test_a_creator_of_whom_everything_fails_at_first_is_kept_with_the_failures(
    path: str, gatherer: Gatherer, served: Site, library: Library
) -> None:
    feed(served, EPISODE)
    served.pages |= {"/down": status(500), "/17.vtt": status(500), "/broken.zip": b"PK\x03\x04 broken"}
    served.types["/broken.zip"] = "application/zip"
    found, _ = await gatherer.gather([Request(served.url(path), library.slug)])
    assert set(found.owners) == {library.slug}
    assert (await ingest(library, found)).failed == 1
    assert [row["status"] for row in (await library.rows()).values()] == ["failed"]


async def test_a_feed_names_its_creator_even_where_all_its_items_fail(gatherer: Gatherer, served: Site) -> None:
    served.pages["/17.vtt"] = status(500)
    found, _ = await gatherer.gather([Request(feed(served, EPISODE))])
    assert len(found.failed) == 1
    assert found.owners["the-garden-hour"].creator.name == "The Garden Hour"


async def test_what_lies_in_a_folder_that_cannot_be_opened_stays_and_the_folder_is_no_document(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.write("a.md", ARTICLE)
    inside = library.write("closed/b.md", long_article("echo"))
    await library.ingest()
    inside.unlink()
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path) == str(inside.parent):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    summary = await library.ingest(prune=True)
    assert (summary.unchanged, summary.removed, summary.failed) == (1, 0, 1)
    assert sorted(await library.rows()) == sorted(await library.answering()) == ["a.md", "closed/b.md"]
    monkeypatch.undo()
    assert (await library.ingest(prune=True)).removed == 1


async def test_a_full_disk_while_much_is_fetched_is_one_clear_sentence(
    gatherer: Gatherer, served: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.pages |= {f"/{number}": article(f"Bed {number}") for number in range(20)}
    listed = "".join(f"<url><loc>{served.url(f'/{number}')}</loc></url>" for number in range(20))
    served.pages["/sitemap.xml"] = f"<urlset>{listed}</urlset>"
    served.types["/sitemap.xml"] = "application/xml"
    rename: Callable[[Path, Path], Path] = Path.rename

    def full(path: Path, target: Path) -> Path:
        if target.suffix == ".html":
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(ConfigurationError, match="is full"):
        await gatherer.gather([Request(served.url("/sitemap.xml"), "ana")])


async def test_what_cannot_be_looked_into_stops_nobody_who_is_gathered_apart(
    gatherer: Gatherer, tmp_path: Path
) -> None:
    empty, wrong, good = (tmp_path / name for name in ("empty", "wrong", "good"))
    for path in (empty, wrong, good):
        path.mkdir()
    (wrong / "creator.yaml").write_text("slug: [")
    (wrong / "a.md").write_text("# A\n\nAsters.")
    (good / "b.md").write_text("# B\n\nBeans.")
    requests = [Request(str(path), "ana") for path in (empty, wrong, good)]
    found, refused = await gatherer.gather_apart(requests)
    assert [source.origin for source in found.sources] == [str(good / "b.md")]
    assert list(refused) == requests[:2]
    assert "There is no file" in refused[requests[0]]
    assert "creator.yaml" in refused[requests[1]]
    with pytest.raises(ConfigurationError, match="There is no file"):
        await gatherer.gather(requests)
