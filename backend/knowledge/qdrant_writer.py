"""Writes the index on a Qdrant server: into the live collection, or into a new one that takes its place."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from qdrant_client import AsyncQdrantClient, models

from backend.errors import Unavailable
from backend.knowledge.index import refuse_other_model
from backend.knowledge.models import EmbeddingModel, Point
from backend.knowledge.qdrant_collection import (
    answered,
    collection_behind,
    create_collection,
    drop_others,
    is_empty,
    move_alias,
    next_name,
    of_documents,
    point_struct,
)

POINTS_A_REQUEST = 256  # a request may have 32 MB, a point of 1,024 dimensions has 30 kB
LOOK_AGAIN_AFTER_S = 0.5


class QdrantIndexWriter:
    """Writes into the live collection; every point is there whole or not at all.

    Several publications do not harm one another: points are replaced by id, and a new collection's name is no chance.
    """

    def __init__(self, client: AsyncQdrantClient, alias: str) -> None:
        self._client = client
        self._alias = alias

    @asynccontextmanager
    async def publication(self, model: EmbeddingModel | None = None) -> AsyncIterator["QdrantPublication"]:
        """See `IndexWriter.publication`. Changes are visible as they are made."""
        current = await collection_behind(self._client, self._alias)
        if current is not None and model is not None and current.model.id != model.id:
            if not await is_empty(self._client, current.name):
                refuse_other_model(current.model, model)
            current = None
        yield QdrantPublication(self._client, self._alias, current.name if current else None, model)

    @asynccontextmanager
    async def rebuild(self, model: EmbeddingModel) -> AsyncIterator["QdrantPublication"]:
        """See `IndexWriter.rebuild`: a new collection, and one move of the alias when the server has indexed it."""
        current = await collection_behind(self._client, self._alias)
        await drop_others(self._client, self._alias, current.name if current else None)
        name = next_name(self._alias, current)
        try:
            await create_collection(self._client, name, model)
            yield QdrantPublication(self._client, self._alias, name, model)
            await self._indexed(name)
        except BaseException:
            with suppress(Unavailable):
                await answered(self._client.delete_collection(name))
            raise
        # From here on it may be the live one, also where the server's answer is lost: the next rebuild drops the other.
        await move_alias(self._client, self._alias, name)
        await drop_others(self._client, self._alias, name)

    async def _indexed(self, name: str) -> None:
        """Waits until the server has indexed what was written: before, a search would read every vector."""
        while True:
            status = (await answered(self._client.get_collection(name))).status
            if status != models.CollectionStatus.YELLOW:
                return
            await asyncio.sleep(LOOK_AGAIN_AFTER_S)

    async def purge(self) -> None:
        """See `IndexWriter.purge`: every removal was waited for, so there is nothing left to do from here."""

    async def close(self) -> None:
        """Closes the client's connections."""
        await self._client.close()


class QdrantPublication:
    """Changes to a collection; without a name, the first points make one and put it behind the alias."""

    def __init__(self, client: AsyncQdrantClient, alias: str, name: str | None, model: EmbeddingModel | None) -> None:
        self._client = client
        self._alias = alias
        self._name = name
        self._model = model

    async def remove_documents(self, documents: Iterable[UUID]) -> None:
        """See `Publication.remove_documents`."""
        doomed = frozenset(documents)
        if doomed:
            await self._remove(models.Filter(must=[of_documents(doomed)]))

    async def retain(self, document: UUID, chunks: Collection[UUID]) -> None:
        """See `Publication.retain`."""
        kept = models.HasIdCondition(has_id=[str(chunk) for chunk in chunks])
        await self._remove(models.Filter(must=[of_documents([document])], must_not=[kept]))

    async def upsert(self, points: Sequence[Point]) -> None:
        """See `Publication.upsert`."""
        if not points:
            return
        if self._name is None:
            self._name = await self._make()
        for start in range(0, len(points), POINTS_A_REQUEST):
            batch = [point_struct(point) for point in points[start : start + POINTS_A_REQUEST]]
            await answered(self._client.upsert(self._name, batch, wait=True))

    async def _remove(self, doomed: models.Filter) -> None:
        if self._name is not None:
            await answered(self._client.delete(self._name, models.FilterSelector(filter=doomed), wait=True))

    async def _make(self) -> str:
        """The first collection, or the one that takes the place of an empty one with another model's name."""
        assert self._model is not None  # whoever upserts has named the model
        current = await collection_behind(self._client, self._alias)
        if current is None or current.model.id != self._model.id:
            name = next_name(self._alias, current)  # of two first writers, the second finds the first's
            await create_collection(self._client, name, self._model)
            await move_alias(self._client, self._alias, name)
            await drop_others(self._client, self._alias, name)
            current = await collection_behind(self._client, self._alias)
        assert current is not None
        refuse_other_model(current.model, self._model)
        return current.name
