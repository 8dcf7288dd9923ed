"""What is to be ingested, before anything has been read of it."""

from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from pipeline.sources.parsed import Metadata


@dataclass(frozen=True, slots=True)
class Request:
    """What a curator asked for: `target` is an absolute path or an address, `creator` and `topics` the command line's.

    It is kept with every document, so that a failure can be tried again as it was.
    """

    target: str
    creator: str | None = None
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One document to ingest.

    `uri` is its identity with its creator: the path from the creator's folder, with slashes, the same wherever the
    command runs; or a web address. `origin` is where a curator finds it: the file's absolute path, that of its archive
    followed by the member's, or the address. `path` is where its bytes lie now.

    `creator` is the slug from the request, from `creator.yaml` or from the folder's name; None where only the document
    itself may say. `sidecar` and `info` (yt-dlp's `.info.json`) describe it; `known` is what a feed says of it.
    """

    path: Path
    uri: str
    origin: str
    request: Request
    creator: str | None = None
    sidecar: Path | None = None
    info: Path | None = None
    known: Metadata = field(default_factory=Metadata)


@dataclass(frozen=True, slots=True)
class Task:
    """A source with what the ledger says of it.

    `document_id` is set where the document is in already, under whatever identity it came; passages whose embedding key
    is in `known` need not be embedded again.
    """

    source: Source
    document_id: UUID | None = None
    known: frozenset[str] = frozenset()
