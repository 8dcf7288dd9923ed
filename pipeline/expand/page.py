"""One address: what lies there becomes a file in the staging folder, and the file a source."""

import hashlib
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import httpx2

from backend.errors import ContentError
from pipeline.expand.expanded import Outcome
from pipeline.expand.sitemap import GZIP
from pipeline.fetch import Fetched, Fetcher
from pipeline.find import LeftOut
from pipeline.source import Request, Source
from pipeline.sources.detect import HEAD_BYTES, LISTS, Kind, kind_of
from pipeline.sources.parsed import Metadata, NothingToRead

_SUFFIXES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/markdown": ".md",
    "text/vtt": ".vtt",
    "text/srt": ".srt",
    "application/srt": ".srt",
    "application/x-subrip": ".srt",
    "application/json": ".json",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "application/x-zip-compressed": ".zip",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}
_TEXT_FILES: frozenset[Kind | None] = frozenset({"html", "markdown", "text", "webvtt", "srt"})
# What a file would be read as in any case (UTF-8, else Windows-1252), often said where the other is true.
_USUAL_CHARSETS = re.compile(r"utf-?8|(?:us-)?ascii|iso-?8859-?1|latin-?1|windows-1252|")
# Python knows more codecs, among them some that are none of texts, or take quadratic time.
_CHARSETS = re.compile(
    r"(?:iso-?8859-?|windows-|cp)\d{1,4}|shift[_-]jis|euc-(?:jp|kr)|gb(?:2312|k|18030)|big5|koi8-[ru]|utf-16(?:le|be)?"
)
NOT_A_DOCUMENT = "It only leads to documents; name it itself to ingest them."


@dataclass(frozen=True, slots=True)
class Landed:
    """A file that was fetched, what it is, and where it really came from."""

    path: Path
    kind: Kind
    address: str

    def take(self) -> bytes:
        """Its bytes; the file goes."""
        content = self.path.read_bytes()
        self.discard()
        return content

    def discard(self) -> None:
        self.path.unlink()


@dataclass(frozen=True, slots=True)
class Stage:
    """Where fetched files are laid down, for whom, and whose they are unless they say it themselves (a slug)."""

    fetcher: Fetcher
    folder: Path
    request: Request
    creator: str | None

    def source(self, uri: str, known: Metadata, origin: str | None = None) -> Source:
        """A source of this identity, with a path of its own at which there is no file yet."""
        return Source(
            path=self.folder / hashlib.sha256(uri.encode()).hexdigest()[:32],
            uri=uri,
            origin=origin or uri,
            request=self.request,
            creator=self.creator,
            known=known,
        )

    def page(self, address: str) -> Source:
        """The source of an address of which nothing else is known."""
        return self.source(address, Metadata(url=address))

    async def land(self, address: str, path: Path, media_type: str = "") -> Landed:
        """Fetches the address into a file beside `path`, with the suffix of its kind.

        `media_type` is what others say of it, which counts where the site itself says nothing of use. Raises what
        `Fetcher.fetch` raises, and `NothingToRead` where it is of a kind that is not read.
        """
        fetched = await self.fetcher.fetch(address, path)
        return _sorted(path, fetched, media_type)

    async def document(self, address: str, source: Source, media_type: str = "") -> Source:
        """The source with what lies at the address as its file. Raises as `land` does, also for a list of documents."""
        landed = await self.land(address, source.path, media_type)
        if landed.kind in LISTS:
            landed.discard()
            raise NothingToRead(NOT_A_DOCUMENT)
        return replace(source, path=landed.path)

    async def try_page(self, address: str) -> Outcome:
        """What comes of an address that should be a document."""
        source = self.page(address)
        try:
            return await self.document(address, source)
        except NothingToRead as error:
            return LeftOut(address, error.message)
        except ContentError as error:
            return source, error.message


def _sorted(path: Path, fetched: Fetched, media_type: str) -> Landed:
    suffix = _suffix(fetched, media_type)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    kind = "sitemap" if head.startswith(GZIP) else kind_of(f"page{suffix}", head)
    if kind is None:
        path.unlink()
        raise NothingToRead("What lies there is not a kind that is read.")
    final = path.with_suffix(suffix)
    if kind in _TEXT_FILES and _CHARSETS.fullmatch(fetched.charset) and not _USUAL_CHARSETS.fullmatch(fetched.charset):
        _rewrite(path, final, fetched.charset)
    else:
        path.rename(final)
    return Landed(final, kind, fetched.address)


def _suffix(fetched: Fetched, media_type: str) -> str:
    """The suffix by which a file of this kind is known where its content does not tell."""
    in_address = PurePosixPath(unquote(httpx2.URL(fetched.address).path)).suffix.lower()
    named = in_address if kind_of(f"page{in_address}", b"") else ""
    by_site = _SUFFIXES.get(fetched.media_type) or named or _SUFFIXES.get(media_type)
    return by_site or (".txt" if fetched.media_type == "text/plain" else ".xml")


def _rewrite(path: Path, final: Path, charset: str) -> None:
    """The same text as UTF-8 with its mark, because a file cannot keep what only the site's headers said."""
    try:
        text = path.open(encoding=charset, errors="replace", newline="")
    except LookupError:  # a number that no code page has
        path.rename(final)
        return
    with text, final.open("w", encoding="utf-8-sig", newline="") as file:
        shutil.copyfileobj(text, file)
    path.unlink()
