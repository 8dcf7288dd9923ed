"""Ends runs whose worker is gone."""

from backend.chat.journal import JournalReader
from backend.chat.replay import recovered
from backend.conversations.models import RunRecord
from backend.conversations.store import ConversationStore


async def recover_runs(store: ConversationStore, journal: JournalReader, older_than_s: float) -> None:
    """Ends every running run whose last heartbeat is older, saving what its journal still holds."""
    for record in await store.stale_runs(older_than_s):
        await recover_run(store, journal, record)


async def recover_run(store: ConversationStore, journal: JournalReader, record: RunRecord) -> None:
    """Saves one run as interrupted; does nothing where somebody else has ended it meanwhile."""
    await store.finish(record, recovered(await journal.read(record.id), record))
