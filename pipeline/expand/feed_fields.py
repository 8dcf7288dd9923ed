"""Single fields of a feed: texts, addresses, dates, durations."""

import html
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

from lxml import etree

from backend.errors import ContentError
from pipeline.address import address
from pipeline.clean import clean_characters, flow

ATOM = "http://www.w3.org/2005/Atom"
DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
MAX_NAME = 500  # characters of a title or name

_DURATION = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,7}(?:\.\d{1,9})?)")
_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?!\d)")
_TAG = re.compile(r"<[^<>]*>")


def own(element: etree._Element) -> str | None:
    """The namespace of the element, in which its own fields are."""
    namespace: str | None = etree.QName(element).namespace
    return namespace


def children(element: etree._Element, name: str, *namespaces: str | None) -> Iterator[etree._Element]:
    """The children of that name, those of the first namespace first."""
    for namespace in namespaces:
        yield from element.iterchildren(f"{{{namespace}}}{name}" if namespace else name)


def text_of(element: etree._Element) -> str:
    """All text in it. An entity that HTML knows becomes its character, others are not expanded."""
    parts = [element.text or ""]
    for child in element:
        if child.tag is etree.Entity:
            character = html.unescape(child.text or "")
            parts.append("" if character.startswith("&") and len(character) > 1 else character)
        elif isinstance(child.tag, str):
            parts.append(text_of(child))
        parts.append(child.tail or "")
    return "".join(parts)


def markup_of(element: etree._Element) -> str | None:
    """The HTML that it holds, written out (Atom's XHTML), escaped, or as plain text."""
    kind = element.get("type", "html") if own(element) == ATOM else "html"
    inside = [child for child in element if isinstance(child.tag, str)]
    if inside:
        written = (etree.tostring(child, method="html", encoding="unicode") for child in inside)
        return html.escape(element.text or "") + "".join(written)
    text = text_of(element).strip()
    return (html.escape(text) if kind == "text" else text) or None


def name_of(element: etree._Element | None) -> str | None:
    """A title or name in one line. Feeds escape it once more than XML asks for, and Atom says where it holds markup."""
    if element is None:
        return None
    text = text_of(element)
    if own(element) == ATOM and element.get("type", "text") != "text":
        text = _TAG.sub("", text)
    return flow(clean_characters(html.unescape(text)))[:MAX_NAME].rstrip() or None


def address_in(element: etree._Element, reference: str | None) -> str | None:
    """The normalised address that a reference at this place means, if it is one."""
    if not reference or not reference.strip():
        return None
    with suppress(ContentError, ValueError):
        return address(urljoin(element.base or "", reference.strip()))
    return None


def link_of(element: etree._Element) -> str | None:
    """The page of a feed or item."""
    candidates = (
        address_in(link, link.get("href") if own(link) == ATOM else text_of(link))
        for link in children(element, "link", own(element), ATOM)
        if link.get("rel", "alternate") == "alternate" and link.get("type", "text/html").endswith("html")
    )
    return next((link for link in candidates if link), None)


def related(element: etree._Element, relation: str) -> str | None:
    """Where an Atom link of this relation leads, in Atom or within RSS."""
    links = (link for link in children(element, "link", ATOM) if link.get("rel") == relation)
    return next((there for link in links if (there := address_in(link, link.get("href")))), None)


def date_in(text: str) -> date | None:
    """The day that is written, by ISO 8601 or RFC 822, where it was then for whoever wrote it."""
    text = text.strip()
    with suppress(ValueError, TypeError, OverflowError):
        if match := _ISO_DATE.match(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
        return parsedate_to_datetime(text[:100]).date()
    return None


def seconds_in(text: str) -> float | None:
    """A duration in seconds: hours, minutes and seconds with colons, or seconds alone."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds or None
