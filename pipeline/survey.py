"""What was found beside what is known: everything that can be said before a document is read. Changes nothing."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from backend.errors import ContentError
from pipeline.entries import Aside, Entries
from pipeline.find import Found, LeftOut
from pipeline.ledger import Ledger
from pipeline.load import read_fingerprint
from pipeline.plan import Plan, make_plan, whereabouts
from pipeline.source import Source


@dataclass(frozen=True, slots=True)
class Survey:
    """`failed` cannot be had at all. `settled` are failures of archives that could be opened this time."""

    plan: Plan
    entries: Entries
    failed: list[Aside]
    left_out: list[LeftOut]
    settled: list[UUID]


async def make_survey(
    found: Found, searched: Collection[str], ledger: Ledger, model: str, *, again: bool = False
) -> Survey:
    """Looks everything up. `searched` are targets of which `found` has everything; `model` is the index's. With `again`
    documents are to be read whether they have changed or not."""
    places = [*found.sources, *(source for source, _ in found.failed)]
    entries = await ledger.entries(found.owners.values(), places, searched)
    failed: list[Aside] = []

    def fail(source: Source, reason: str) -> None:
        entry = entries.of(source)
        failed.append(Aside(source, entry.id if entry else None, "failed", reason))

    for source, reason in found.failed:
        fail(source, reason)
    readable: list[tuple[Source, str]] = []
    for source in found.sources:
        try:
            readable.append((source, await asyncio.to_thread(read_fingerprint, source)))
        except ContentError as error:
            fail(source, error.message)
    plan = make_plan(readable, entries, model=model, again=again, whereabouts=whereabouts, searched=searched)
    kept = {entry.id for aside in failed if (entry := entries.of(aside.source)) is not None}
    closed = [source.origin for source, _ in found.failed]
    plan.vanished = [entry for entry in plan.vanished if entry.id not in kept and not entry.is_under(closed)]
    settled = [entry.id for entry in entries.all if entry.origin in found.opened]
    return Survey(plan, entries, failed, found.left_out, settled)
