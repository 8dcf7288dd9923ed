"""A single address becomes a document."""

import io
import zipfile

import pytest

from backend.errors import ContentError
from tests.pipeline.desk import CAPTIONS, Desk, article, text_of
from tests.pipeline.site import Site, redirect


async def test_a_page_becomes_a_source_with_its_address(desk: Desk, served: Site) -> None:
    served.pages["/heap?id=1"] = article("Turning the heap")
    expanded = await desk.expand(served.url("/heap?id=1#top"))
    (source,) = expanded.sources
    assert source.uri == source.origin == source.known.url == served.url("/heap?id=1")
    assert source.path.suffix == ".html"
    assert (source.creator, source.request.topics) == ("ana", ("gardens",))
    assert "garden remembers" in text_of(source)
    assert desk.told == [(1, 1)]
    assert not expanded.is_complete


async def test_a_page_keeps_the_address_that_was_asked_for_when_it_redirects(desk: Desk, served: Site) -> None:
    served.pages |= {"/old": redirect("/new.vtt"), "/new.vtt": CAPTIONS}
    served.types["/new.vtt"] = "application/octet-stream"
    (source,) = (await desk.expand(served.url("/old"))).sources
    assert source.uri == served.url("/old")
    assert source.path.suffix == ".vtt"


@pytest.mark.parametrize(
    ("path", "media_type", "content", "suffix"),
    [
        ("/a", "text/html; charset=utf-8", "<p>fragment</p>", ".html"),
        ("/a", "text/vtt", CAPTIONS, ".vtt"),
        ("/a", "application/x-subrip", "1\n00:00:01,000 --> 00:00:02,000\nHi\n", ".srt"),
        ("/a.md", "text/plain", "# Title\n\nWords.", ".md"),
        ("/a", "text/plain", "Words.", ".txt"),
        ("/a", "text/markdown", "# Title\n\nWords.", ".md"),
        ("/a.json", "application/octet-stream", '{"segments": []}', ".json"),
        ("/a.php", "application/pdf", "%PDF-1.7", ".pdf"),
        ("/Talk%20one.SRT", "binary/octet-stream", "1\n00:00:01,000 --> 00:00:02,000\nHi\n", ".srt"),
    ],
)
async def test_the_kind_is_what_the_site_says_or_the_address_or_the_content(
    path: str, media_type: str, content: str, suffix: str, desk: Desk, served: Site
) -> None:
    served.pages[path.replace("%20", " ")] = content
    served.pages[path] = content
    served.types[path] = media_type
    (source,) = (await desk.expand(served.url(path))).sources
    assert source.path.suffix == suffix


async def test_text_in_an_encoding_that_only_the_site_knows_is_kept_as_utf8(desk: Desk, served: Site) -> None:
    served.pages["/a"] = article("堆肥の庭").encode("shift_jis")
    served.types["/a"] = "text/html; charset=Shift_JIS"
    (source,) = (await desk.expand(served.url("/a"))).sources
    assert "堆肥の庭" in source.path.read_text(encoding="utf-8-sig")
    served.types["/a"] = "text/html; charset=rot13"
    (source,) = (await desk.expand(served.url("/a"))).sources
    assert source.path.read_bytes() == served.pages["/a"]


async def test_an_address_that_cannot_be_fetched_fails_with_a_reason(desk: Desk, served: Site) -> None:
    expanded = await desk.expand(served.url("/missing"))
    ((source, reason),) = expanded.failed
    assert source.uri == served.url("/missing")
    assert "nothing at this address" in reason
    assert expanded.sources == []


async def test_an_address_of_no_readable_kind_is_left_out(desk: Desk, served: Site) -> None:
    served.pages |= {"/a.mp3": b"x", "/b": b"\x7fELF\0\0"}
    served.types |= {"/a.mp3": "audio/mpeg", "/b": "application/octet-stream"}
    for path in ("/a.mp3", "/b"):
        (left_out,) = (await desk.expand(served.url(path))).left_out
        assert left_out.origin == served.url(path)
        assert "not a kind that is read" in left_out.reason


async def test_an_address_of_an_archive_gives_the_archive(desk: Desk, served: Site) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.md", "x")
    served.pages["/a.zip"] = packed.getvalue()
    served.types["/a.zip"] = "application/zip"
    expanded = await desk.expand(served.url("/a.zip"))
    assert expanded.archive is not None
    assert expanded.archive.uri == served.url("/a.zip")
    assert zipfile.is_zipfile(expanded.archive.path)
    assert expanded.sources == []


async def test_what_is_no_address_is_refused_at_once(desk: Desk) -> None:
    with pytest.raises(ContentError, match="name or password"):
        await desk.expand("https://ana:secret@garden.example/")
