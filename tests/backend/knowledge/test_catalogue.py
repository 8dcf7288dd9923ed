"""The catalogue has the last word about what may be shown."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, func, insert, update
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.database import open_database, transaction
from backend.errors import Unavailable
from backend.knowledge.catalogue import Catalogue, creators, documents
from backend.settings import Settings


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """A database with one creator, `catalogue-test`."""
    engine = open_database(settings.database.url, pool_size=2)
    async with transaction(engine) as connection:
        await connection.execute(insert(creators).values(slug="catalogue-test", name="Catalogue Test"))
    yield engine
    async with transaction(engine) as connection:
        await connection.execute(delete(documents).where(documents.c.creator == "catalogue-test"))
        await connection.execute(delete(creators).where(creators.c.slug == "catalogue-test"))
    await engine.dispose()


async def add(engine: AsyncEngine, status: str = "ready") -> UUID:
    document_id = uuid4()
    values = {"title": "A talk", "kind": "video", "content_hash": "x", "pipeline_version": 1, "status": status}
    async with transaction(engine) as connection:
        await connection.execute(
            insert(documents).values(id=document_id, creator="catalogue-test", source_uri=str(document_id), **values)
        )
    return document_id


async def test_a_deleted_document_is_gone_from_the_next_question_on(engine: AsyncEngine) -> None:
    catalogue, document_id = Catalogue(engine), await add(engine)
    document, creator = (await catalogue.find_documents([document_id]))[document_id]
    assert (document.title, creator.name) == ("A talk", "Catalogue Test")
    async with transaction(engine) as connection:
        await connection.execute(update(documents).where(documents.c.id == document_id).values(deleted_at=func.now()))
    assert await catalogue.find_documents([document_id]) == {}
    assert document_id in await Catalogue(engine).tombstones()


async def test_a_document_that_is_not_ready_does_not_answer(engine: AsyncEngine) -> None:
    ready, failed = await add(engine), await add(engine, "failed")
    catalogue = Catalogue(engine)
    assert set(await catalogue.find_documents([ready, failed, uuid4()])) == {ready}
    (summary,) = [entry for entry in await catalogue.list_creators() if entry.creator.slug == "catalogue-test"]
    assert summary.documents == 1


async def test_nothing_asked_is_nothing_found(engine: AsyncEngine) -> None:
    assert await Catalogue(engine).find_documents([]) == {}


async def test_a_database_that_is_away_is_said_to_be(tmp_path: object) -> None:
    engine = open_database(f"postgresql+asyncpg://nobody@/none?host={tmp_path}")
    catalogue = Catalogue(engine)
    assert not await catalogue.ready()
    with pytest.raises(Unavailable):
        await catalogue.find_creator("ana")
    await engine.dispose()
