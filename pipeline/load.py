"""From a source to a document: its bytes are read, parsed, and joined with what is said about it elsewhere."""

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from uuid import NAMESPACE_URL, UUID, uuid5

from backend.errors import ContentError
from backend.knowledge.models import Document
from pipeline.clean import clean_characters, flow
from pipeline.creators import slug_from
from pipeline.source import Source
from pipeline.sources.decode import decode
from pipeline.sources.detect import read
from pipeline.sources.metadata import read_metadata, read_yaml
from pipeline.sources.parsed import Block, Metadata, NothingToRead, Section

NOBODYS = (
    "It is nobody's: say `--creator SLUG`, put a creator.yaml with `slug` and `name` into its folder, "
    "or keep it in a folder with the creator's name."
)
UNREADABLE = "The file cannot be read."
_NAMESPACE = uuid5(NAMESPACE_URL, "footnote:document")
_MACHINE_TRANSCRIPT = re.compile(r"[_-]otter[._]ai$")
LANGUAGE = re.compile(r"\.[a-z]{2}(?:-[A-Za-z]{2,4})?$")
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}[-_ ](?=\S)")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A document ready to be cut. `fingerprint` changes with everything that decides what becomes of it.

    `creator_name` is how the document itself calls its creator, where it overrides the folder's.
    """

    document: Document
    creator_name: str | None
    sections: tuple[Section, ...]
    fingerprint: str
    remarks: tuple[str, ...]


def document_id(creator: str, uri: str) -> UUID:
    """The same for the same creator and path, whatever the file holds."""
    return uuid5(_NAMESPACE, f"{creator}/{uri}")


def read_fingerprint(source: Source) -> str:
    """SHA-256 of the file, and of whatever else describes it where there is any.

    Raises `ContentError` where the file cannot be read.
    """
    try:
        with source.path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256")
        return _fingerprint(source, content, *(_digest_of(path) for path in (source.sidecar, source.info)))
    except OSError as error:
        raise ContentError(UNREADABLE) from error


def load(source: Source, identity: UUID | None = None) -> Loaded:
    """Reads and parses the source, which is the document `identity` where it is known already.

    The command line wins over front matter and yt-dlp's info, these over feed, sidecar and `creator.yaml`, and all of
    them over names of files and folders. Raises `ContentError` with the reason where that cannot be done.
    """
    try:
        content, sidecar, info = (_bytes_of(path) for path in (source.path, source.sidecar, source.info))
    except OSError as error:
        raise ContentError(UNREADABLE) from error
    parsed = read(source.path.name, content)
    told: list[str] = list(parsed.remarks)
    metadata = parsed.metadata.over(_info(source, info, told)).over(source.known).over(_sidecar(source, sidecar, told))
    creator, creator_name, uri = _whose(source, metadata)
    if metadata.chapters:
        from pipeline.sources.chapters import under_chapters

        parsed = replace(parsed, sections=under_chapters(parsed.sections, metadata.chapters))
    document = Document(
        id=identity or document_id(creator, uri),
        creator=creator,
        title=metadata.title or _line(parsed.title or "") or title_from(PurePath(source.uri)),
        kind=metadata.kind or parsed.default_kind,
        source_uri=uri,
        url=metadata.url,
        published_at=metadata.published_at,
        duration_s=metadata.duration_s,
        topics=tuple(dict.fromkeys((*metadata.topics, *source.request.topics))),
    )
    finished = (_finished(section, document.title, metadata.authors) for section in parsed.sections)
    sections = tuple(section for section in finished if section.blocks)
    if not sections:
        raise NothingToRead("There is no text in it.")
    digests = hashlib.sha256(sidecar).digest(), hashlib.sha256(info).digest()
    fingerprint = _fingerprint(source, hashlib.sha256(content), *digests)
    return Loaded(document, creator_name, sections, fingerprint, tuple(told))


def title_from(path: PurePath) -> str:
    """A readable title out of a file's name: `2024-05-01-Open-Data_otter.ai.srt` reads "Open Data"."""
    stem = _DATE.sub("", LANGUAGE.sub("", _MACHINE_TRANSCRIPT.sub("", path.stem)))
    words = re.sub(r"[-_\s]+", " ", stem).strip() or path.name
    return words[:1].upper() + words[1:]


def _whose(source: Source, metadata: Metadata) -> tuple[str, str | None, str]:
    """The creator's slug, the name that the document gives them if that decides, and the document's URI with them.

    A document that names another creator than its folder keeps the folder's name in its URI: two folders may both hold
    an `intro.md` of one creator.
    """
    named = slug_from(metadata.creator) if metadata.creator else None
    if source.request.creator or named is None or named == source.creator:
        if source.creator is None:
            raise ContentError(NOBODYS)
        return source.creator, None, source.uri
    is_path = source.creator is not None and "://" not in source.uri
    return named, metadata.creator, f"{source.creator}/{source.uri}" if is_path else source.uri


def _info(source: Source, content: bytes, remarks: list[str]) -> Metadata:
    if source.info is None:
        return Metadata()
    from pipeline.sources.ytdlp import read_info

    return read_info(decode(content)[0], remarks)


def _sidecar(source: Source, content: bytes, remarks: list[str]) -> Metadata:
    if source.sidecar is None:
        return Metadata()
    return read_metadata(read_yaml(decode(content)[0], source.sidecar.name), remarks)


def _bytes_of(path: Path | None) -> bytes:
    return path.read_bytes() if path else b""


def _digest_of(path: Path | None) -> bytes:
    """SHA-256 of a file that need not fit into memory; of nothing where there is none."""
    if path is None:
        return hashlib.sha256(b"").digest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _fingerprint(source: Source, digest: "hashlib._Hash", sidecar: bytes, info: bytes) -> str:
    """The digest of the document's bytes, continued with everything else that decides what becomes of it.

    `sidecar` and `info` are digests.
    """
    request = source.request
    if source.sidecar or source.info or request.topics or request.creator or source.known != Metadata():
        digest.update(sidecar + info)
        digest.update("\0".join((request.creator or "", repr(source.known), *request.topics)).encode())
    return digest.hexdigest()


def _finished(section: Section, title: str, authors: tuple[str, ...]) -> Section:
    """Without blocks that have no word in them, or a heading that only repeats the title; authors speak in articles.

    Whatever kind of content it was, its characters are clean from here on: nearly all can escape them, in HTML's
    entities or otherwise, after the bytes were read.
    """
    blocks = tuple(_clean(block) for block in section.blocks if any(character.isalnum() for character in block.text))
    headings = tuple(line for heading in section.headings if (line := _line(heading)))
    speaker = _line(section.speaker or "") if section.is_turn else ", ".join(authors)
    return replace(
        section, blocks=blocks, headings=headings[1:] if headings[:1] == (title,) else headings, speaker=speaker or None
    )


def _clean(block: Block) -> Block:
    text = clean_characters(block.text).strip()
    return block if text == block.text else replace(block, text=text)


def _line(text: str) -> str:
    return flow(clean_characters(text))
