"""What an ingestion has to do: what was found, beside what the ledger knows. A pure function."""

import os
import stat
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from uuid import UUID

from pipeline.entries import Aside, Entries, Entry
from pipeline.find import LeftOut
from pipeline.load import document_id
from pipeline.source import Source

Change = Literal["added", "changed", "moved"]
Whereabouts = Literal["there", "gone", "unknown", "unreachable"]
SAME_PATH = "it has the same creator and the same path"
APART = "rename one of them, or ingest the folder that both are in with --creator"
GONE = "it is no longer there"
DELETED = "it was deleted from the library; naming the file itself brings it back"


@dataclass(frozen=True, slots=True)
class Todo:
    """A source to read. `entry` is what the ledger has of the document, which keeps its `identity`.

    A document that itself names another creator, and has no entry, gets the identity that follows from that.
    """

    source: Source
    fingerprint: str
    change: Change
    identity: UUID
    entry: Entry | None = None

    @property
    def fixed_identity(self) -> UUID | None:
        """The identity, unless it follows from the source alone."""
        follows = self.identity == document_id(self.source.creator or "", self.source.uri)
        return None if self.entry is None and follows else self.identity

    @property
    def size(self) -> int:
        """Bytes of its file; 0 where there is none any more, which whoever reads it will tell."""
        try:
            return self.source.path.stat().st_size
        except OSError:
            return 0


@dataclass(slots=True)
class Plan:
    """Each source is in one of these lists, in the order in which they were found.

    `clashing` ones cannot be told from another source. `remarks` are on what is to do. `relocated` are unchanged
    documents that a curator now finds elsewhere. `vanished` are documents of what was searched that are no longer
    there; `heirs` are, by the ids of these, documents that say the same and are still elsewhere.
    """

    todo: list[Todo] = field(default_factory=list)
    unchanged: list[tuple[Source, Entry]] = field(default_factory=list)
    relocated: list[tuple[Source, Entry]] = field(default_factory=list)
    clashing: list[tuple[Source, str]] = field(default_factory=list)
    remarks: list[tuple[Source, str]] = field(default_factory=list)
    duplicates: list[Aside] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    vanished: list[Entry] = field(default_factory=list)
    heirs: dict[UUID, Entry] = field(default_factory=dict)

    def succession(self, entry: Entry) -> str:
        """What becomes of a vanished document that has an heir, for the curator."""
        return f"{GONE}; {self.heirs[entry.id].origin} says the same and takes its place"


def make_plan(
    found: Sequence[tuple[Source, str]],
    entries: Entries,
    *,
    model: str,
    again: bool,
    lost: Set[UUID] = frozenset(),
    whereabouts: Callable[[str], Whereabouts],
    searched: Iterable[str],
    opened: Set[str] = frozenset(),
    described: Set[str] = frozenset(),
) -> Plan:
    """Sorts sources, given with their fingerprints.

    `model` is the embedding model of the index; with `again` nothing counts as done, and what is `lost` from the index
    never does. `whereabouts` tells what is at an origin now; `searched` are targets of which everything that is there
    was found. At the origins `opened` there is a list or an archive now, and no document. `described` are creators of
    whom a `creator.yaml` tells: what it says is theirs goes to them, unchanged or not, as no document does for the name
    of its folder, which depends on what is asked for.
    """

    def now_at(origin: str) -> Whereabouts:
        return "gone" if origin in opened else whereabouts(origin)

    found = [(entries.placed(source), content) for source, content in found]
    found = list({source.origin: (source, content) for source, content in found}.values())
    plan = Plan()
    targets = frozenset(searched)
    present = {entry.id for source, _ in found if (entry := entries.of(source)) is not None}
    at_home = {
        entry.id: source.origin
        for source, _ in found
        if (entry := entries.of(source)) is not None and entry.origin == source.origin
    }
    changing = {entry.id for source, content in found if (entry := entries.of(source)) and entry.fingerprint != content}
    standing = {
        entry.id: entry
        for entry in entries.all
        if entry.id not in changing and (entry.id in present or not entry.is_under(targets))
    }
    taken: dict[UUID, str] = {}
    first: dict[tuple[str | None, str], tuple[UUID, str]] = {}
    for source, fingerprint in found:
        entry = entries.of(source)
        content = source.creator, fingerprint
        is_deleted = entry.is_deleted if entry is not None else entries.was_deleted(*content)
        if is_deleted and source.request.target != source.origin:
            plan.left_out.append(LeftOut(source.origin, DELETED))
            continue
        identity = entries.identity_of(source)
        twice = at_home.get(identity, taken.get(identity, source.origin))
        if twice != source.origin:
            plan.clashing.append((source, f"{SAME_PATH} as {twice}: {APART}"))
            continue
        taken[identity] = source.origin
        is_current = entry is not None and not entry.is_deleted and entry.is_current(fingerprint, model, standing)
        if entry is not None and entry.answers and source.creator in described and not entry.is_of(source.creator):
            is_current = False
        if entry is not None and is_current and not again and entry.id not in lost:
            _keep(plan, source, entry)
            first.setdefault(content, (entry.duplicate_of or entry.id, entry.uri))
            continue
        change: Change = "changed" if entry is not None and entry.answers else "added"
        if content in first and change != "changed":
            plan.duplicates.append(repetition(source, identity, entry, fingerprint, *first[content]))
            continue
        if entry is None and (twin := entries.with_content(*content)) is not None and twin.id not in changing:
            place = now_at(twin.origin)
            is_gone = place == "gone" or (place == "unknown" and twin.is_under(targets))
            if twin.id in present or not is_gone:
                plan.duplicates.append(repetition(source, identity, entry, fingerprint, twin.id, twin.uri))
                continue
            entry, change = twin, "moved"
            present.add(twin.id)
        identity = entry.id if entry else identity
        if entry is not None and takes_place(entry, source) and now_at(entry.origin) == "there":
            plan.remarks.append((source, f"{SAME_PATH} as {entry.origin} and takes its place: {APART} to have both"))
        plan.todo.append(Todo(source, fingerprint, change, identity, entry))
        first.setdefault(content, (identity, source.uri))
    plan.vanished = [
        entry
        for entry in entries.all
        if entry.id not in present and not entry.is_deleted
        if entry.origin in opened or entry.is_under(targets)
        if now_at(entry.origin) in ("gone", "unknown")
    ]
    leaving = {entry.id for entry in plan.vanished}
    for entry in plan.vanished:
        for other in entries.repetitions(entry.id):
            if other.id not in present | leaving and now_at(other.origin) != "gone":
                plan.heirs[entry.id] = other
                break
    return plan


def repetition(
    source: Source,
    identity: UUID,
    entry: Entry | None,
    fingerprint: str,
    original: UUID,
    uri: str,
    text_hash: str = "",
) -> Aside:
    """What becomes of a source that says the same as the document `original` at `uri`."""
    reason = f"the same content as {uri}"
    return Aside(source, identity, entry is None, "duplicate", reason, fingerprint, text_hash, original)


def takes_place(entry: Entry, source: Source) -> bool:
    """Whether what answers came from somewhere else."""
    return entry.answers and entry.origin != source.origin


def _keep(plan: Plan, source: Source, entry: Entry) -> None:
    if entry.status == "left_out":
        plan.left_out.append(LeftOut(source.origin, entry.reason or ""))
    elif (entry.origin, entry.uri) != (source.origin, source.uri) and entry.creator == source.creator:
        plan.relocated.append((source, entry))
    else:
        plan.unchanged.append((source, entry))


def whereabouts(origin: str) -> Whereabouts:
    """What is at an origin now; of addresses and of members of archives it cannot be told without opening them.

    What the system will not say, because a folder is closed or a disk does not answer, is `unreachable`.
    """
    if "://" in origin:
        return "unknown"
    path = Path(origin)
    for place in (path, *path.parents):
        try:
            is_file = stat.S_ISREG(os.stat(place).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return "unreachable"
        if place == path:
            return "there"
        return "unknown" if is_file else "gone"
    return "gone"
