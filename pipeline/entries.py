"""What the ledger knows of the documents that an ingestion may meet."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID, uuid5

from pipeline.load import document_id
from pipeline.source import Source

PIPELINE_VERSION = 9  # raised when the same bytes would give other passages: everything is then done again

Status = Literal["pending", "ready", "failed", "left_out", "duplicate"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the ledger. `target` is what was asked for when the document came."""

    id: UUID
    creator: str
    uri: str
    origin: str
    target: str
    fingerprint: str
    text_hash: str
    version: int
    model: str
    status: Status
    reason: str | None
    duplicate_of: UUID | None
    is_deleted: bool

    def is_current(self, fingerprint: str, model: str, standing: Mapping[UUID, "Entry"]) -> bool:
        """Whether these bytes, read by this pipeline, are what the ledger has dealt with for good.

        `standing` are the entries that stay as they are, among which the original of a repetition must be.
        """
        if (self.fingerprint, self.version) != (fingerprint, PIPELINE_VERSION):
            return False
        match self.status:
            case "ready":
                return self.reason is None and self.model == model
            case "left_out":
                return True
            case "duplicate":
                original = standing.get(self.duplicate_of) if self.duplicate_of else None
                return original is not None and original.holds(self.fingerprint, self.text_hash)
        return False

    def is_of(self, creator: str | None) -> bool:
        """Whether it may come from the creator's folder: it is theirs, or names another one itself. From a folder that
        is nobody's, any may."""
        return creator is None or self.creator == creator or self.uri.startswith(f"{creator}/")

    @property
    def root(self) -> str:
        """The folder from which its path counts; empty for an address."""
        return _root(self.origin, self.uri)

    @property
    def answers(self) -> bool:
        """Whether a reader can find it now."""
        return self.status == "ready" and not self.is_deleted

    def holds(self, fingerprint: str, text_hash: str) -> bool:
        """Whether it answers with this content, or would if it could be read."""
        same = self.fingerprint == fingerprint or (text_hash != "" and self.text_hash == text_hash)
        return same and not self.is_deleted and self.status in ("ready", "failed")

    def is_under(self, targets: Set[str]) -> bool:
        """Whether it came with one of these targets, or lies below it."""
        ends = (end for end, character in enumerate(self.origin) if character == "/")
        return self.target in targets or any(self.origin[:end] in targets for end in ends)


@dataclass(frozen=True, slots=True)
class Aside:
    """A source that does not become a document of its own, and why.

    `identity` is the document's, which the ledger knows unless it `is_new`. `original` is the document that says the
    same.
    """

    source: Source
    identity: UUID
    is_new: bool
    status: Literal["failed", "left_out", "duplicate"]
    reason: str
    fingerprint: str = ""
    text_hash: str = ""
    original: UUID | None = None


class Entries:
    """The entries of some creators, by what they can be recognised by."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.all = list(entries)
        self._ids = {entry.id for entry in self.all}
        self._roots: dict[str, set[str]] = {}
        for entry in self.all:
            if entry.root:
                self._roots.setdefault(entry.creator, set()).add(entry.root)
        self._by_uri = {(entry.creator, entry.uri): entry for entry in self.all}
        self._by_origin = {entry.origin: entry for entry in self.all if entry.origin}
        self._by_original: dict[UUID, list[Entry]] = {}
        for entry in self.all:
            if entry.status == "duplicate" and entry.duplicate_of is not None and not entry.is_deleted:
                self._by_original.setdefault(entry.duplicate_of, []).append(entry)
        self._by_content: dict[str, list[Entry]] = {}
        for entry in self.all:
            if entry.fingerprint:
                self._by_content.setdefault(entry.fingerprint, []).append(entry)

    def placed(self, source: Source) -> Source:
        """The source with its path from the outermost folder that its creator's documents are known to come from.

        So a folder within that one, named alone, holds the same documents as before.
        """
        around = [root for root in self._roots.get(source.creator or "", ()) if source.origin.startswith(f"{root}/")]
        if not around:
            return source
        uri = source.origin[len(min(around, key=len)) + 1 :]
        return replace(source, uri=uri) if len(uri) > len(source.uri) else source

    def of(self, source: Source) -> Entry | None:
        """The entry of this source: what came from the same place, else from the same path with the same creator.

        The first also finds a document that names another creator than its folder does. The second does not take one
        file for another, where the folder of one lies within the folder of the other.
        """
        same_place = self._by_origin.get(source.origin)
        if same_place is not None and source.request.creator in (None, same_place.creator):
            return same_place
        same_path = self._by_uri.get((source.creator or "", source.uri))
        if same_path is None or _are_nested(same_path.root, _root(source.origin, source.uri)):
            return None
        return same_path

    def at(self, origin: str) -> Entry | None:
        """The entry of what came from this place."""
        return self._by_origin.get(origin)

    def identity_of(self, source: Source) -> UUID:
        """The id of the source's document: the one it has, else the one that follows from its creator and path, unless
        that is another document's, which was there once and has moved."""
        if entry := self.of(source):
            return entry.id
        identity = document_id(source.creator or "", source.uri)
        return identity if identity not in self._ids else uuid5(identity, source.origin)

    def repetitions(self, identity: UUID) -> list[Entry]:
        """What says the same as this document, and does not answer for that."""
        return self._by_original.get(identity, [])

    def was_deleted(self, creator: str | None, fingerprint: str) -> bool:
        """Whether a document of the creator with these very bytes was deleted."""
        return any(entry.is_deleted for entry in self._saying(creator, fingerprint))

    def with_content(self, creator: str | None, fingerprint: str) -> Entry | None:
        """A document of the creator with these very bytes."""
        found = (
            entry
            for entry in self._saying(creator, fingerprint)
            if entry.status in ("ready", "failed") and not entry.is_deleted
        )
        return max(found, key=lambda entry: entry.creator == creator, default=None)

    def _saying(self, creator: str | None, fingerprint: str) -> Iterator[Entry]:
        """The documents with these very bytes of the folder's `creator`; of a folder that is nobody's, all."""
        for entry in self._by_content.get(fingerprint, ()):
            if entry.is_of(creator):
                yield entry


def _root(origin: str, uri: str) -> str:
    return origin.removesuffix(f"/{uri}") if origin.endswith(f"/{uri}") else ""


def _are_nested(one: str, other: str) -> bool:
    """Whether one folder lies within the other. An address has no folder."""
    return "" not in (one, other) and one != other and (one.startswith(f"{other}/") or other.startswith(f"{one}/"))
