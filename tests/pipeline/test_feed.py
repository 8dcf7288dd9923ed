"""What a feed says of its items."""

import time
import tracemalloc
from datetime import date

import pytest

from backend.errors import ContentError
from pipeline.expand.feed import MAX_ITEMS, Item, Transcript, parse_feed

BASE = "https://garden.example/feeds/all.xml"
NAMESPACES = (
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:podcast="https://podcastindex.org/namespace/1.0" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:atom="http://www.w3.org/2005/Atom"'
)


def rss(*items: str, channel: str = "<title>The Garden Hour</title>") -> bytes:
    body = "".join(f"<item>{item}</item>" for item in items)
    return f'<?xml version="1.0"?><rss version="2.0" {NAMESPACES}><channel>{channel}{body}</channel></rss>'.encode()


def atom(*entries: str, feed: str = "<title>The Garden Hour</title>") -> bytes:
    body = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{feed}{body}</feed>'.encode()


def item(content: bytes) -> Item:
    (found,) = parse_feed(content, BASE).items
    return found


def test_an_episode_of_a_podcast_has_all_that_the_feed_says() -> None:
    found = item(
        rss(
            """
            <title>Compost &amp;amp; worms</title>
            <guid isPermaLink="false">gh-17</guid>
            <link>/episodes/17?from=feed#top</link>
            <pubDate>Tue, 04 Mar 2025 23:30:00 -0800</pubDate>
            <itunes:duration>1:02:03</itunes:duration>
            <itunes:author>Ana Velloret</itunes:author>
            <enclosure url="https://media.example/17.mp3" length="1" type="audio/mpeg"/>
            <podcast:transcript url="17.vtt" type="text/vtt"/>
            <description>Short.</description>
            <content:encoded><![CDATA[<p>Long &amp; rich.</p>]]></content:encoded>
            """
        )
    )
    assert found == Item(
        identity="gh-17",
        link="https://garden.example/episodes/17?from=feed",
        enclosure="https://media.example/17.mp3",
        is_video=False,
        title="Compost & worms",
        published_at=date(2025, 3, 4),
        duration_s=3723.0,
        authors=("Ana Velloret",),
        transcripts=(Transcript("https://garden.example/feeds/17.vtt", "text/vtt"),),
        content="<p>Long &amp; rich.</p>",
    )


def test_an_atom_entry_has_all_that_the_feed_says() -> None:
    found = item(
        atom(
            """
            <title type="html">On &lt;em&gt;pruning&lt;/em&gt; &amp;amp; patience</title>
            <id>tag:garden.example,2025:9</id>
            <link rel="self" href="/api/9"/>
            <link rel="alternate" type="text/html" href="../posts/9"/>
            <link rel="enclosure" type="video/mp4" href="https://media.example/9.mp4"/>
            <published>2025-02-03T01:00:00+09:00</published>
            <updated>2025-04-05T00:00:00Z</updated>
            <author><name>Ana Velloret</name><email>ana@garden.example</email></author>
            <author><name>Dex</name></author>
            <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Cut &lt; late.</p></div></content>
            """
        )
    )
    assert found.title == "On pruning & patience"
    assert found.identity == "tag:garden.example,2025:9"
    assert found.link == "https://garden.example/posts/9"
    assert (found.enclosure, found.is_video) == ("https://media.example/9.mp4", True)
    assert found.published_at == date(2025, 2, 3)
    assert found.authors == ("Ana Velloret", "Dex")
    assert found.content is not None
    assert "<p>Cut &lt; late.</p>" in found.content


def test_rss_1_is_read() -> None:
    content = f"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
        {NAMESPACES}><channel rdf:about="x"><title>Old news</title><link>https://old.example/</link></channel>
        <item rdf:about="https://old.example/1"><title>One</title><link>https://old.example/1</link>
        <dc:date>2004-05-06T07:08:09Z</dc:date><dc:creator>Ana</dc:creator></item></rdf:RDF>"""
    feed = parse_feed(content.encode(), BASE)
    assert (feed.title, feed.home) == ("Old news", "https://old.example/")
    (found,) = feed.items
    assert (found.identity, found.link, found.title) == ("https://old.example/1", "https://old.example/1", "One")
    assert (found.published_at, found.authors) == (date(2004, 5, 6), ("Ana",))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3723", 3723.0),
        ("62:03", 3723.0),
        ("01:02:03", 3723.0),
        ("1:02:03.5", 3723.5),
        (" 90 ", 90.0),
        ("0", None),
        ("-5", None),
        ("1:2:3:4", None),
        ("an hour", None),
        ("9" * 400, None),
        ("", None),
    ],
)
def test_durations_are_seconds_or_clock_times(text: str, seconds: float | None) -> None:
    assert item(rss(f"<title>x</title><itunes:duration>{text}</itunes:duration>")).duration_s == seconds


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Sat, 07 Sep 2024 00:00:01 GMT", date(2024, 9, 7)),
        ("7 Sep 24 09:00 EST", date(2024, 9, 7)),
        ("2024-09-07", date(2024, 9, 7)),
        ("2024-09-07T10:00:00.123+02:00", date(2024, 9, 7)),
        ("Sat, 31 Feb 2024 00:00:00 GMT", None),
        ("2024-02-31", None),
        ("last week", None),
        ("9" * 5000, None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999999999", None),
    ],
)
def test_dates_are_read_in_both_ways_and_left_out_where_there_is_no_such_day(text: str, day: date | None) -> None:
    assert item(rss(f"<title>x</title><pubDate>{text}</pubDate>")).published_at == day


def transcripts(*attributes: str, language: str = "en-us") -> list[str]:
    elements = "".join(f"<podcast:transcript {text}/>" for text in attributes)
    channel = f"<title>x</title><language>{language}</language>"
    found = item(rss(f"<title>x</title>{elements}", channel=channel))
    return [transcript.address.rpartition("/")[2] for transcript in found.transcripts]


def test_of_several_transcripts_the_one_with_the_best_times_comes_first() -> None:
    assert transcripts(
        'url="/a.txt" type="text/plain"',
        'url="/b" type="text/html"',
        'url="/c" type="application/json"',
        'url="/d" type="application/x-subrip" rel="captions"',
        'url="/e" type="text/vtt; charset=utf-8"',
        'url="/f" type="application/srt"',
        'url="/g.vtt" type="application/octet-stream"',
        'url="/h.pdf" type="application/pdf"',
        'type="text/vtt"',
        'url="ftp://garden.example/i.vtt" type="text/vtt"',
    ) == ["e", "g.vtt", "d", "f", "c", "b", "a.txt"]


def test_a_transcript_in_the_language_of_the_feed_comes_before_a_translation() -> None:
    assert transcripts(
        'url="/es.vtt" type="text/vtt" language="es"',
        'url="/en.html" type="text/html" language="en-GB"',
        'url="/any.txt" type="text/plain"',
    ) == ["en.html", "any.txt", "es.vtt"]


def test_mailboxes_are_nobodys_business() -> None:
    assert item(rss("<title>x</title><author>ana@garden.example (Ana Velloret)</author>")).authors == ("Ana Velloret",)
    assert item(rss("<title>x</title><author>ana@garden.example</author>")).authors == ()
    assert item(rss("<title>x</title><author>Ana</author><dc:creator>Ana</dc:creator>")).authors == ("Ana",)


def test_the_base_of_the_document_counts_for_relative_addresses() -> None:
    content = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://other.example/blog/"><title>x</title>
        <entry xml:base="2025/"><title>y</title><link href="a"/></entry></feed>"""
    assert item(content).link == "https://other.example/blog/2025/a"


@pytest.mark.parametrize("relation", ["next", "prev-archive"])
def test_a_feed_in_pages_says_where_it_goes_on(relation: str) -> None:
    link = f'link rel="{relation}" href="/feed?page=2"/>'
    assert parse_feed(atom(feed=f"<title>x</title><{link}"), BASE).next_page == "https://garden.example/feed?page=2"
    assert parse_feed(rss(channel=f"<title>x</title><atom:{link}"), BASE).next_page is not None
    assert parse_feed(atom(feed='<title>x</title><link rel="next-archive" href="/x"/>'), BASE).next_page is None


def test_text_in_an_entry_is_not_taken_for_markup() -> None:
    assert item(atom('<title>a</title><content type="text">1 &lt; 2</content>')).content == "1 &lt; 2"
    assert item(atom("<title>if a &lt;b&gt; then</title>")).title == "if a <b> then"
    assert item(rss("<title>x</title><description>&lt;p&gt;Hi&lt;/p&gt;</description>")).content == "<p>Hi</p>"


def test_a_damaged_feed_gives_what_can_be_read() -> None:
    def titles(content: bytes) -> list[str | None]:
        return [found.title for found in parse_feed(content, BASE).items]

    whole = rss("<title>one</title>", "<title>two &nbsp; &copy; 2</title>", "<title>three</title>")
    assert titles(whole) == ["one", "two © 2", "three"]
    assert titles(whole[:-40])[:2] == ["one", "two © 2"]
    assert titles(whole.replace(b"</title></item>", b"</titel></item>", 1))[-1] == "three"


@pytest.mark.parametrize("content", [b"", b"  ", b"not xml", b"<html><body>x</body></html>", b"\0\1\2", b"<"])
def test_what_is_no_feed_is_refused(content: bytes) -> None:
    with pytest.raises(ContentError, match="feed"):
        parse_feed(content, BASE)


def test_more_items_than_anybody_reads_are_cut() -> None:
    feed = parse_feed(rss(*["<title>x</title>"] * (MAX_ITEMS + 1)), BASE)
    assert (len(feed.items), feed.is_cut) == (MAX_ITEMS, True)
    assert not parse_feed(rss(*["<title>x</title>"] * 3), BASE).is_cut


# Hostile feeds


def laughing(where: str) -> bytes:
    """A thousand million words out of a few lines."""
    entities = '<!ENTITY a "laughing out loud ">' + "".join(
        f'<!ENTITY {name} "{f"&{previous};" * 10}">' for previous, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    body = rss(where)
    return body.replace(b"<rss", f"<!DOCTYPE rss [{entities}]><rss".encode(), 1)


@pytest.mark.parametrize(
    "where",
    [
        "<title>&a;</title>",
        "<title>&i;</title>",
        "<title>x</title><description>&i;&i;</description>",
        "<title>x</title><content:encoded><p>&i;</p></content:encoded>",
        '<title>x</title><enclosure url="https://garden.example/&i;"/>',
        "<title>x</title><itunes:duration>&i;</itunes:duration><pubDate>&i;</pubDate><guid>&i;</guid>",
    ],
)
def test_entities_are_not_expanded(where: str) -> None:
    tracemalloc.start()
    began = time.process_time()
    try:
        feed = repr(parse_feed(laughing(where), BASE))
    except ContentError:
        feed = ""
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert "laughing out loud" not in feed
    assert len(feed) < 5000
    assert peak < 10_000_000
    assert time.process_time() - began < 2


def test_no_file_is_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("secret") / "secret.txt"
    secret.write_text("canary")
    for doctype in (
        f'<!DOCTYPE rss [<!ENTITY file SYSTEM "file://{secret}">]>',
        f'<!DOCTYPE rss [<!ENTITY % file SYSTEM "file://{secret}"> %file;]>',
        f'<!DOCTYPE rss SYSTEM "file://{secret}">',
    ):
        content = rss("<title>a&file;</title><description>b&file;</description>").replace(
            b"<rss", doctype.encode() + b"<rss", 1
        )
        assert "canary" not in repr(parse_feed(content, BASE))


def test_elements_in_elements_without_end_do_no_harm() -> None:
    depth = 100_000
    content = rss("<title>x</title><description>" + "<b>" * depth + "x" + "</b>" * depth + "</description>")
    try:
        feed = parse_feed(content, BASE)
    except ContentError:
        return
    assert len(feed.items) <= 1
