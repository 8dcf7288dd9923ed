"""What was found beside what is known: everything that can be said before a document is read. Changes nothing."""

import asyncio
from collections.abc import Collection, Set
from dataclasses import dataclass
from uuid import UUID

from backend.errors import ContentError
from pipeline.entries import Aside, Entries, Entry
from pipeline.find import Found, LeftOut
from pipeline.ledger import Ledger
from pipeline.load import read_fingerprint
from pipeline.plan import DELETED, Plan, make_plan, whereabouts
from pipeline.source import Source


@dataclass(frozen=True, slots=True)
class Survey:
    """`failed` cannot be had at all. `relocated` are found under another path now, whatever else becomes of them.
    `settled` are failures of archives and lists that could be opened this time.
    """

    plan: Plan
    entries: Entries
    failed: list[Aside]
    left_out: list[LeftOut]
    relocated: list[tuple[Source, Entry]]
    settled: list[UUID]


async def make_survey(
    found: Found,
    searched: Collection[str],
    ledger: Ledger,
    model: str,
    *,
    again: bool = False,
    lost: Set[UUID] = frozenset(),
) -> Survey:
    """Looks everything up. `searched` are targets of which `found` has everything; `model` is the index's. With `again`
    documents are to be read whether they have changed or not; `lost` ones are anyway."""
    places = [*found.sources, *(source for source, _ in found.failed)]
    creators = {*found.owners, *(source.creator for source in places if source.creator is not None)}
    origins = {*(source.origin for source in places), *(left_out.origin for left_out in found.left_out), *found.opened}
    entries = await ledger.entries(creators, origins, searched)
    failed: list[Aside] = []
    left_out = list(found.left_out)

    def fail(source: Source, reason: str) -> None:
        source = entries.placed(source)
        entry = entries.of(source)
        if entry is not None and entry.is_deleted and source.request.target != source.origin:
            left_out.append(LeftOut(source.origin, DELETED))
        else:
            failed.append(Aside(source, entries.identity_of(source), entry is None, "failed", reason))

    for source, reason in found.failed:
        fail(source, reason)
    readable: list[tuple[Source, str]] = []
    for source in found.sources:
        try:
            readable.append((source, await asyncio.to_thread(read_fingerprint, source)))
        except ContentError as error:
            fail(source, error.message)
    plan = make_plan(
        readable,
        entries,
        model=model,
        again=again,
        lost=lost,
        whereabouts=whereabouts,
        searched=searched,
        opened=found.opened,
        described={slug for slug, owner in found.owners.items() if owner.is_described},
    )
    kept = {aside.identity for aside in failed}
    kept |= {entry.id for left in found.left_out if (entry := entries.at(left.origin)) is not None}
    closed = {source.origin for source, _ in found.failed}
    plan.vanished = [entry for entry in plan.vanished if entry.id not in kept and not entry.is_under(closed)]
    opened = (entry for origin in found.opened if (entry := entries.at(origin)) is not None)
    settled = [entry for entry in opened if entry.status == "failed" and not entry.is_deleted and entry.id not in kept]
    plan.vanished = [entry for entry in plan.vanished if entry not in settled]
    leaving = {entry.id for entry in plan.vanished}
    plan.heirs = {gone: heir for gone, heir in plan.heirs.items() if gone in leaving and heir.id not in kept}
    rest = (*(todo.source for todo in plan.todo), *(aside.source for aside in (*plan.duplicates, *failed)))
    renamed = [(source, entry) for source in rest if (entry := entries.of(source)) and _has_another_path(source, entry)]
    relocated = [*plan.relocated, *renamed]
    return Survey(plan, entries, failed, left_out, relocated, [entry.id for entry in settled])


def _has_another_path(source: Source, entry: Entry) -> bool:
    """Whether the document lies where it lay, and only counts from another folder."""
    return (entry.origin, entry.creator) == (source.origin, source.creator) and entry.uri != source.uri
