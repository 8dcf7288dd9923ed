"""Which kind of content a file is: by its first bytes, and by its name where these do not tell."""

import codecs
import re
from pathlib import PurePath
from typing import Literal

from backend.errors import ContentError
from pipeline.sources.decode import decode
from pipeline.sources.parsed import NothingToRead, ParsedDocument

Kind = Literal["markdown", "text", "html", "webvtt", "srt", "json", "pdf", "docx", "archive", "feed", "sitemap"]

HEAD_BYTES = 4096  # what `kind_of` needs to see of a file
LISTS: frozenset[Kind] = frozenset({"archive", "feed", "sitemap"})  # lead to documents, and are none
CAPTIONS: frozenset[Kind] = frozenset({"webvtt", "srt"})

_BY_SUFFIX: dict[str, Kind] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".text": "text",
    ".htm": "html",
    ".html": "html",
    ".xhtml": "html",
    ".vtt": "webvtt",
    ".srt": "srt",
    ".json": "json",
    ".json3": "json",
    ".pdf": "pdf",
    ".docx": "docx",
    ".zip": "archive",
}
_BINARY: frozenset[Kind] = frozenset({"pdf", "docx", "archive"})
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_PDF_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*%PDF-")
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_XML_PREAMBLE = re.compile(r"(?:\s|<\?[^>]*\?>|<!--.*?-->|<!doctype[^>]*>)*", re.DOTALL | re.IGNORECASE)
_ROOT = re.compile(r"<(?:\w+:)?(\w+)")
_ONLY_MARKUP = re.compile(_XML_PREAMBLE.pattern + r"<[^<>]*>\s*<", re.DOTALL | re.IGNORECASE)
_FIRST_CUE = re.compile(r"\s*(?:\d+\s*\n)?\s*(?:\d+:)?\d+:\d+[.,]\d+\s*-->")


def kind_of(name: str, head: bytes) -> Kind | None:
    """The kind of a file of this name that begins with `head` (`HEAD_BYTES` are enough), or None if it is not read."""
    by_name = _BY_SUFFIX.get(PurePath(name).suffix.lower())
    is_unnamed = by_name is None or by_name == "pdf"
    if b"%PDF-" in head[:1024] if is_unnamed else _PDF_START.match(head):  # some servers put a line before it
        return "pdf"
    if head.startswith(_ZIP):
        return "docx" if by_name == "docx" else "archive"
    if not head.startswith(_WIDE) and b"\0" in head:
        return by_name  # its reader says what is wrong with it
    text = _peek(head)
    is_prose = by_name in ("markdown", "text")
    if re.match(r"WEBVTT(?:\s|$)", text) and ("-->" in text or not is_prose):
        return "webvtt"
    if _FIRST_CUE.match(text):
        return "webvtt" if by_name == "webvtt" else "srt"
    if listed := _xml_kind(text):
        return listed if not is_prose or (listed in LISTS and _ONLY_MARKUP.match(text)) else by_name
    return by_name


def read(name: str, content: bytes) -> ParsedDocument:
    """The document in a file of this name, with remarks about its encoding.

    Raises `ContentError` with the reason where it cannot be read, `NothingToRead` where there is nothing in it.
    """
    kind = kind_of(name, content[:HEAD_BYTES])
    match kind:
        case "pdf":
            from pipeline.sources import pdf

            return pdf.parse(content)
        case "docx":
            from pipeline.sources import docx

            return docx.parse(content)
        case "html":
            from pipeline.sources import html

            return html.parse(content)
        case "archive" | "feed" | "sitemap":
            raise NothingToRead("It only leads to documents; name it itself to ingest them.")
        case None:
            raise ContentError(f"{PurePath(name).suffix or 'A file without a suffix'} is not a kind that is read.")
    text, remarks = decode(content)
    parsed = _parse_text(kind, text)
    return parsed.with_remarks(remarks)


def _parse_text(kind: Literal["markdown", "text", "webvtt", "srt", "json"], text: str) -> ParsedDocument:
    match kind:
        case "markdown":
            from pipeline.sources import markdown

            return markdown.parse(text)
        case "text":
            from pipeline.sources import text as plain

            return plain.parse(text)
        case "webvtt":
            from pipeline.sources import webvtt

            return webvtt.parse(text)
        case "srt":
            from pipeline.sources import srt

            return srt.parse(text)
        case "json":
            from pipeline.sources import transcripts

            return transcripts.parse(text)


def _peek(head: bytes) -> str:
    """The first lines as text, whatever their encoding."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, errors="replace").lstrip()
    return head.decode("utf-8", errors="replace").lstrip()


def _xml_kind(text: str) -> Kind | None:
    """What the root element says, if the text begins with markup."""
    preamble = _XML_PREAMBLE.match(text)
    root = _ROOT.match(text, preamble.end() if preamble else 0)
    if re.match(r"<!doctype\s+html", text, re.IGNORECASE):
        return "html"
    match root.group(1).lower() if root else None:
        case "rss" | "feed" | "rdf":
            return "feed"
        case "urlset" | "sitemapindex":
            return "sitemap"
        case "html" | "head" | "body":
            return "html"
    return None
