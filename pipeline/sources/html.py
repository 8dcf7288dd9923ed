"""Web pages: their main content under its headings, with code as it stands, and what the page says of itself."""

import copy
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date

import trafilatura.metadata
from lxml import etree, html
from lxml.html import HtmlElement

from backend.errors import ContentError
from pipeline.clean import clean_characters, flow
from pipeline.sources.decode import decode
from pipeline.sources.html_blocks import inline_text, read_sections
from pipeline.sources.html_formulas import write_formulas
from pipeline.sources.html_main import keep_main_content
from pipeline.sources.metadata import read_metadata, web_address
from pipeline.sources.outline import below_title, letters
from pipeline.sources.parsed import Metadata, NothingToRead, ParsedDocument
from pipeline.sources.template_tags import strip_template_tags

_HEAD_BYTES = 4096
_CHARSET = re.compile(rb"""<(?:meta|\?xml)\b[^>]*?(?:charset|encoding)\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
_ENCODINGS = re.compile(
    r"utf-8|us-ascii|(?:x-)?(?:windows|iso-8859|mac|koi8|shift|euc|gb|big5|iso-2022|tis)[\w-]*", re.IGNORECASE
)
_FRONT_MATTER = re.compile(r"\s*<!--\s*(\{.*?\})\s*-->", re.DOTALL)
_SITE = re.compile(r"\s+[|·•»«:–—-]+\s+")  # between a page's title and its site's name
_STATEMENTS = ".//script[@type='application/ld+json'] | .//*[@itemprop='datePublished' or @itemprop='author']"
_FIRST_TIME = "(.//article//time[@datetime] | .//main//time[@datetime])[1]"
_REDIRECT_CHARACTERS = 300  # that a page has at most which only says where it has moved


def parse(content: bytes) -> ParsedDocument:
    """The page's main content. Nothing that it links to is loaded.

    Raises `ContentError` where its bytes are no text or its elements too deep, `NothingToRead` where no text is left or
    it only leads elsewhere.
    """
    text, remarks = _decode(content)
    told = list(remarks)
    values = _front_matter(text)
    root = _tree(strip_template_tags(text) if values.get("template") is True else text)
    metadata = read_metadata(values, told).over(_metadata(root))
    write_formulas(root)
    title = _title(root)
    keep_main_content(root)
    sections = read_sections(root)
    length = sum(len(block.text) for section in sections for block in section.blocks)
    if _redirects(root) and length < _REDIRECT_CHARACTERS:
        raise NothingToRead("It only points to another page.")
    if not sections:
        raise NothingToRead("There is no text in it.")
    return ParsedDocument(below_title(sections, metadata.title or title), "article", title, metadata, tuple(told))


def _decode(content: bytes) -> tuple[str, tuple[str, ...]]:
    """The text as its byte-order mark or it itself says that it is encoded, or as `decode` finds."""
    declared = _CHARSET.search(content[:_HEAD_BYTES])
    name = declared[1].decode() if declared else ""
    name = {"iso-8859-1": "windows-1252", "us-ascii": "windows-1252"}.get(name.lower(), name)  # as browsers do
    if _ENCODINGS.fullmatch(name) and not content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        with suppress(LookupError, UnicodeDecodeError):
            return clean_characters(content.decode(name)), ()
    return decode(content)


def _tree(text: str) -> HtmlElement:
    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = html.document_fromstring(text.encode(), parser=parser)
    except etree.ParserError as error:
        raise NothingToRead("There is no text in it.") from error
    if parser.error_log.filter_from_fatals().filter_types(etree.ErrorTypes.ERR_RESOURCE_LIMIT):
        raise ContentError("Its elements are nested too deeply, or too large, to be read.")
    for element in root.iter():  # what was written as a reference, such as `&shy;`
        element.text = clean_characters(element.text) if element.text else None
        element.tail = clean_characters(element.tail) if element.tail else None
    return root


def _front_matter(text: str) -> Mapping[str, object]:
    """What a comment in JSON at the very beginning says, as Go's documents have it."""
    comment = _FRONT_MATTER.match(text)
    with suppress(ValueError, RecursionError):
        values = json.loads(comment[1]) if comment else None
        if isinstance(values, dict):
            return {key.lower(): value for key, value in values.items()}
    return {}


def _metadata(root: HtmlElement) -> Metadata:
    """What the page's markup states. Its text is not searched for names and dates: these may be anybody's."""
    stating = copy.deepcopy(root)
    for body in stating.iter("body"):
        statements = [*body.xpath(_STATEMENTS), *body.xpath(_FIRST_TIME)]
        body.clear()
        body.extend(statements)
    found = trafilatura.metadata.extract_metadata(
        stating, date_config={"extensive_search": False, "original_date": True}, extensive=False
    )
    return Metadata(url=_address(found.url), published_at=_day(found.date), authors=_names(found.author))


def _address(url: str | None) -> str | None:
    return web_address(flow(clean_characters(url or "")))


def _day(text: str | None) -> date | None:
    with suppress(ValueError):
        return date.fromisoformat(text or "")
    return None


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for part in (text or "").split(";") if (name := flow(clean_characters(part)))))


def _title(root: HtmlElement) -> str | None:
    """The page's own title, without the name of its site where that can be told apart."""
    shared = _first(root.xpath("//meta[@property='og:title' or @name='og:title']/@content"))
    stated = _first(inline_text(element) for element in root.iter("title"))
    shown = [text for element in root.iter("h1") if (text := inline_text(element))]
    whole = shared or stated
    if not whole:
        return shown[0] if shown else None
    starts = [whole[: mark.start()] for mark in _SITE.finditer(whole)]
    agreeing = {letters(text) for text in (shared, stated, *shown) if text and text != whole}
    site = _first(root.xpath("//meta[@property='og:site_name']/@content"))
    for start in starts:
        if letters(start) in agreeing or (site and letters(whole[len(start) :]) == letters(site)):
            return start
    return whole


def _first(texts: Iterable[str]) -> str | None:
    return next((text for one in texts if (text := flow(clean_characters(str(one))))), None)


def _redirects(root: HtmlElement) -> bool:
    """Whether the page sends its reader to another."""
    return any(
        "url" in (meta.get("content") or "").lower()
        for meta in root.iter("meta")
        if (meta.get("http-equiv") or "").lower() == "refresh"
    )
