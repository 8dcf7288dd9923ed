"""Feeds: what RSS 2.0, RSS 1.0 and Atom say of their items, with the transcripts that podcasts add."""

import re
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from lxml import etree

from backend.errors import ContentError
from pipeline.expand.feed_fields import (
    ATOM,
    DUBLIN_CORE,
    ITUNES,
    address_in,
    children,
    date_in,
    link_of,
    markup_of,
    name_of,
    own,
    related,
    seconds_in,
    text_of,
)

MAX_ITEMS = 10_000
_ENCODED = "http://purl.org/rss/1.0/modules/content/"
_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_ITEM_NAMESPACES = (None, ATOM, "http://purl.org/rss/1.0/", "http://my.netscape.com/rdf/simple/0.9/")
_MAILBOX = re.compile(r"\S+@\S+(?:\s*\((.+)\))?")

# Those with times first, then by how much their formats promise; the suffix counts where the type says nothing.
_TRANSCRIPTS = {
    "text/vtt": 0,
    ".vtt": 0,
    "application/srt": 1,
    "application/x-subrip": 1,
    "text/srt": 1,
    ".srt": 1,
    "application/json": 2,
    ".json": 2,
    "text/html": 3,
    ".html": 3,
    "text/markdown": 4,
    ".md": 4,
    "text/plain": 5,
    ".txt": 5,
}


@dataclass(frozen=True, slots=True)
class Transcript:
    """Where an episode's transcript lies, and the type that the feed gives it."""

    address: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Item:
    """What a feed says of one item; addresses are normalised. `identity` is its guid, `content` is HTML.

    `transcripts` are in the order in which they should be tried.
    """

    identity: str | None
    link: str | None
    enclosure: str | None
    is_video: bool
    title: str | None
    published_at: date | None
    duration_s: float | None
    authors: tuple[str, ...]
    transcripts: tuple[Transcript, ...]
    content: str | None


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed, or one page of it: then `next_page` leads on. `home` is the page of the whole.

    `is_cut` says that there were more than `MAX_ITEMS` items.
    """

    title: str | None
    home: str | None
    items: tuple[Item, ...]
    next_page: str | None
    is_cut: bool


def parse_feed(content: bytes, base: str) -> Feed:
    """What the feed at the address `base` says, as far as it is well-formed.

    No entity is expanded and nothing else is loaded. Raises `ContentError` where it is no feed.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, recover=True)
    try:
        root = etree.fromstring(content, parser, base_url=base or None)
    except etree.XMLSyntaxError as error:
        raise ContentError("The feed is damaged: it cannot be read as XML.") from error
    if root is None or etree.QName(root).localname.lower() not in ("rss", "rdf", "feed"):
        raise ContentError("This is not a feed.")
    channel = next(root.iterchildren("{*}channel"), root)
    stated = next(children(channel, "language", own(channel), DUBLIN_CORE), None)
    language = text_of(stated) if stated is not None else root.get(_LANGUAGE, "")
    found = (item for item in root.iter("{*}item", "{*}entry") if own(item) in (*_ITEM_NAMESPACES, own(root)))
    items = tuple(_item(item, language) for item in islice(found, MAX_ITEMS))
    return Feed(
        title=name_of(next(children(channel, "title", own(channel)), None)),
        home=link_of(channel),
        items=items,
        next_page=related(channel, "next") or related(channel, "prev-archive"),
        is_cut=next(found, None) is not None,
    )


def _item(item: etree._Element, language: str) -> Item:
    def first(*names: tuple[str, str | None]) -> str:
        """The first of these fields that says something."""
        texts = (text_of(found).strip() for name, namespace in names for found in children(item, name, namespace))
        return next((text for text in texts if text), "")

    namespace = own(item)
    enclosure, media_type = _enclosure(item)
    dates = ("pubDate", namespace), ("published", ATOM), ("date", DUBLIN_CORE), ("updated", ATOM)
    content = (
        markup_of(found)
        for name, where in (
            ("encoded", _ENCODED),
            ("content", ATOM),
            ("description", namespace),
            ("summary", ATOM),
            ("summary", ITUNES),
        )
        for found in children(item, name, where)
    )
    return Item(
        identity=first(("guid", namespace), ("id", ATOM)) or item.get(_ABOUT) or None,
        link=link_of(item),
        enclosure=enclosure,
        is_video=media_type.startswith("video/"),
        title=name_of(next(children(item, "title", namespace, ITUNES, DUBLIN_CORE), None)),
        published_at=date_in(first(*dates)),
        duration_s=seconds_in(first(("duration", ITUNES))),
        authors=_authors(item),
        transcripts=_transcripts(item, item.get(_LANGUAGE, language)),
        content=next((text for text in content if text), None),
    )


def _enclosure(item: etree._Element) -> tuple[str | None, str]:
    """The address and type of the recording."""
    for found in children(item, "enclosure", own(item)):
        return address_in(found, found.get("url")), found.get("type", "").lower()
    for link in children(item, "link", ATOM):
        if link.get("rel") == "enclosure":
            return address_in(link, link.get("href")), link.get("type", "").lower()
    return None, ""


def _authors(item: etree._Element) -> tuple[str, ...]:
    """Each once. RSS names people by mailboxes, which are nobody's business."""
    atom = [name for author in children(item, "author", ATOM) for name in children(author, "name", ATOM)]
    rss = [] if own(item) == ATOM else list(children(item, "author", own(item)))
    others = [*children(item, "creator", DUBLIN_CORE), *children(item, "author", ITUNES)]
    names: dict[str, None] = {}
    for element in atom or [*rss, *others]:
        name = name_of(element) or ""
        if mailbox := _MAILBOX.fullmatch(name):
            name = mailbox[1] or ""
        if name:
            names[name] = None
    return tuple(names)


def _transcripts(item: etree._Element, language: str) -> tuple[Transcript, ...]:
    """Those of a kind that is read, in the language of the feed first, and of these the most telling format first."""
    ranked: list[tuple[int, int, Transcript]] = []
    for found in item.iterchildren("{*}transcript"):
        there = address_in(found, found.get("url"))
        if there is None:
            continue
        media_type = found.get("type", "").partition(";")[0].strip().lower()
        rank = _TRANSCRIPTS.get(media_type, _TRANSCRIPTS.get(PurePosixPath(urlsplit(there).path).suffix.lower()))
        if rank is not None:
            ranked.append((_distance(found.get("language", ""), language), rank, Transcript(there, media_type)))
    return tuple(transcript for _, _, transcript in sorted(ranked, key=lambda entry: entry[:2]))


def _distance(language: str, wanted: str) -> int:
    """0 for the language itself or none said, 1 for another."""
    stated, meant = (tag.strip().lower().partition("-")[0] for tag in (language, wanted))
    return int(bool(stated and meant) and stated != meant)
