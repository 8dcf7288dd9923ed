"""From an address, a feed or a sitemap to documents in a folder."""

import gzip
import io
import zipfile
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path
from typing import TypeVar

import pytest
from aiohttp import web

from backend.errors import ContentError
from pipeline.cut import cut
from pipeline.expand.addresses import expand
from pipeline.expand.channel import MAX_PAGES
from pipeline.expand.expanded import Expanded
from pipeline.fetch import Fetcher
from pipeline.source import Request, Source, Task
from pipeline.sources.detect import read
from tests.pipeline.site import Site, is_public_or_loopback, redirect, status, to_loopback

T = TypeVar("T")
ARTICLE = """<!doctype html><html><head><title>{title}</title></head><body><article><h1>{title}</h1>
<p>Compost is what a garden remembers of last year, and {title} is about how it does so in spring and autumn.</p>
<p>Whoever turns the heap twice a month has soil to give away in the next year, which friends know.</p>
</article></body></html>"""
CAPTIONS = """WEBVTT

00:00:01.000 --> 00:00:04.000
<v Ana Velloret>Welcome to the garden hour, where we talk about compost.

00:00:04.000 --> 00:00:08.500
<v Dex>Worms like coffee grounds more than anything else.
"""


async def at_once(function: Callable[[bytes, str], T], content: bytes, address: str) -> T:
    return function(content, address)


class Desk:
    """Where a curator names an address."""

    def __init__(self, fetcher: Fetcher, staging: Path) -> None:
        self._fetcher = fetcher
        self._staging = staging
        self.told: list[tuple[int, int]] = []

    async def expand(self, target: str | Path, creator: str | None = "ana") -> Expanded:
        request = Request(str(target), creator, ("gardens",))

        def tell(done: int, total: int) -> None:
            self.told.append((done, total))

        expanded = await expand(request, fetcher=self._fetcher, staging=self._staging, parse=at_once, tell=tell)
        kept = {source.path for source in (*expanded.sources, *filter(None, [expanded.archive]))}
        assert set(self._staging.iterdir()) == kept
        assert not any(source.path.exists() for source, _ in expanded.failed)
        return expanded


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    staging = tmp_path / "staging"
    staging.mkdir()
    async with Fetcher(resolve=to_loopback, is_allowed=is_public_or_loopback) as fetcher:
        yield Desk(fetcher, staging)


@pytest.fixture
async def served() -> AsyncIterator[Site]:
    async with Site() as site:
        yield site


def text_of(source: Source) -> str:
    parsed = read(source.path.name, source.path.read_bytes())
    return "\n".join(block.text for section in parsed.sections for block in section.blocks)


def article(title: str) -> str:
    return ARTICLE.format(title=title)


# A single address


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


# Feeds

FEED = """<?xml version="1.0"?><rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"
 xmlns:podcast="https://podcastindex.org/namespace/1.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>The Garden Hour</title>
 <link>/</link>{items}</channel></rss>"""
EPISODE = """<item><title>Coffee for worms</title><guid isPermaLink="false">gh-17</guid><link>/episodes/17</link>
 <pubDate>Tue, 04 Mar 2025 23:30:00 GMT</pubDate><itunes:duration>08:30</itunes:duration>
 <itunes:author>Ana Velloret</itunes:author><enclosure url="/17.mp3" type="audio/mpeg" length="1"/>
 <podcast:transcript url="/17.txt" type="text/plain"/><podcast:transcript url="/17.vtt" type="text/vtt"/></item>"""


def feed(served: Site, *items: str, path: str = "/feed") -> str:
    served.pages[path] = FEED.format(items="".join(items))
    served.types[path] = "application/rss+xml"
    return served.url(path)


async def test_an_episode_with_a_transcript_becomes_passages_with_speakers_and_times(desk: Desk, served: Site) -> None:
    served.pages["/17.vtt"] = CAPTIONS
    served.types["/17.vtt"] = "text/vtt"
    expanded = await desk.expand(feed(served, EPISODE), creator=None)
    assert expanded.creator_name == "The Garden Hour"
    assert not expanded.is_complete
    (source,) = expanded.sources
    made = cut(Task(source), lambda text: len(text.split()))
    document = made.document
    assert (document.title, document.kind, document.creator) == ("Coffee for worms", "audio", "the-garden-hour")
    assert (document.published_at, document.duration_s) == (date(2025, 3, 4), 510.0)
    assert document.url == document.source_uri == served.url("/episodes/17")
    chunk = next(passage.chunk for passage in made.passages if "coffee grounds" in passage.chunk.text)
    assert chunk.start_s is not None
    assert 1.0 <= chunk.start_s <= 4.0
    assert served.paths == ["/feed", "/17.vtt"]


async def test_a_creator_on_the_command_line_wins_over_the_feed(desk: Desk, served: Site) -> None:
    served.pages["/17.vtt"] = CAPTIONS
    (source,) = (await desk.expand(feed(served, EPISODE), creator="dex")).sources
    assert source.creator == "dex"


async def test_the_next_best_transcript_is_taken_then_the_page_then_the_text_in_the_feed(
    desk: Desk, served: Site
) -> None:
    address = feed(served, EPISODE.replace("</item>", "<description>Only a note about worms.</description></item>"))
    (source,) = (await desk.expand(address)).sources
    assert "Only a note about worms." in text_of(source)
    assert source.known.kind is None
    source.path.unlink()
    served.pages["/episodes/17"] = article("Worms")
    (source,) = (await desk.expand(address)).sources
    assert "garden remembers" in text_of(source)
    assert source.known.kind is None
    source.path.unlink()
    served.pages["/17.txt"] = "Worms like coffee grounds."
    served.types["/17.txt"] = "text/plain"
    (source,) = (await desk.expand(address)).sources
    assert text_of(source) == "Worms like coffee grounds."
    assert source.known.kind == "audio"
    assert source.uri == served.url("/episodes/17")


@pytest.mark.parametrize("path", ["/17.vtt", "/episodes/17"])
async def test_a_site_with_a_hiccup_does_not_cost_an_episode_its_transcript(
    path: str, desk: Desk, served: Site
) -> None:
    served.pages[path] = status(500)
    if path == "/17.vtt":
        served.pages["/episodes/17"] = article("Worms")
    expanded = await desk.expand(feed(served, EPISODE.replace("</item>", "<description>A note.</description></item>")))
    ((source, reason),) = expanded.failed
    assert source.uri == served.url("/episodes/17")
    assert "fault of its own" in reason
    assert expanded.sources == []


async def test_a_video_with_a_transcript_is_a_video(desk: Desk, served: Site) -> None:
    served.pages["/17.vtt"] = CAPTIONS
    (source,) = (await desk.expand(feed(served, EPISODE.replace("audio/mpeg", "video/mp4")))).sources
    assert source.known.kind == "video"


async def test_items_are_named_by_what_stays_the_same(desk: Desk, served: Site) -> None:
    text = "<description>Words about gardens.</description>"
    address = feed(
        served,
        f"<item><guid>https://Garden.example:443/?p=1</guid><link>/one</link>{text}</item>",
        f"<item><guid>abc</guid><link>/two</link>{text}</item>",
        f"<item><guid>abc</guid>{text}</item>",
        f"<item><title>No name</title>{text}</item>",
        f"<item><guid>{'x' * 5000}</guid>{text}</item>",
        f"<item><guid>abc</guid><title>Again</title>{text}</item>",
        "<item><title>Nothing</title></item>",
        "<item><title>A film</title><link>/film.mp4</link></item>",
        f"<item><guid>home</guid><link>/</link>{text}</item>",
    )
    served.types["/film.mp4"] = "video/mp4"
    served.pages["/film.mp4"] = b"x"
    served.pages["/"] = article("The home of the whole feed")
    expanded = await desk.expand(address)
    uris = [source.uri for source in expanded.sources]
    assert uris[:4] == ["https://garden.example/?p=1", served.url("/two"), f"{address}#abc", f"{address}#No name"]
    assert uris[5:] == [f"{address}#home"]
    assert uris[4].startswith(f"{address}#")
    assert len(uris[4]) < 100
    assert [(left_out.origin.rpartition("/")[2], left_out.reason) for left_out in expanded.left_out] == [
        ("feed#abc", "Another item of the feed has the same identity."),
        ("feed#Nothing", "It has no transcript, no page and no text."),
        ("film.mp4", "video/mp4 is not a kind that is read."),
    ]
    assert desk.told[-1] == (8, 8)


async def test_what_a_feed_says_in_its_own_text_cannot_break_the_page(desk: Desk, served: Site) -> None:
    title = "<![CDATA[</title><script>alert(1)</script>]]>"
    address = feed(served, f"<item><title>{title}</title><description>Fine words in {{braces}}.</description></item>")
    (source,) = (await desk.expand(address)).sources
    assert text_of(source) == "Fine words in {braces}."


async def test_a_feed_in_pages_is_read_to_its_end(desk: Desk, served: Site) -> None:
    def page(number: int, following: str) -> str:
        text = f"<item><guid>{number}</guid><description>Number {number} of many.</description></item>"
        return f'<atom:link rel="next" href="{following}"/>{text}'

    address = feed(served, page(1, "/feed?page=2"))
    feed(served, page(2, "/feed?page=3"), path="/feed?page=2")
    feed(served, page(3, "/feed"), path="/feed?page=3")
    expanded = await desk.expand(address)
    assert [source.uri for source in expanded.sources] == [f"{address}#{number}" for number in (1, 2, 3)]
    assert expanded.left_out == []


async def test_what_is_missing_of_a_feed_in_pages_is_told(desk: Desk, served: Site) -> None:
    text = "<item><guid>1</guid><description>Number one.</description></item>"
    expanded = await desk.expand(feed(served, f'<atom:link rel="next" href="/gone"/>{text}'))
    assert len(expanded.sources) == 1
    (left_out,) = expanded.left_out
    assert left_out.origin == served.url("/gone")
    assert "nothing at this address" in left_out.reason


async def test_a_feed_with_pages_without_end_is_cut(desk: Desk, served: Site) -> None:
    async def another(request: web.Request) -> web.StreamResponse:
        link = f'<atom:link rel="next" href="/feed?page={len(served.requests)}"/>'
        return web.Response(text=FEED.format(items=link), content_type="application/rss+xml")

    served.pages |= {"/feed": another} | {f"/feed?page={number}": another for number in range(MAX_PAGES * 2)}
    expanded = await desk.expand(served.url("/feed"))
    assert f"more than {MAX_PAGES} pages" in expanded.left_out[0].reason
    assert len(served.requests) == MAX_PAGES


async def test_a_feed_in_a_file_is_read_as_well(desk: Desk, served: Site, tmp_path: Path) -> None:
    served.pages["/17.vtt"] = CAPTIONS
    file = tmp_path / "podcast.xml"
    file.write_text(
        FEED.format(items=EPISODE.replace('url="/', f'url="{served.url("/")}').replace("<link>/episodes/17</link>", ""))
    )
    expanded = await desk.expand(file, creator=None)
    (source,) = expanded.sources
    assert source.uri == "podcast.xml#gh-17"
    assert expanded.creator_name == "The Garden Hour"


# Sitemaps


def sitemap(served: Site, *addresses: str, path: str = "/sitemap.xml", of: str = "url") -> str:
    root = "urlset" if of == "url" else "sitemapindex"
    listed = "".join(f"<{of}><loc>{address}</loc></{of}>" for address in addresses)
    content = f'<?xml version="1.0"?><{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</{root}>'
    served.pages[path] = gzip.compress(content.encode()) if path.endswith(".gz") else content
    served.types[path] = "application/gzip" if path.endswith(".gz") else "application/xml"
    return served.url(path)


async def test_a_sitemap_becomes_its_pages_and_is_complete(desk: Desk, served: Site) -> None:
    served.pages |= {"/a": article("Asters"), "/b": article("Beans"), "/p.png": b"x"}
    served.types["/p.png"] = "image/png"
    listed = [served.url(path) for path in ("/a", "/b", "/gone", "/p.png")]
    expanded = await desk.expand(sitemap(served, *listed))
    assert [source.uri for source in expanded.sources] == listed[:2]
    assert [(source.uri, reason) for source, reason in expanded.failed] == [
        (listed[2], "There is nothing at this address (404).")
    ]
    assert [left_out.origin for left_out in expanded.left_out] == [listed[3]]
    assert expanded.is_complete
    assert desk.told == [(number, 4) for number in (1, 2, 3, 4)]


async def test_only_pages_of_the_same_site_are_taken(desk: Desk, served: Site) -> None:
    served.pages["/a"] = article("Asters")
    host = "garden.example"
    away = [served.url("/a", "other.example"), served.url("/a", f"{host}.evil.example"), "http://10.0.0.1/"]
    sitemap(served, served.url("/a", f"www.{host}"), *away)
    expanded = await desk.expand(served.url("/sitemap.xml", host))
    assert [source.uri for source in expanded.sources] == [served.url("/a", f"www.{host}")]
    assert {left_out.origin for left_out in expanded.left_out} == set(away)
    assert {left_out.reason for left_out in expanded.left_out} == {"It is on another site than the sitemap."}
    assert served.paths == ["/sitemap.xml", "/a"]


async def test_sitemaps_within_sitemaps_are_read_packed_ones_too(desk: Desk, served: Site) -> None:
    served.pages |= {"/a": article("Asters"), "/b": article("Beans")}
    one = sitemap(served, served.url("/a"), path="/one.xml.gz")
    two = sitemap(served, served.url("/b"), served.url("/a"), path="/two.xml")
    expanded = await desk.expand(sitemap(served, one, two, of="sitemap"))
    assert [source.uri for source in expanded.sources] == [served.url("/a"), served.url("/b")]
    assert expanded.is_complete


async def test_a_sitemap_of_which_a_part_is_missing_is_not_complete(desk: Desk, served: Site) -> None:
    served.pages["/a"] = article("Asters")
    one = sitemap(served, served.url("/a"), path="/one.xml")
    served.pages["/half.xml"] = "<urlset><url>"
    expanded = await desk.expand(sitemap(served, one, served.url("/gone.xml"), served.url("/half.xml"), of="sitemap"))
    assert [source.uri for source in expanded.sources] == [served.url("/a")]
    assert not expanded.is_complete
    assert [left_out.origin for left_out in expanded.left_out] == [served.url("/gone.xml"), served.url("/half.xml")]


async def test_sitemaps_that_list_each_other_or_lie_too_deep_come_to_an_end(desk: Desk, served: Site) -> None:
    address = served.url("/sitemap.xml")
    sitemap(served, address, served.url("/2.xml"), of="sitemap")
    for depth in (2, 3, 4):
        sitemap(served, served.url(f"/{depth + 1}.xml"), address, path=f"/{depth}.xml", of="sitemap")
    expanded = await desk.expand(address)
    assert served.paths == ["/sitemap.xml", "/2.xml", "/3.xml"]
    assert "3 levels deep" in expanded.left_out[0].reason
    assert not expanded.is_complete


async def test_pages_that_lead_on_to_more_are_left_out(desk: Desk, served: Site) -> None:
    served.pages["/a"] = article("Asters")
    expanded = await desk.expand(sitemap(served, served.url("/a"), feed(served, EPISODE)))
    assert len(expanded.sources) == 1
    assert "only leads to documents" in expanded.left_out[0].reason


async def test_a_damaged_sitemap_is_refused(desk: Desk, served: Site) -> None:
    served.pages["/sitemap.xml"] = "<urlset><url><loc>"
    served.types["/sitemap.xml"] = "application/xml"
    with pytest.raises(ContentError, match="damaged"):
        await desk.expand(served.url("/sitemap.xml"))


async def test_a_sitemap_in_a_file_is_of_the_site_of_its_first_page(desk: Desk, served: Site, tmp_path: Path) -> None:
    served.pages["/a"] = article("Asters")
    sitemap(served, served.url("/a", "garden.example"), served.url("/a", "other.example"))
    file = tmp_path / "sitemap.xml"
    content = served.pages["/sitemap.xml"]
    assert isinstance(content, str)
    file.write_text(content)
    expanded = await desk.expand(file)
    assert [source.uri for source in expanded.sources] == [served.url("/a", "garden.example")]
    assert expanded.is_complete


async def test_a_file_that_lists_nothing_is_refused(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<note/>")
    with pytest.raises(ContentError, match="neither a feed nor a sitemap"):
        await desk.expand(tmp_path / "a.xml")
    with pytest.raises(ContentError, match="cannot be read"):
        await desk.expand(tmp_path / "missing.xml")
