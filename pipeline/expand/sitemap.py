"""Sitemaps: which addresses a site lists, by the protocol of sitemaps.org."""

import gzip
import io
import zlib
from dataclasses import dataclass
from urllib.parse import urljoin

from lxml import etree

from backend.errors import ContentError
from pipeline.address import address
from pipeline.clean import clean_characters, flow

MAX_BYTES = 64 * 2**20  # the protocol allows 50 MB
MAX_ADDRESSES = 50_000  # the protocol's own limit for one file
MOST_SHOWN = 200  # characters of what is no address
GZIP = b"\x1f\x8b"
_ROOTS = ("urlset", "sitemapindex")
_SAFELY = {"resolve_entities": False, "no_network": True, "huge_tree": False, "load_dtd": False}


@dataclass(frozen=True, slots=True)
class Sitemap:
    """The addresses of pages and of further sitemaps, each once, normalised, in their order.

    `rejected` are those that are no addresses, as they can be shown; `is_cut` says that there were more than
    `MAX_ADDRESSES`.
    """

    pages: tuple[str, ...]
    sitemaps: tuple[str, ...]
    rejected: tuple[str, ...] = ()
    is_cut: bool = False


def parse_sitemap(content: bytes, base: str) -> Sitemap:
    """What a sitemap or an index of sitemaps lists; `content` may be packed with gzip.

    Raises `ContentError` where it is damaged, cut off, too large, or something else: half a sitemap, or a page about
    maintenance, would say that the rest of the site has vanished.
    """
    found: dict[str, dict[str, None]] = {"url": {}, "sitemap": {}}
    rejected: dict[str, None] = {}
    count = 0
    unpacked = _unpacked(content)
    try:
        _, root = next(etree.iterparse(io.BytesIO(unpacked), events=("start",), **_SAFELY))
        if etree.QName(root).localname not in _ROOTS:
            raise ContentError("What lies there is not a sitemap.")
        for _, element in etree.iterparse(io.BytesIO(unpacked), tag=("{*}url", "{*}sitemap"), **_SAFELY):
            name = etree.QName(element)
            listed = element.findtext(f"{{{name.namespace}}}loc" if name.namespace else "loc")
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
            count += 1
            if count > MAX_ADDRESSES:
                break
            text = (listed or "").strip()
            try:
                found[name.localname][address(urljoin(base, text))] = None
            except (ContentError, ValueError):
                rejected[_shown(text)] = None
    except etree.XMLSyntaxError as error:
        raise ContentError("The sitemap is damaged: it is not well-formed XML.") from error
    return Sitemap(tuple(found["url"]), tuple(found["sitemap"]), tuple(rejected), count > MAX_ADDRESSES)


def _shown(text: str) -> str:
    """What stands where an address should, in one line that can be shown: without a name or password."""
    before, _, behind = text.rpartition("@")
    shown = flow(clean_characters(f"…@{behind}" if before else text))
    return "".join(character for character in shown if character.isprintable())[:MOST_SHOWN]


def _unpacked(content: bytes) -> bytes:
    if not content.startswith(GZIP):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:  # reads all parts of a file that has several
            unpacked = packed.read(MAX_BYTES + 1)
    except EOFError as error:
        raise ContentError("The sitemap is damaged: its end is missing.") from error
    except (OSError, zlib.error) as error:
        raise ContentError("The sitemap is damaged: it cannot be unpacked.") from error
    if len(unpacked) > MAX_BYTES:
        raise ContentError(f"The sitemap unpacks to more than {MAX_BYTES // 2**20} MiB.")
    return unpacked
