"""Where a curator names an address, and what a site may answer."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pipeline.expand.addresses import expand
from pipeline.expand.expanded import Expanded
from pipeline.fetch import Fetcher
from pipeline.source import Request, Source
from pipeline.sources.detect import read
from tests.pipeline.site import Site

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


def text_of(source: Source) -> str:
    parsed = read(source.path.name, source.path.read_bytes())
    return "\n".join(block.text for section in parsed.sections for block in section.blocks)


def article(title: str) -> str:
    return ARTICLE.format(title=title)


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
