"""The catalogue has the last word about what may be shown."""

import asyncio
from collections.abc import AsyncIterator, Collection
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.conversations.models import conversations
from backend.database import open_database, transaction
from backend.errors import Unavailable
from backend.knowledge import recent_documents
from backend.knowledge.catalogue import Catalogue, catalogue_changes, creators, documents
from backend.knowledge.models import Creator, Document
from backend.knowledge.recent_documents import RecentDocuments
from backend.settings import Settings


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """A database with one creator, `catalogue-test`."""
    engine = open_database(settings.database.url, pool_size=3)
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
    assert document_id in (await Catalogue(engine).state()).deleted


async def test_a_deletion_that_is_done_costs_later_questions_nothing(engine: AsyncEngine) -> None:
    document_id = await add(engine)
    async with transaction(engine) as connection:
        silent = update(documents).where(documents.c.id == document_id).values(deleted_at=func.now())
        await connection.execute(silent)
        await connection.execute(silent.values(title="", status="left_out"))  # as it is left when no passage is left
    assert document_id not in (await Catalogue(engine).state()).deleted
    assert await Catalogue(engine).find_documents([document_id]) == {}


async def test_a_document_that_is_not_ready_does_not_answer(engine: AsyncEngine) -> None:
    ready, failed = await add(engine), await add(engine, "failed")
    catalogue = Catalogue(engine)
    assert set(await catalogue.find_documents([ready, failed, uuid4()])) == {ready}
    (summary,) = [entry for entry in await catalogue.list_creators() if entry.creator.slug == "catalogue-test"]
    assert summary.documents == 1


async def retitle(connection: AsyncConnection, document_id: UUID, title: str) -> None:
    await connection.execute(update(documents).where(documents.c.id == document_id).values(title=title))


async def titles(recent: RecentDocuments, document_id: UUID) -> tuple[str, str]:
    """What a question is told of a document and its creator."""
    await recent.tombstones()
    document, creator = (await recent.find_documents([document_id]))[document_id]
    return document.title, creator.name


async def test_what_was_corrected_is_new_with_the_next_question(engine: AsyncEngine) -> None:
    recent, document_id = RecentDocuments(Catalogue(engine)), await add(engine)
    assert await titles(recent, document_id) == ("A talk", "Catalogue Test")
    async with transaction(engine) as connection:
        await retitle(connection, document_id, "A longer talk")
    assert await titles(recent, document_id) == ("A longer talk", "Catalogue Test")
    async with transaction(engine) as connection:
        await connection.execute(update(creators).where(creators.c.slug == "catalogue-test").values(name="Cat"))
    assert await titles(recent, document_id) == ("A longer talk", "Cat")


async def test_what_has_not_changed_is_not_looked_up_again(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_documents, "FEW", 0)
    catalogue, document_id = Catalogue(engine), await add(engine)
    recent, asked, find = RecentDocuments(catalogue), [], catalogue.find_documents

    async def counted(ids: Collection[UUID]) -> dict[UUID, tuple[Document, Creator]]:
        asked.append(set(ids))
        return await find(ids)

    monkeypatch.setattr(catalogue, "find_documents", counted)
    for _ in range(3):
        assert (await titles(recent, document_id))[0] == "A talk"
    async with transaction(engine) as connection:
        await connection.execute(delete(conversations).where(conversations.c.owner == "nobody"))
    await titles(recent, document_id)
    assert asked == [{document_id}]
    await add(engine)  # anything else in the catalogue
    await titles(recent, document_id)
    assert asked == [{document_id}] * 2


async def test_a_small_library_is_looked_up_whole_when_it_has_changed(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue, first, second = Catalogue(engine), await add(engine), await add(engine, "failed")
    recent = RecentDocuments(catalogue)
    with monkeypatch.context() as patch:
        patch.setattr(recent_documents, "FEW", 10_000)  # other tests have theirs there, too
        patch.setattr(catalogue, "find_documents", nobody_is_asked)
        assert (await titles(recent, first))[0] == "A talk"
        async with transaction(engine) as connection:
            await retitle(connection, first, "A longer talk")
        assert (await titles(recent, first))[0] == "A longer talk"
    assert await recent.find_documents([second]) == {}
    await add(engine)
    assert len(await catalogue.all_documents(at_most=10_000)) > 1
    assert await catalogue.all_documents(at_most=1) == {}


async def test_what_was_broken_off_while_it_was_looked_up_is_looked_up_by_who_comes_next(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_documents, "FEW", 10_000)
    catalogue, first = Catalogue(engine), await add(engine)
    recent, learn = RecentDocuments(catalogue), catalogue.all_documents
    begun, calls = asyncio.Event(), []

    async def hanging(*, at_most: int) -> dict[UUID, tuple[Document, Creator]]:
        calls.append(at_most)
        if len(calls) > 1:
            return await learn(at_most=at_most)
        begun.set()
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(catalogue, "all_documents", hanging)
    waiting = asyncio.create_task(recent.tombstones())
    await begun.wait()
    assert (await titles(recent, first))[0] == "A talk"  # a question beside it does not wait, and looks up its own
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert calls == [10_000]
    await titles(recent, first)
    await titles(recent, first)
    assert calls == [10_000] * 2


async def nobody_is_asked(_ids: Collection[UUID]) -> dict[UUID, tuple[Document, Creator]]:
    raise AssertionError("all of them are known")


async def test_a_correction_is_seen_though_a_later_one_was_committed_before_it(engine: AsyncEngine) -> None:
    recent, first, second = RecentDocuments(Catalogue(engine)), await add(engine), await add(engine)
    await titles(recent, first)
    async with transaction(engine) as early:
        await retitle(early, first, "Early")
        async with transaction(engine) as late:
            await retitle(late, second, "Late")
        assert (await titles(recent, first))[0] == "A talk"
        assert (await titles(recent, second))[0] == "Late"
    assert (await titles(recent, first))[0] == "Early"


async def test_what_was_being_looked_up_during_a_correction_is_not_kept(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_documents, "FEW", 0)
    catalogue, document_id = Catalogue(engine), await add(engine)
    recent, find = RecentDocuments(catalogue), catalogue.find_documents

    async def overtaken(ids: Collection[UUID]) -> dict[UUID, tuple[Document, Creator]]:
        found = await find(ids)
        async with transaction(engine) as connection:
            await retitle(connection, document_id, "A longer talk")
        await recent.tombstones()  # of the next question
        return found

    with monkeypatch.context() as patch:
        patch.setattr(catalogue, "find_documents", overtaken)
        assert (await titles(recent, document_id))[0] == "A talk"
    found = await recent.find_documents([document_id])
    assert found[document_id][0].title == "A longer talk"


async def test_changes_leave_one_row_and_those_of_another_server_none(engine: AsyncEngine) -> None:
    async with transaction(engine) as connection:
        await connection.execute(insert(catalogue_changes).values(transaction=1 << 62))  # from a dump
    assert (await Catalogue(engine).state()).version is None
    for _ in range(3):
        await add(engine)
    async with transaction(engine) as connection:
        rows = (await connection.execute(select(catalogue_changes.c.transaction))).scalars().all()
    assert len(rows) == 1
    assert (await Catalogue(engine).state()).version == rows[0] < 1 << 62


async def test_nobody_waits_for_another_who_changes_the_catalogue(engine: AsyncEngine) -> None:
    first, second = await add(engine), await add(engine)
    async with transaction(engine) as one, transaction(engine) as other:
        async with asyncio.timeout(5):
            await retitle(one, first, "One")
            await retitle(other, second, "Other")


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
