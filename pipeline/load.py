"""From a file to a document: its bytes are read, parsed, and joined with what is said about it elsewhere."""

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import PurePath
from uuid import NAMESPACE_URL, UUID, uuid5

from backend.errors import ContentError
from backend.knowledge.models import Document
from pipeline.find import Source
from pipeline.sources.decode import decode
from pipeline.sources.detect import parser_for
from pipeline.sources.metadata import read_metadata, read_yaml
from pipeline.sources.parsed import Metadata, NothingToRead, Section

_NAMESPACE = uuid5(NAMESPACE_URL, "footnote:document")
_MACHINE_TRANSCRIPT = re.compile(r"[_-]otter[._]ai$")
_LANGUAGE = re.compile(r"\.[a-z]{2}(?:-[A-Za-z]{2,4})?$")
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}[-_ ](?=\S)")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A document ready to be cut. `fingerprint` changes with everything that decides what becomes of it."""

    document: Document
    sections: tuple[Section, ...]
    fingerprint: str
    remarks: tuple[str, ...]


def document_id(creator: str, uri: str) -> UUID:
    """The same for the same creator and path, whatever the file holds."""
    return uuid5(_NAMESPACE, f"{creator}/{uri}")


def read_fingerprint(source: Source) -> str:
    """SHA-256 of the file, and of its sidecar and the command line's topics where there are any.

    Raises `ContentError` where the file cannot be read.
    """
    return _fingerprint(source, *_read(source))


def load(source: Source) -> Loaded:
    """Reads and parses the file; the command line wins over front matter and sidecar, these over the file's name.

    Raises `ContentError` with the reason where that cannot be done.
    """
    content, sidecar = _read(source)
    text, remarks = decode(content)
    parsed = parser_for(source.path, text)(text)
    told: list[str] = [*remarks, *parsed.remarks]
    beside = Metadata()
    if source.sidecar is not None:
        beside = read_metadata(read_yaml(decode(sidecar)[0], source.sidecar.name), told)
    metadata = parsed.metadata.over(beside)
    document = Document(
        id=document_id(source.creator, source.uri),
        creator=source.creator,
        title=metadata.title or parsed.title or title_from(source.path),
        kind=metadata.kind or parsed.default_kind,
        source_uri=source.uri,
        url=metadata.url,
        published_at=metadata.published_at,
        duration_s=metadata.duration_s,
        topics=tuple(dict.fromkeys((*metadata.topics, *source.topics))),
    )
    finished = (_finished(section, document.title, metadata.authors) for section in parsed.sections)
    sections = tuple(section for section in finished if section.blocks)
    if not sections:
        raise NothingToRead("There is no text in it.")
    return Loaded(document, sections, _fingerprint(source, content, sidecar), tuple(told))


def title_from(path: PurePath) -> str:
    """A readable title out of a file's name: `2024-05-01-Open-Data_otter.ai.srt` reads "Open Data"."""
    stem = _DATE.sub("", _LANGUAGE.sub("", _MACHINE_TRANSCRIPT.sub("", path.stem)))
    words = re.sub(r"[-_\s]+", " ", stem).strip() or path.name
    return words[0].upper() + words[1:]


def _read(source: Source) -> tuple[bytes, bytes]:
    try:
        return source.path.read_bytes(), source.sidecar.read_bytes() if source.sidecar else b""
    except OSError as error:
        raise ContentError("The file cannot be read.") from error


def _fingerprint(source: Source, content: bytes, sidecar: bytes) -> str:
    digest = hashlib.sha256(content)
    if source.sidecar is not None or source.topics:
        digest.update(b"\0" + hashlib.sha256(sidecar).digest() + "\0".join(source.topics).encode())
    return digest.hexdigest()


def _finished(section: Section, title: str, authors: tuple[str, ...]) -> Section:
    """Without blocks that have no word in them, or a heading that only repeats the title; authors speak in articles."""
    blocks = tuple(block for block in section.blocks if any(character.isalnum() for character in block.text))
    headings = section.headings[1:] if section.headings[:1] == (title,) else section.headings
    speaker = section.speaker if section.is_turn else ", ".join(authors) or None
    return replace(section, blocks=blocks, headings=headings, speaker=speaker)
