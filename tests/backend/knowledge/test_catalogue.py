"""The catalogue has the last word about what may be shown."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, func, insert, update
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.database import open_database, transaction
from backend.errors import Unavailable
from backend.knowledge import recent_documents
from backend.knowledge.catalogue import Catalogue, creators, documents
from backend.knowledge.recent_documents import RecentDocuments
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


async def test_a_deletion_that_is_done_costs_later_questions_nothing(engine: AsyncEngine) -> None:
    document_id = await add(engine)
    async with transaction(engine) as connection:
        silent = update(documents).where(documents.c.id == document_id).values(deleted_at=func.now())
        await connection.execute(silent)
        await connection.execute(silent.values(title="", status="left_out"))  # as it is left when no passage is left
    assert document_id not in await Catalogue(engine).tombstones()
    assert await Catalogue(engine).find_documents([document_id]) == {}


async def test_a_document_that_is_not_ready_does_not_answer(engine: AsyncEngine) -> None:
    ready, failed = await add(engine), await add(engine, "failed")
    catalogue = Catalogue(engine)
    assert set(await catalogue.find_documents([ready, failed, uuid4()])) == {ready}
    (summary,) = [entry for entry in await catalogue.list_creators() if entry.creator.slug == "catalogue-test"]
    assert summary.documents == 1


async def test_a_document_is_looked_up_again_only_after_a_while(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    recent, document_id = RecentDocuments(Catalogue(engine)), await add(engine)
    await recent.find_documents([document_id])
    async with transaction(engine) as connection:
        await connection.execute(update(documents).where(documents.c.id == document_id).values(title="A longer talk"))
    other = await add(engine)
    found = await recent.find_documents([document_id, other])
    assert {identity: document.title for identity, (document, _) in found.items()} == dict.fromkeys(
        [document_id, other], "A talk"
    )
    monkeypatch.setattr(recent_documents, "KEPT_S", -1.0)
    stale = RecentDocuments(Catalogue(engine))
    await stale.find_documents([document_id])
    async with transaction(engine) as connection:
        await connection.execute(update(documents).where(documents.c.id == document_id).values(title="The last talk"))
    assert (await stale.find_documents([document_id]))[document_id][0].title == "The last talk"


async def test_of_documents_that_were_looked_up_only_so_many_are_kept(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_documents, "KEPT", 1)
    recent, first, second = RecentDocuments(Catalogue(engine)), await add(engine), await add(engine)
    assert set(await recent.find_documents([first])) == {first}
    assert set(await recent.find_documents([first, second])) == {first, second}
    async with transaction(engine) as connection:
        await connection.execute(update(documents).values(title="Anew").where(documents.c.creator == "catalogue-test"))
    found = await recent.find_documents([first, second])
    assert (found[first][0].title, found[second][0].title) == ("Anew", "A talk")


async def test_a_document_deleted_since_it_was_looked_up_is_named_and_forgotten(engine: AsyncEngine) -> None:
    recent, document_id = RecentDocuments(Catalogue(engine)), await add(engine)
    assert document_id in await recent.find_documents([document_id])
    assert document_id not in await recent.tombstones()
    async with transaction(engine) as connection:
        await connection.execute(update(documents).where(documents.c.id == document_id).values(deleted_at=func.now()))
    assert document_id in await recent.tombstones()
    assert await recent.find_documents([document_id]) == {}


async def test_nothing_asked_is_nothing_found(engine: AsyncEngine) -> None:
    assert await Catalogue(engine).find_documents([]) == {}


async def test_a_database_that_is_away_is_said_to_be(tmp_path: object) -> None:
    engine = open_database(f"postgresql+asyncpg://nobody@/none?host={tmp_path}")
    catalogue = Catalogue(engine)
    assert not await catalogue.ready()
    with pytest.raises(Unavailable):
        await catalogue.find_creator("ana")
    await engine.dispose()
