"""Documents that the library counts and the index does not hold whole: the index was lost, or an older one put back."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.database import transaction
from backend.knowledge.catalogue import documents
from backend.knowledge.opening import open_index
from backend.settings import Settings


async def lost_documents(settings: Settings, connections: AsyncEngine) -> set[UUID]:
    """The documents that should answer, and of which the index has another number of passages.

    Deleted ones are none of them. Raises `Unavailable` where an engine is away.
    """
    index = open_index(settings)
    try:
        held = await index.held()
    finally:
        await index.close()
    query = select(documents.c.id, documents.c.chunks).where(
        documents.c.status == "ready", documents.c.deleted_at.is_(None)
    )
    async with transaction(connections) as connection:
        return {identity for identity, chunks in await connection.execute(query) if held.get(identity, 0) != chunks}
