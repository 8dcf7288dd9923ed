"""`footnote ingest`: finds content, brings it in, and shows how far it is."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from backend import settings as configuration
from backend.database import open_database
from backend.embedded import engines
from backend.errors import ConfigurationError
from backend.knowledge.embedder import Embedder
from backend.knowledge.export import ensure_exported
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.opening import open_index_writer
from backend.migrations import migrate
from backend.settings import Settings
from pipeline.display import Display
from pipeline.engines.local import LocalEngine
from pipeline.find import Collection, find_collections
from pipeline.ingest import Event, Ingestion, Summary, Told
from pipeline.ledger import Ledger

LOG = "ingest.log"


def run(paths: Sequence[Path], creator: str | None, topics: Sequence[str]) -> int:
    """Ingests `paths`; returns the exit code: 1 where a document failed, else 0.

    Raises a `FootnoteError` where nothing can be done at all.
    """
    settings = configuration.load()
    collections, orphans = find_collections(paths, creator, tuple(topics))
    refuse_twins(collections)
    with engines(settings) as resolved, Display() as display:
        logging.basicConfig(filename=settings.data_dir / LOG, level=logging.WARNING)
        migrate(resolved.database.url)
        display.say("Loading the embedding model")
        embedder = Embedder.load(ensure_exported(settings))
        for orphan in orphans:
            display.show(Told("left out", str(orphan.path), orphan.reason))
        summary = asyncio.run(ingest(resolved, collections, embedder, display.show))
    display.conclude(summary)
    return 1 if summary.failed else 0


async def ingest(
    settings: Settings, collections: Sequence[Collection], embedder: Embedder, tell: Callable[[Event], None]
) -> Summary:
    """Opens what an ingestion needs, and closes it."""
    database = open_database(settings.database.url, pool_size=2)
    writer = open_index_writer(settings)
    try:
        return await Ingestion(Ledger(database), writer, LocalEngine(embedder, LexicalEncoder()), tell).run(collections)
    finally:
        await writer.close()
        await database.dispose()


def refuse_twins(collections: Sequence[Collection]) -> None:
    """Two folders of one creator would overwrite each other's documents wherever file names agree."""
    seen: dict[str, set[str]] = {}
    for collection in collections:
        uris = {source.uri for source in collection.sources}
        known = seen.setdefault(collection.creator.slug, set())
        if both := sorted(known & uris):
            raise ConfigurationError(
                f"Two folders of the creator `{collection.creator.slug}` hold a file {both[0]}: "
                "ingest their common folder, or give each its own slug."
            )
        known |= uris
