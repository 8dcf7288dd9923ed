"""Which addresses a sitemap lists."""

import gzip
import time
import tracemalloc
from collections.abc import Callable

import pytest

from backend.errors import ContentError
from pipeline.expand.sitemap import MAX_ADDRESSES, MAX_BYTES, parse_sitemap

BASE = "https://garden.example/sitemap.xml"
NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def urlset(*locations: str, attributes: str = NAMESPACE, more: str = "") -> bytes:
    urls = "".join(f"<url><loc>{location}</loc>{more}</url>" for location in locations)
    return f"<?xml version='1.0' encoding='UTF-8'?><urlset {attributes}>{urls}</urlset>".encode()


def test_pages_are_listed_once_in_order_and_in_their_one_form() -> None:
    content = urlset(
        "https://garden.example/b",
        " https://Garden.example:443/a#top\n",
        "/relative?x=1&amp;y=2",
        "https://garden.example/a",
        more="<lastmod>2025-01-01</lastmod><priority>0.5</priority>",
    )
    sitemap = parse_sitemap(content, BASE)
    assert sitemap.pages == (
        "https://garden.example/b",
        "https://garden.example/a",
        "https://garden.example/relative?x=1&y=2",
    )
    assert sitemap.sitemaps == sitemap.rejected == ()
    assert not sitemap.is_cut


def test_an_index_lists_sitemaps() -> None:
    content = f"<sitemapindex {NAMESPACE}><sitemap><loc>https://garden.example/one.xml</loc></sitemap></sitemapindex>"
    sitemap = parse_sitemap(content.encode(), BASE)
    assert (sitemap.pages, sitemap.sitemaps) == ((), ("https://garden.example/one.xml",))


def test_a_sitemap_without_a_namespace_is_read_and_pictures_are_no_pages() -> None:
    assert parse_sitemap(urlset("https://garden.example/a", attributes=""), BASE).pages == ("https://garden.example/a",)
    images = 'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
    content = urlset(
        "https://garden.example/a",
        attributes=f"{NAMESPACE} {images}",
        more="<image:image><image:loc>https://garden.example/a.png</image:loc></image:image>",
    )
    assert parse_sitemap(content, BASE).pages == ("https://garden.example/a",)


def test_a_packed_sitemap_is_unpacked() -> None:
    packed = gzip.compress(urlset("https://garden.example/a"))
    assert parse_sitemap(packed, BASE).pages == ("https://garden.example/a",)
    parts = urlset("https://garden.example/a", "https://garden.example/b").partition(b"<loc>https://garden.example/b")
    assert len(parse_sitemap(b"".join(map(gzip.compress, parts)), BASE).pages) == 2
    with pytest.raises(ContentError, match="end is missing"):
        parse_sitemap(packed[:-12], BASE)
    with pytest.raises(ContentError, match="cannot be unpacked"):
        parse_sitemap(packed[:10] + b"\xff" * 20, BASE)


def test_a_packed_bomb_is_cut_at_the_limit() -> None:
    bomb = gzip.compress(b" " * (MAX_BYTES + 1), 9)
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(ContentError, match="unpacks to more"):
            parse_sitemap(bomb, BASE)
        assert tracemalloc.get_traced_memory()[1] < 3 * MAX_BYTES
    finally:
        tracemalloc.stop()


def test_addresses_that_are_none_are_told() -> None:
    content = urlset("javascript:alert(1)", "ftp://garden.example/a", "http://[", "https://a:b@garden.example/", "")
    sitemap = parse_sitemap(content, "")
    assert sitemap.pages == ()
    assert sitemap.rejected == (
        "javascript:alert(1)",
        "ftp://garden.example/a",
        "http://[",
        "…@garden.example/",
        "",
    )


def test_what_is_no_address_is_told_without_passwords_and_characters_that_steer_a_terminal() -> None:
    content = urlset("https://ana:pass/w@rd@garden.example/a", "ana:secret@garden.example", "ftp://a\x9b2J\u202eb\n c")
    assert parse_sitemap(content, "").rejected == ("…@garden.example/a", "…@garden.example", "ftp://a2Jb c")


@pytest.mark.parametrize(
    "content",
    [
        b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><body><p>Back soon</p></body></html>",
        b"<rss version='2.0'><channel><item><link>https://garden.example/a</link></item></channel></rss>",
        b"<error><url><loc>https://garden.example/a</loc></url></error>",
    ],
    ids=["a page", "a feed", "any XML"],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_something_else_than_a_sitemap_is_refused_and_not_taken_for_an_empty_one(
    content: bytes, pack: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(ContentError, match="not a sitemap"):
        parse_sitemap(pack(content), BASE)


def test_half_a_sitemap_is_refused_because_the_other_half_would_seem_to_have_vanished() -> None:
    content = urlset(*(f"https://garden.example/{number}" for number in range(100)))
    for damaged in (content[:-20], content[: len(content) // 2], b"", b"<urlset><url></urlset>"):
        with pytest.raises(ContentError, match="damaged"):
            parse_sitemap(damaged, BASE)


def test_more_addresses_than_the_protocol_allows_are_cut() -> None:
    content = urlset(*(f"/{number}" for number in range(MAX_ADDRESSES + 5)))
    began = time.process_time()
    sitemap = parse_sitemap(content, BASE)
    assert sitemap.is_cut
    assert len(sitemap.pages) == MAX_ADDRESSES
    assert time.process_time() - began < 10


def test_entities_are_not_expanded_and_nothing_else_is_loaded(tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("secret") / "secret.txt"
    secret.write_text("canary")
    laughs = '<!ENTITY a "https://garden.example/lol">' + "".join(
        f'<!ENTITY {name} "{f"&{previous};" * 20}">' for previous, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    doctype = f'<!DOCTYPE urlset [{laughs}<!ENTITY file SYSTEM "file://{secret}">]>'
    for body in ("&i;", "/&file;", "&a;"):
        content = f"{doctype}<urlset {NAMESPACE}><url><loc>{body}</loc></url></urlset>".encode()
        try:
            sitemap = parse_sitemap(content, BASE)
        except ContentError:
            continue
        assert "canary" not in repr(sitemap)
        assert "lol" not in repr(sitemap)
