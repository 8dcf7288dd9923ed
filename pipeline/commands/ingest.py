"""`footnote ingest`: finds content, brings it in, and shows how far it is."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path

from backend.knowledge.embedder import Embedder
from backend.knowledge.embedders import ensure_model, open_embedder
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.opening import open_index, open_index_writer
from backend.processes import usable_cores
from backend.settings import Settings
from pipeline.display import Display
from pipeline.dry_run import DryRun
from pipeline.embeddings import Embeddings
from pipeline.engines.engine import Engine
from pipeline.engines.local import LocalEngine
from pipeline.fetch import Fetcher
from pipeline.find import Found
from pipeline.gather import Gatherer, request_for, staging
from pipeline.ingest import PUBLISH_AFTER, Event, Ingestion, Summary, Told
from pipeline.ledger import Ledger
from pipeline.lost import lost_documents
from pipeline.sandbox.pool import Pool
from pipeline.source import Request
from pipeline.terminal import Terminal, without_password
from pipeline.workplace import LOG, database, workplace

Choose = Callable[[Found, Mapping[Request, str]], Found]
"""What of everything that was found is to be ingested; the second says what could not be looked into, and why."""


def run(
    targets: Sequence[str],
    creator: str | None,
    topics: Sequence[str],
    *,
    prune: bool,
    dry_run: bool,
    engine: str,
    as_json: bool,
) -> int:
    """Ingests what `targets` name; returns the exit code: 1 where a document failed, else 0.

    Raises a `FootnoteError` where nothing can be done at all.
    """
    requests = [request_for(target, creator, topics) for target in targets]
    told: list[Told] = []
    display = Display(quiet=as_json)

    def show(event: Event) -> None:
        if isinstance(event, Told):
            told.append(event)
        display.show(event)

    with workplace() as settings, display:
        work = Work(settings, display, show, engine)
        summary = asyncio.run(work.run(requests, prune=prune, dry_run=dry_run))
    if as_json:
        events = [{name: without_password(value) for name, value in asdict(event).items()} for event in told]
        report = asdict(summary) | {"dry_run": dry_run, "told": events}
        Terminal().print_json(json.dumps(report), ensure_ascii=True)
    else:
        display.conclude(summary, dry_run=dry_run)
    return 1 if summary.failed else 0


class Work:
    """Opens what an ingestion needs, in order, and closes it."""

    def __init__(
        self,
        settings: Settings,
        display: Display,
        show: Callable[[Event], None],
        engine: str,
        publish_after: int = PUBLISH_AFTER,
    ) -> None:
        self._settings = settings
        self._display = display
        self._show = show
        self._engine = engine
        self._publish_after = publish_after

    async def run(
        self,
        requests: Sequence[Request],
        *,
        prune: bool = False,
        dry_run: bool = False,
        choose: Choose | None = None,
        again: bool = False,
    ) -> Summary:
        """One run over everything that is asked for, or over what `choose` takes of it; then what cannot be looked into
        stops none of the others.

        Documents that have not changed are brought in all the same with `again`, and those whose passages the index has
        lost: their vectors are kept elsewhere, so that takes little.
        """
        self._display.say("Loading the embedding model")
        index = open_index(self._settings)
        try:
            embedder = await open_embedder(self._settings, index)
        finally:
            await index.close()
        async with AsyncExitStack() as stack:
            connections = await stack.enter_async_context(database(self._settings))
            ledger = Ledger(connections)
            await stack.enter_async_context(ledger.writing())
            lost = await lost_documents(self._settings, connections)
            folder = stack.enter_context(staging(self._settings.data_dir))
            model_folder = ensure_model(self._settings, embedder.model)
            pool = stack.enter_context(Pool(usable_cores(), model_folder))
            found, searched = await self._gather(requests, pool, folder, choose)
            if dry_run:
                rehearsal = DryRun(ledger, pool, embedder.model, self._show)
                return await rehearsal.run(found, searched, prune=prune, again=again, lost=lost)
            writer = open_index_writer(self._settings)
            stack.push_async_callback(writer.close)
            ingestion = Ingestion(
                ledger=ledger,
                embeddings=Embeddings(connections, embedder.model.id),
                writer=writer,
                engine=self._heavy_part(embedder, pool),
                model=embedder.model,
                tell=self._show,
                publish_after=self._publish_after,
            )
            return await ingestion.run(found, searched=searched, prune=prune, again=again, lost=lost)

    async def _gather(
        self, requests: Sequence[Request], pool: Pool, folder: Path, choose: Choose | None
    ) -> tuple[Found, list[str]]:
        self._display.say("Looking for content")
        async with Fetcher() as fetcher:
            gatherer = Gatherer(pool, fetcher, folder, self._display.count)
            if choose is None:
                return await gatherer.gather(requests)
            return choose(*await gatherer.gather_apart(requests)), []

    def _heavy_part(self, embedder: Embedder, pool: Pool) -> Engine:
        if self._engine == "ray":
            from pipeline.engines.ray import RayEngine

            return RayEngine(pool.model, self._settings.data_dir.resolve() / LOG)
        return LocalEngine(embedder, LexicalEncoder(), pool)
