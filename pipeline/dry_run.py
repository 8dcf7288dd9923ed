"""What an ingestion would do: it looks and reads, and neither embeds nor changes anything."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Set
from uuid import UUID

from backend.errors import ContentError
from backend.knowledge.models import EmbeddingModel
from pipeline.find import Found
from pipeline.ingest import Advanced, Event, Planned, Summary, Told
from pipeline.ledger import Ledger
from pipeline.plan import GONE, Todo
from pipeline.sandbox.pool import Pool
from pipeline.sandbox.reading import cut_document
from pipeline.source import Task
from pipeline.sources.parsed import NothingToRead
from pipeline.survey import make_survey

AHEAD = 2  # documents a child


class DryRun:
    """Tells what `Ingestion` would tell. What only shows while documents come in, such as equal words in other bytes,
    it cannot know."""

    def __init__(self, ledger: Ledger, pool: Pool, model: EmbeddingModel, tell: Callable[[Event], None]) -> None:
        self._ledger = ledger
        self._pool = pool
        self._model = model
        self._tell = tell
        self._summary = Summary()

    async def run(
        self, found: Found, searched: Collection[str], *, prune: bool, again: bool, lost: Set[UUID] = frozenset()
    ) -> Summary:
        """What a run over the same would change."""
        survey = await make_survey(found, searched, self._ledger, self._model.id, again=again, lost=lost)
        plan, summary = survey.plan, self._summary
        for aside in survey.failed:
            self._fail(aside.source.origin, aside.reason)
        for source, reason in plan.clashing:
            self._fail(source.origin, reason)
        for source, remark in plan.remarks:
            self._tell(Told("remark", source.origin, remark))
        for aside in plan.duplicates:
            self._tell(Told("duplicate", aside.source.origin, aside.reason))
        for left_out in (*survey.left_out, *plan.left_out):
            self._leave_out(left_out.origin, left_out.reason)
        gone = [entry for entry in plan.vanished if not prune or entry.id not in plan.heirs]
        for entry in gone:
            self._tell(Told("removed" if prune else "vanished", entry.origin, GONE))
        for entry in plan.vanished:
            if prune and entry.id in plan.heirs:
                self._tell(Told("remark", entry.origin, plan.succession(entry)))
                summary.moved += 1
        summary.removed, summary.vanished = (len(gone), 0) if prune else (0, len(gone))
        summary.unchanged = len(plan.unchanged) + len(plan.relocated)
        summary.duplicates = len(plan.duplicates)
        await self._read(plan.todo)
        return summary

    async def _read(self, todo: list[Todo]) -> None:
        sizes = [item.size for item in todo]
        self._tell(Planned(len(todo), sum(sizes)))
        waiting: deque[Todo] = deque(todo)
        reading: deque[asyncio.Future[None]] = deque()
        done = size = 0
        while waiting or reading:
            while waiting and len(reading) < AHEAD * self._pool.workers:
                reading.append(asyncio.ensure_future(self._read_one(waiting.popleft())))
            await reading.popleft()
            size += sizes[done]
            done += 1
            self._tell(Advanced(done, size, self._summary.chunks, self._summary.failed))

    async def _read_one(self, item: Todo) -> None:
        source, summary = item.source, self._summary
        task = Task(source, item.fixed_identity)
        try:
            cut = await asyncio.wrap_future(self._pool.submit(source.origin, cut_document, task, self._pool.model))
        except NothingToRead as error:
            self._leave_out(source.origin, error.message)
        except ContentError as error:
            self._fail(source.origin, error.message)
        else:
            for remark in cut.remarks:
                self._tell(Told("remark", source.origin, remark))
            summary.chunks += len(cut.passages)
            match item.change:
                case "added":
                    summary.added += 1
                case "changed":
                    summary.changed += 1
                case "moved":
                    summary.moved += 1

    def _fail(self, origin: str, reason: str) -> None:
        self._summary.failed += 1
        self._tell(Told("failed", origin, reason))

    def _leave_out(self, origin: str, reason: str) -> None:
        self._summary.left_out += 1
        self._tell(Told("left out", origin, reason))
