"""`footnote reindex`: makes the index anew, with the configured model or another one, while the old one answers."""

import asyncio

from backend.knowledge.embedder import Embedder
from backend.knowledge.embedders import load_embedder
from backend.knowledge.opening import open_index, open_index_writer
from backend.settings import Settings
from pipeline.display import Display
from pipeline.ledger import Ledger
from pipeline.lost import lost_documents
from pipeline.reindex import Reindexed, Reindexing
from pipeline.terminal import Terminal
from pipeline.workplace import database, workplace


def run(model: str | None) -> int:
    """Makes the index anew with the model of that name (None: the configured one); returns the exit code: 1 where it
    does not hold all that the library counts, as passages were lost before."""
    with workplace() as settings, Display() as display:
        display.say("Loading the embedding model")
        wanted = settings.embedding.model_copy(update={"model": model or settings.embedding.model})
        embedder = load_embedder(settings.model_copy(update={"embedding": wanted}), None)
        done, lost = asyncio.run(reindex(settings, embedder, display))
    console = Terminal()
    if done.cut_short:
        console.print(
            f"{done.cut_short:,} passages are longer than this model reads ({embedder.max_tokens} tokens), and their "
            "ends were left out of their vectors. Documents that are ingested from now on are cut to its measure."
        )
    if model is not None and model != settings.embedding.model:
        console.print(f"Set FOOTNOTE_EMBEDDING__MODEL={model} too, so that the configuration says what is used.")
    console.print(
        f"{done.chunks:,} passages are in the new index, {done.embedded:,} embedded, {done.dropped:,} left behind "
        f"(model {embedder.model.id})"
    )
    if lost:
        console.print(
            f"{lost:,} documents have lost passages that the index should hold: `footnote retry` brings them in again."
        )
        return 1
    return 0


async def reindex(settings: Settings, embedder: Embedder, display: Display) -> tuple[Reindexed, int]:
    """Opens what a reindexing needs, and closes it; what became of the passages, and how many documents are not whole
    in the new index."""
    index, writer = open_index(settings), open_index_writer(settings)

    def tell(done: int, total: int) -> None:
        display.count("Reindexing", done, total)

    try:
        async with database(settings) as connections, Ledger(connections).writing():
            done = await Reindexing(connections, index, writer, embedder, tell).run()
            return done, len(await lost_documents(settings, connections))
    finally:
        await writer.close()
        await index.close()
