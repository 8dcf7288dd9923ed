"""From a feed to its documents: of every item the transcript, else its page, else what the feed itself holds of it."""

import hashlib
import html
from dataclasses import replace
from pathlib import Path

from backend.errors import ContentError
from pipeline.address import address
from pipeline.expand.expanded import Expanded, Outcome, Parse, Tell, each
from pipeline.expand.feed import MAX_ITEMS, Feed, Item, parse_feed
from pipeline.expand.page import Stage
from pipeline.fetch import Unreachable
from pipeline.find import LeftOut
from pipeline.source import Source
from pipeline.sources.parsed import Metadata, NothingToRead

MAX_GUID = 200
MAX_PAGES = 50  # of one feed, after RFC 5005
_PAGE = """<!doctype html>
<html><head><meta charset="utf-8"><title>{title}</title></head>
<body><article>
{content}
</article></body></html>
"""


async def read_feed(content: bytes, base: str, stage: Stage, parse: Parse) -> tuple[Feed, list[LeftOut]]:
    """The feed with the items of its further pages, and what is missing of it.

    Raises `ContentError` where the feed itself cannot be read.
    """
    feed = await parse(parse_feed, content, base)
    missing: list[LeftOut] = []
    items = list(feed.items)
    seen, page = {base}, feed
    while page.next_page and page.next_page not in seen and len(items) < MAX_ITEMS:
        there = page.next_page
        if len(seen) == MAX_PAGES:
            missing.append(LeftOut(there, f"The feed has more than {MAX_PAGES} pages; the rest was not read."))
            break
        seen.add(there)
        try:
            landed = await stage.land(there, stage.page(there).path)
            page = await parse(parse_feed, landed.take(), landed.address)
        except ContentError as error:
            missing.append(LeftOut(there, f"The feed goes on there. {error.message}"))
            break
        items += page.items
    if len(items) > MAX_ITEMS or page.is_cut:
        missing.append(LeftOut(base, f"The feed has more than {MAX_ITEMS:,} items; the rest was not read."))
    return replace(feed, items=tuple(items[:MAX_ITEMS])), missing


async def expand_feed(feed: Feed, name: str, stage: Stage, tell: Tell) -> Expanded:
    """What becomes of every item; `name` is the feed's address or file, for items without an identity of their own."""
    channel = _Channel(feed, name, stage)
    sources: dict[str, tuple[Source, Item]] = {}
    origins: set[str] = set()
    left_out: list[LeftOut] = []
    for item in feed.items:
        source = channel.source(item)
        if source.uri in sources or source.origin in origins:
            left_out.append(LeftOut(source.origin, "Another item of the feed has the same identity."))
        else:
            sources[source.uri] = (source, item)
            origins.add(source.origin)
    expanded = await each(list(sources.values()), channel.document, tell)
    expanded.left_out[:0] = left_out
    expanded.creator_name = feed.title
    return expanded


class _Channel:
    """A feed whose items become documents."""

    def __init__(self, feed: Feed, name: str, stage: Stage) -> None:
        self._name = name
        self._stage = stage
        users: dict[str, set[str]] = {}
        for item in feed.items:
            for there in filter(None, (item.link, item.enclosure)):
                users.setdefault(there, set()).add(_guid(item))
        self._shared = {feed.home, *(there for there, guids in users.items() if len(guids) > 1)}

    def source(self, item: Item) -> Source:
        """An item as a source without a file.

        Its guid names it if it is an address, else its link if no other item has the same.
        """
        link = self._page(item)
        guid = _guid(item)
        uri = _address_or_none(guid) or link or f"{self._name}#{_fragment(guid)}"
        recording = item.enclosure if item.enclosure not in self._shared else None
        known = Metadata(
            title=item.title,
            url=link or item.enclosure or item.link,
            published_at=item.published_at,
            duration_s=item.duration_s,
            authors=item.authors,
        )
        return self._stage.source(uri, known, origin=link or recording or uri)

    async def document(self, entry: tuple[Source, Item]) -> Outcome:
        """The first of transcript, page and own content that can be had.

        Something that cannot be reached just now is a failure, and not a reason to take the next: a document would
        lose its transcript whenever the site is slow.
        """
        source, item = entry
        recording = replace(source, known=replace(source.known, kind="video" if item.is_video else "audio"))
        places = [(transcript.address, transcript.media_type, recording) for transcript in item.transcripts]
        if link := self._page(item):
            places.append((link, "text/html", source))
        refusal: ContentError = NothingToRead("It has no transcript, no page and no text.")
        for place, media_type, described in places:
            try:
                return await self._stage.document(place, described, media_type)
            except Unreachable as error:
                return source, error.message
            except ContentError as error:
                refusal = error
        if item.content:
            return replace(source, path=_write(source.path, item.title, item.content))
        if isinstance(refusal, NothingToRead):
            return LeftOut(source.origin, refusal.message)
        return source, refusal.message

    def _page(self, item: Item) -> str | None:
        """The page of an item, unless it is that of the whole feed, or of several."""
        return item.link if item.link not in self._shared else None


def _guid(item: Item) -> str:
    """What tells an item from the others of its feed."""
    return item.identity or item.enclosure or item.title or "untitled"


def _address_or_none(guid: str) -> str | None:
    try:
        return address(guid)
    except ContentError:
        return None


def _fragment(guid: str) -> str:
    """The guid itself, or where it cannot be shown or may hold a password, a name that is as good."""
    can_be_shown = guid.isprintable() and len(guid) <= MAX_GUID and not ("//" in guid and "@" in guid)
    return guid if can_be_shown else hashlib.sha256(guid.encode(errors="replace")).hexdigest()[:32]


def _write(path: Path, title: str | None, content: str) -> Path:
    page = path.with_suffix(".html")
    page.write_text(_PAGE.format(title=html.escape(title or ""), content=content), encoding="utf-8")
    return page
