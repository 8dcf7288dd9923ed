"""The story of an ingestion: plan, read, cut, embed, publish, write it down."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from backend.knowledge.index import IndexWriter, Publication
from backend.knowledge.models import EmbeddingModel
from pipeline.arrivals import Arrivals
from pipeline.embeddings import Embeddings
from pipeline.engines.engine import Batch, Engine, Refusal
from pipeline.entries import Aside, Entry
from pipeline.find import Found
from pipeline.in_thread import in_thread
from pipeline.ledger import Ledger
from pipeline.plan import GONE, Plan, Todo
from pipeline.source import Source, Task
from pipeline.survey import Survey, make_survey

# Passages after which the index is published and the documents answer, some three minutes of work: a run that is killed
# loses no more than that, and its vectors are kept.
PUBLISH_AFTER = 5000


@dataclass(frozen=True, slots=True)
class Planned:
    """How much there is to do; told once, before the work."""

    documents: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Advanced:
    """How much of it is done so far."""

    documents: int
    bytes: int
    chunks: int
    failed: int


@dataclass(frozen=True, slots=True)
class Told:
    """Something about a document that the curator should know."""

    about: Literal["left out", "failed", "remark", "duplicate", "vanished", "removed"]
    file: str
    text: str


Event = Planned | Advanced | Told


@dataclass(slots=True)
class Summary:
    """What an ingestion changed, in documents and passages.

    `vanished` documents are no longer where they were found and answer on; `removed` ones did so before. Of the
    `chunks` that were brought in, `embedded` had to be embedded.
    """

    added: int = 0
    changed: int = 0
    moved: int = 0
    unchanged: int = 0
    duplicates: int = 0
    vanished: int = 0
    removed: int = 0
    failed: int = 0
    left_out: int = 0
    chunks: int = 0
    embedded: int = 0


@dataclass(slots=True)
class _Progress:
    todo: dict[Source, Todo] = field(default_factory=dict)
    sizes: dict[Source, int] = field(default_factory=dict)
    documents: int = 0
    bytes: int = 0
    repeated: list[Aside] = field(default_factory=list)


class Ingestion:
    """One run. `tell` is called from the event loop with what happens."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        embeddings: Embeddings,
        writer: IndexWriter,
        engine: Engine,
        model: EmbeddingModel,
        tell: Callable[[Event], None],
        publish_after: int = PUBLISH_AFTER,
    ) -> None:
        self._ledger = ledger
        self._embeddings = embeddings
        self._writer = writer
        self._engine = engine
        self._model = model
        self._tell = tell
        self._publish_after = publish_after
        self._summary = Summary()
        self._progress = _Progress()

    async def run(
        self,
        found: Found,
        *,
        searched: Collection[str] = (),
        prune: bool = False,
        again: bool = False,
        lost: Set[UUID] = frozenset(),
    ) -> Summary:
        """Brings what has changed into the library, and documents that are `lost` from the index, or with `again`
        everything; the rest is left alone.

        `searched` are the targets of which `found` has everything; with `prune`, documents that came from there and are
        gone are removed. Call it while you hold `Ledger.writing`. Killed at any point, a second run ends where one
        clean run would have ended. Raises `Unavailable` where an engine is away, `ConfigurationError` where the disk is
        full.
        """
        for owner in found.owners.values():
            await self._ledger.keep_creator(owner.creator, is_described=owner.is_described)
        survey = await make_survey(found, searched, self._ledger, self._model.id, again=again, lost=lost)
        await self._write_down(survey)
        heirs = survey.plan.heirs
        leaving = [entry.id for entry in survey.plan.vanished if entry.id not in heirs] if prune else []
        await self._bring_in(Arrivals(survey.plan.todo, survey.entries, leaving))
        await self._see_to_vanished(survey.plan, prune=prune)
        return self._summary

    async def _write_down(self, survey: Survey) -> None:
        """What needs no reading: where things are now, what repeats another, what cannot be had."""
        plan = survey.plan
        await self._ledger.relocate(survey.relocated)
        for aside in (*survey.failed, *plan.duplicates):
            await self._set_aside(aside)
        for source, reason in plan.clashing:
            self._summary.failed += 1
            self._tell(Told("failed", source.origin, reason))
        for source, remark in plan.remarks:
            self._tell(Told("remark", source.origin, remark))
        await self._remove(survey.settled, {})
        for left_out in (*survey.left_out, *plan.left_out):
            self._summary.left_out += 1
            self._tell(Told("left out", left_out.origin, left_out.reason))
        self._summary.unchanged = len(plan.unchanged) + len(plan.relocated)
        await self._ledger.restore([todo.entry.id for todo in plan.todo if todo.entry and todo.entry.is_deleted])
        for todo in plan.todo:
            self._progress.todo[todo.source] = todo
            self._progress.sizes[todo.source] = todo.size
        self._tell(Planned(len(plan.todo), sum(self._progress.sizes.values())))

    async def _bring_in(self, arrivals: Arrivals) -> None:
        """Reads, embeds and publishes what there is to do, some thousand passages at a time."""
        todo = self._progress.todo.values()
        if not todo:
            return
        known = await self._embeddings.keys([item.entry.id for item in todo if item.entry])
        tasks = [Task(item.source, item.fixed_identity, known.get(item.identity, frozenset())) for item in todo]
        batches = self._engine.batches(tasks)
        goes_on = True
        try:
            while goes_on:
                async with self._writer.publication(self._model) as publication:
                    goes_on = await self._fill(publication, batches, arrivals)
                    await self._ledger.keep_writing()
                await self._finish(arrivals)
        finally:
            await asyncio.to_thread(batches.close)

    async def _fill(self, publication: Publication, batches: Iterator[Batch], arrivals: Arrivals) -> bool:
        """Puts batches into one publication until it is worth publishing; says whether there is more to do."""
        chunks = 0
        while (batch := await in_thread(next, batches, None)) is not None:
            for source, remark in batch.remarks:
                self._tell(Told("remark", source.origin, remark))
            for refusal in batch.refused:
                await self._refuse(refusal)
            new, repeated = arrivals.begin(batch.begun)
            await self._repeat(publication, repeated)
            await self._ledger.announce(new, self._model.id)
            points, fresh = await arrivals.points(batch.passages, self._embeddings)
            await self._embeddings.keep(fresh)
            await publication.upsert(points)
            for record, ids in arrivals.end(batch.finished):
                if self._progress.todo[record.source].entry is not None:
                    await publication.retain(record.document.id, ids)
                self._advance(record.source)
            self._summary.chunks += len(points)
            self._summary.embedded += len(fresh)
            self._tell_progress()
            chunks += len(points)
            if chunks >= self._publish_after and not arrivals.is_amid_a_document:
                return True
        return False

    async def _finish(self, arrivals: Arrivals) -> None:
        """Their passages are published: now they answer."""
        finished = arrivals.take_finished()
        await self._ledger.finish([record for record, _ in finished], self._model.id)
        for aside in self._progress.repeated:
            await self._ledger.set_aside(aside)
        self._progress.repeated.clear()
        known = {record.document.id: keys for record, keys in finished if self._progress.todo[record.source].entry}
        await self._embeddings.keep_only(known)
        for record, _ in finished:
            match self._progress.todo[record.source].change:
                case "added":
                    self._summary.added += 1
                case "changed":
                    self._summary.changed += 1
                case "moved":
                    self._summary.moved += 1

    async def _repeat(self, publication: Publication, repeated: Sequence[Aside]) -> None:
        """Documents that say what another says: their earlier passages go, and then they do not answer."""
        await publication.remove_documents([aside.identity for aside in repeated if not aside.is_new])
        for aside in repeated:
            self._progress.repeated.append(aside)
            self._count(aside)
            self._advance(aside.source)

    async def _refuse(self, refusal: Refusal) -> None:
        """A failure is kept in the ledger, and so is a document that was in and now has nothing to read."""
        todo = self._progress.todo[refusal.source]
        is_failure = refusal.is_failure or todo.change != "added"
        status: Literal["failed", "left_out"] = "failed" if is_failure else "left_out"
        is_new = todo.entry is None
        aside = Aside(refusal.source, todo.identity, is_new, status, refusal.reason, todo.fingerprint)
        await self._set_aside(aside)
        self._advance(refusal.source)

    async def _set_aside(self, aside: Aside) -> None:
        await self._ledger.set_aside(aside)
        self._count(aside)

    def _count(self, aside: Aside) -> None:
        origin = aside.source.origin
        match aside.status:
            case "failed":
                self._summary.failed += 1
                self._tell(Told("failed", origin, aside.reason))
            case "left_out":
                self._summary.left_out += 1
                self._tell(Told("left out", origin, aside.reason))
            case "duplicate":
                self._summary.duplicates += 1
                self._tell(Told("duplicate", origin, aside.reason))

    async def _see_to_vanished(self, plan: Plan, *, prune: bool) -> None:
        """Documents that are no longer where they were: removed if that is wanted, else only told. One that is repeated
        elsewhere goes on as the document there."""
        if not prune:
            self._summary.vanished = len(plan.vanished)
            for entry in plan.vanished:
                self._tell(Told("vanished", entry.origin, GONE))
            return
        leaving = [entry for entry in plan.vanished if entry.id not in plan.heirs]
        await self._remove([entry.id for entry in leaving], plan.heirs)
        self._summary.removed = len(leaving)
        for entry in plan.vanished:
            if entry.id in plan.heirs:
                self._summary.moved += 1
                self._tell(Told("remark", entry.origin, plan.succession(entry)))
            else:
                self._tell(Told("removed", entry.origin, GONE))

    async def _remove(self, ids: Sequence[UUID], heirs: Mapping[UUID, Entry]) -> None:
        """Takes documents out of the index and then out of the ledger. `heirs` give way to what they repeat."""
        if not ids and not heirs:
            return
        await self._ledger.withdraw(ids)
        async with self._writer.publication(self._model) as publication:
            await publication.remove_documents([*ids, *(heir.id for heir in heirs.values())])
            await self._ledger.keep_writing()
        for identity, heir in heirs.items():
            await self._ledger.succeed(identity, heir.id)
        await self._ledger.remove(ids)

    def _advance(self, source: Source) -> None:
        self._progress.documents += 1
        self._progress.bytes += self._progress.sizes.get(source, 0)

    def _tell_progress(self) -> None:
        progress, summary = self._progress, self._summary
        self._tell(Advanced(progress.documents, progress.bytes, summary.chunks, summary.failed))
