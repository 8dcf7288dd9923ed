"""The story of an ingestion: plan, read, cut, embed, publish, write it down."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from backend.errors import ContentError
from backend.knowledge.index import IndexWriter, Publication
from backend.knowledge.models import Document
from pipeline.engines.local import Batch, LocalEngine, Refusal
from pipeline.find import Collection, Source
from pipeline.ledger import Ledger, Record
from pipeline.load import document_id, read_fingerprint, title_from

# Passages after which the index is published and the documents answer, some three minutes of work: a run that is killed
# loses no more than that.
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


@dataclass(frozen=True, slots=True)
class Told:
    """Something about a file that the curator should know."""

    about: Literal["left out", "failed", "remark"]
    file: str
    text: str


Event = Planned | Advanced | Told


@dataclass(slots=True)
class Summary:
    """What an ingestion changed, in documents and passages."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    left_out: int = 0
    chunks: int = 0


@dataclass(slots=True)
class _Progress:
    todo: list[Source] = field(default_factory=list)
    sizes: dict[Source, int] = field(default_factory=dict)
    known: set[Source] = field(default_factory=set)
    answering: set[Source] = field(default_factory=set)
    documents: int = 0
    bytes: int = 0


class Ingestion:
    """One run over some collections. `tell` is called from the event loop with what happens."""

    def __init__(
        self,
        ledger: Ledger,
        writer: IndexWriter,
        engine: LocalEngine,
        tell: Callable[[Event], None],
        publish_after: int = PUBLISH_AFTER,
    ) -> None:
        self._ledger = ledger
        self._writer = writer
        self._engine = engine
        self._tell = tell
        self._publish_after = publish_after
        self._summary = Summary()
        self._progress = _Progress()

    async def run(self, collections: Sequence[Collection]) -> Summary:
        """Brings what has changed into the library; everything else is left alone.

        Killed at any point, a second run ends where one clean run would have ended. Raises `Unavailable` where another
        process is publishing or an engine is away, `ConfigurationError` where the disk is full.
        """
        for collection in collections:
            await self._plan(collection)
        self._tell(Planned(len(self._progress.todo), sum(self._progress.sizes.values())))
        batches = self._engine.batches(self._progress.todo)
        goes_on = bool(self._progress.todo)
        while goes_on:
            async with self._writer.publication() as publication:
                finished, goes_on = await self._fill(publication, batches)
            await self._finish(finished)
        return self._summary

    async def _plan(self, collection: Collection) -> None:
        """Sorts the creator's files into those that are in already and those to do."""
        await self._ledger.keep_creator(collection.creator, is_described=collection.is_described)
        entries = await self._ledger.entries(collection.creator.slug)
        for left_out in collection.left_out:
            self._leave_out(str(left_out.path), left_out.reason)
        for source in collection.sources:
            entry = entries.get(source.uri)
            try:
                fingerprint = await asyncio.to_thread(read_fingerprint, source)
            except ContentError as error:
                await self._refuse(Refusal(source, error.message, is_failure=True))
                continue
            if entry is not None and entry.is_deleted:
                self._leave_out(str(source.path), "it was deleted from the library")
            elif entry is not None and entry.is_current(fingerprint):
                self._summary.unchanged += 1
            else:
                self._progress.todo.append(source)
                self._progress.sizes[source] = source.path.stat().st_size
                if entry is not None:
                    self._progress.known.add(source)
                    if entry.status == "ready":
                        self._progress.answering.add(source)

    async def _fill(
        self, publication: Publication, batches: Iterator[Batch]
    ) -> tuple[list[tuple[Source, Record]], bool]:
        """Puts batches into one publication; says which documents are whole in it, and whether there is more to do."""
        finished: list[tuple[Source, Record]] = []
        chunks = open_documents = 0
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            for source, remark in batch.remarks:
                self._tell(Told("remark", str(source.path), remark))
            for refusal in batch.refused:
                await self._refuse(refusal)
                self._advance(refusal.source)
            await self._ledger.announce(batch.begun)
            await publication.remove_documents(record.document.id for record in batch.begun)
            await publication.upsert(batch.points)
            finished += batch.finished
            chunks += len(batch.points)
            self._summary.chunks += len(batch.points)
            for source, _ in batch.finished:
                self._advance(source)
            self._tell(Advanced(self._progress.documents, self._progress.bytes, self._summary.chunks))
            open_documents += len(batch.begun) - len(batch.finished)
            if chunks >= self._publish_after and not open_documents:
                return finished, True
        return finished, False

    async def _finish(self, finished: Sequence[tuple[Source, Record]]) -> None:
        """Their passages are published: now they answer."""
        await self._ledger.finish([record for _, record in finished])
        changed = sum(source in self._progress.answering for source, _ in finished)
        self._summary.changed += changed
        self._summary.added += len(finished) - changed

    async def _refuse(self, refusal: Refusal) -> None:
        """A failure is kept in the ledger, and so is a document that was in and now has nothing to read."""
        source = refusal.source
        if not refusal.is_failure and source not in self._progress.known:
            self._leave_out(str(source.path), refusal.reason)
            return
        self._summary.failed += 1
        self._tell(Told("failed", str(source.path), refusal.reason))
        document = Document(
            document_id(source.creator, source.uri), source.creator, title_from(source.path), "document", source.uri
        )
        await self._ledger.fail(Record(document, ""), refusal.reason)

    def _leave_out(self, file: str, reason: str) -> None:
        self._summary.left_out += 1
        self._tell(Told("left out", file, reason))

    def _advance(self, source: Source) -> None:
        self._progress.documents += 1
        self._progress.bytes += self._progress.sizes.get(source, 0)
