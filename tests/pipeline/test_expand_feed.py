"""The items of a feed become documents."""

from datetime import date
from pathlib import Path

import pytest
from aiohttp import web

from pipeline.cut import cut
from pipeline.expand.channel import MAX_PAGES
from pipeline.source import Task
from tests.pipeline.desk import CAPTIONS, EPISODE, FEED, Desk, article, feed, text_of
from tests.pipeline.site import Site, status


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


async def test_items_that_share_a_page_are_documents_of_their_own_with_their_own_text(desk: Desk, served: Site) -> None:
    served.pages |= {"/show": article("The show"), "/3": article("Three"), "/1.vtt": CAPTIONS}
    served.types["/1.vtt"] = "text/vtt"
    transcript = '<podcast:transcript url="/1.vtt" type="text/vtt"/>'
    items = (
        f"<item><guid>one</guid><link>/show</link>{transcript}</item>",
        "<item><guid>two</guid><link>/show</link><description>Words about worms.</description></item>",
        "<item><guid>three</guid><link>/3</link></item>",
        "<item><guid>three</guid><link>/3</link></item>",
        '<item><guid>four</guid><enclosure url="/all.mp3" type="audio/mpeg"/><description>Beans.</description></item>',
        '<item><guid>five</guid><enclosure url="/all.mp3" type="audio/mpeg"/><description>Asters.</description></item>',
    )
    address = feed(served, *items)
    expanded = await desk.expand(address)
    fragments = [f"{address}#{guid}" for guid in ("one", "two", "four", "five")]
    fragments.insert(2, served.url("/3"))
    assert [source.uri for source in expanded.sources] == fragments
    assert [source.origin for source in expanded.sources] == fragments
    assert [source.known.url for source in expanded.sources] == [
        served.url(path) for path in ("/show", "/show", "/3", "/all.mp3", "/all.mp3")
    ]
    assert text_of(expanded.sources[1]) == "Words about worms."
    assert [left_out.origin for left_out in expanded.left_out] == [served.url("/3")]
    assert "/show" not in served.paths


async def test_an_item_that_would_be_found_at_the_address_of_another_is_told(desk: Desk, served: Site) -> None:
    served.pages |= {"/2": article("Two"), "/show": article("The show")}
    text = "<description>Words.</description>"
    two = served.url("/2")
    address = feed(
        served,
        f"<item><guid>{two}</guid><link>/show</link>{text}</item>",
        f"<item><guid>{served.url('/other')}</guid><link>/2</link></item>",
        f"<item><guid>x</guid><link>/show</link>{text}</item>",
    )
    expanded = await desk.expand(address)
    assert [source.origin for source in expanded.sources] == [two, f"{address}#x"]
    assert [(left_out.origin, left_out.reason) for left_out in expanded.left_out] == [
        (two, "Another item of the feed has the same identity.")
    ]


@pytest.mark.parametrize("guid", ["https://ana:secret@garden.example/17", "ftp://ana:secret@h", "//ana:se/cret@h/1"])
async def test_a_password_in_a_guid_is_kept_nowhere(guid: str, desk: Desk, served: Site) -> None:
    text = "<description>Words about gardens.</description>"
    address = feed(served, f"<item><guid>{guid}</guid>{text}</item>", f"<item><guid>{guid}2</guid>{text}</item>")
    expanded = await desk.expand(address)
    assert len({source.uri for source in expanded.sources}) == 2
    assert "cret" not in repr(expanded)


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


async def test_a_feed_never_says_that_there_is_nothing_else(desk: Desk, served: Site) -> None:
    item = "<item><guid>1</guid><description>Number one.</description></item>"
    whole = FEED.format(items=item)
    served.types["/feed"] = "application/rss+xml"
    for content in (whole, whole[: whole.index("</item>")], whole.replace(item, "")):
        served.pages["/feed"] = content
        expanded = await desk.expand(served.url("/feed"))
        assert not expanded.is_complete
        for source in expanded.sources:
            source.path.unlink()
    served.pages["/feed"] = '<?xml version="1.0"?><other><item><guid>1</guid></item></other>'
    expanded = await desk.expand(served.url("/feed"))
    assert not expanded.is_list
    assert expanded.sources == []


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
