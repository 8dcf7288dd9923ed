"""What a file is shows in how it begins, and no word in its text makes it something else."""

import pytest

from pipeline.sources.detect import Kind, kind_of


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("talk.md", b"A file that begins with %PDF-1.7 is a PDF.", "markdown"),
        ("talk.txt", b"What does %PDF-1.7 mean?", "text"),
        ("talk.html", b"<p>What does %PDF-1.7 mean?</p>", "html"),
        ("talk.md", b"%PDF-1.7\n%\xe2\xe3", "pdf"),
        ("talk.md", b"\xef\xbb\xbf\r\n%PDF-1.7\n", "pdf"),
        ("talk.pdf", b"HTTP/1.1 200 OK\n\n%PDF-1.7\n", "pdf"),
        ("talk", b"\n\0\n%PDF-1.7\n", "pdf"),
        ("talk.md", b'<rss version="2.0"> is how a feed begins.', "markdown"),
        ("talk.txt", b"<feed> is how a feed begins, <urlset> a sitemap.", "text"),
        ("talk.txt", b'<?xml version="1.0"?>\n<rss version="2.0">\n<channel><title>Talks</title>', "feed"),
        ("talk.txt", b'<urlset xmlns="x"><!-- all pages --><url>', "sitemap"),
        ("talk.xml", b'<rss version="2.0">', "feed"),
        ("talk.md", b"WEBVTT is how captions begin.", "markdown"),
        ("talk.txt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello", "webvtt"),
        ("talk.vtt", b"WEBVTT - Talks", "webvtt"),
    ],
)
def test_a_file_is_what_it_begins_as(name: str, head: bytes, kind: Kind) -> None:
    assert kind_of(name, head) == kind
