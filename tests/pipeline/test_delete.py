"""A deletion is complete, wherever it was interrupted, and touches nothing else."""

import asyncio

import pytest
from sqlalchemy import func, select

from backend import erasure
from backend.chat import run as live
from backend.errors import Unavailable
from backend.knowledge.catalogue import creators, documents, embeddings
from backend.knowledge.models import Creator
from backend.knowledge.opening import open_index, open_index_writer
from backend.settings import Settings
from pipeline import delete as deletion
from pipeline.commands import delete as command
from pipeline.delete import Deleted, Deletion
from pipeline.ledger import Ledger
from pipeline.profile import Measured, Profile, Sample, keep_profile, load_profile, profile_folder
from pipeline.published import PublishedProfiles, publication
from pipeline.tombstones import Tombstones
from pipeline.voice.measure import measure
from tests.pipeline.library import Killed, Library
from tests.pipeline.talks import by_id
from tests.pipeline.test_ingest import long_article
from tests.pipeline.traces import CANARY, HERONS, ROOMS, folders_with


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that forget at once, so that nobody waits half a minute for them."""
    monkeypatch.setattr(live, "KEEP_ENDED_S", 0.3)
    monkeypatch.setattr(erasure, "SETTLE_S", 0.3)


@pytest.fixture
def shelves(library: Library, settings: Settings) -> Library:
    """The library of the test, with the model beside its index."""
    library.settings.data_dir.mkdir(exist_ok=True)
    (library.settings.data_dir / "models").symlink_to(settings.data_dir / "models")
    return library


async def delete(library: Library, *names: str, creator: str | None = None) -> Deleted:
    """A deletion as the command does it, of documents by their paths or short ids."""
    rows, tombstones = await library.rows(), Tombstones(library.database)
    found = [rows[name]["id"] if name in rows else await tombstones.find(name) for name in names]
    index, writer = open_index(library.settings), open_index_writer(library.settings)
    try:
        async with library.ledger.writing():
            return await Deletion(library.settings, library.database, index, writer).run(found, creator)
    finally:
        await writer.close()
        await index.close()


async def test_a_deleted_document_leaves_an_empty_tombstone_and_does_not_come_back_by_itself(shelves: Library) -> None:
    shelves.write("herons.md", f"---\ntitle: Birds\nurl: https://x.example\ntags: [birds]\n---\n{HERONS}")
    shelves.write("rooms.md", ROOMS)
    await shelves.ingest()
    deleted = await delete(shelves, "herons.md")
    assert (deleted.documents, deleted.passages, deleted.left) == (1, 1, {})  # others may have left half-deleted ones
    row = (await shelves.rows())["herons.md"]
    kept = {"id", "creator", "source_uri", "origin", "content_hash", "deleted_at", "ingested_at", "pipeline_version"}
    assert row["deleted_at"] is not None
    left = {name: value for name, value in row.items() if name not in kept and value not in (None, "", [], {}, 0)}
    assert left == {"kind": "document", "status": "left_out"}
    assert list(await shelves.answering()) == ["rooms.md"]
    assert (await shelves.ingest()).left_out == 1
    shelves.write("herons.md", HERONS.replace("nine", "ten"))
    assert (await shelves.ingest()).left_out == 1
    assert list(await shelves.answering()) == ["rooms.md"]
    assert (await shelves.ingest(target=shelves.content / "herons.md")).added == 1
    assert sorted(await shelves.answering()) == ["herons.md", "rooms.md"]
    assert (await shelves.rows())["herons.md"]["title"] == "Herons"


async def test_a_repetition_does_not_take_the_place_of_a_deleted_original(shelves: Library) -> None:
    shelves.write("a.md", HERONS)
    shelves.write("b.md", HERONS)
    await shelves.ingest()
    assert await delete(shelves, "a.md") == Deleted(documents=1, repetitions=1, passages=1)
    assert (await shelves.ingest()).left_out == 2
    assert await shelves.answering() == {}


async def test_a_repetition_that_is_deleted_leaves_its_original_alone(shelves: Library) -> None:
    shelves.write("a.md", HERONS)
    shelves.write("b.md", HERONS)
    await shelves.ingest()
    assert await delete(shelves, "b.md") == Deleted(documents=1)
    assert list(await shelves.answering()) == ["a.md"]


STEPS: dict[str, tuple[object, str]] = {
    "silence": (Ledger, "silence"),
    "withdraw": (PublishedProfiles, "withdraw"),
    "erase": (deletion, "erase"),
    "unpublish": (Deletion, "_unpublish"),
    "empty": (Tombstones, "empty"),
    "clear": (deletion, "clear_residue"),
    "profiles": (Deletion, "_clear_profiles"),
}


@pytest.mark.parametrize("step", STEPS)
async def test_a_deletion_that_is_killed_after_any_step_is_completed_by_the_same_one(
    shelves: Library, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    shelves.write("herons.md", HERONS)
    shelves.write("rooms.md", ROOMS)
    await shelves.ingest()
    with monkeypatch.context() as killing:
        kill_after(killing, *STEPS[step])
        with pytest.raises(Killed):
            await delete(shelves, "herons.md")
    assert list(await shelves.answering()) == ["rooms.md"]
    name = str((await shelves.rows())["herons.md"]["id"])[:8]
    assert (await delete(shelves, name)).left == {}
    await assert_nothing_but_rooms(shelves)


def kill_after(patch: pytest.MonkeyPatch, owner: object, name: str) -> None:
    """Makes a step of the deletion the last thing that its process does."""
    step = getattr(owner, name)

    async def killed(*arguments: object, **named: object) -> None:
        await step(*arguments, **named)
        raise Killed

    def killed_at_once(*arguments: object) -> None:
        step(*arguments)
        raise Killed

    patch.setattr(owner, name, killed if asyncio.iscoroutinefunction(step) else killed_at_once)


async def assert_nothing_but_rooms(library: Library) -> None:
    chunks = (await library.indexed()).values()
    assert all("heron" not in chunk.text for chunk in chunks)
    assert list(await library.answering()) == ["rooms.md"]
    assert folders_with(library.settings.data_dir, CANARY.encode()) == set()
    row = (await library.rows())["herons.md"]
    assert (row["title"], row["text_hash"]) == ("", "")
    query = select(func.count()).where(embeddings.c.document_id == row["id"])
    async with library.database.connect() as connection:
        assert (await connection.execute(query)).scalar_one() == 0


async def test_the_next_deletion_completes_one_that_was_killed(
    shelves: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("herons.md", "rooms.md", "echo.md"):
        shelves.write(name, {"herons.md": HERONS, "rooms.md": ROOMS}.get(name) or long_article("echo", 2))
    await shelves.ingest()
    with monkeypatch.context() as killing:
        kill_after(killing, deletion, "erase")
        with pytest.raises(Killed):
            await delete(shelves, "herons.md")
    deleted = await delete(shelves, "echo.md")
    assert (deleted.documents, deleted.repetitions) == (1, 1)
    await assert_nothing_but_rooms(shelves)


async def test_a_creator_goes_with_everything_and_others_stay(shelves: Library) -> None:
    shelves.write("herons.md", HERONS)
    shelves.write("bad.vtt", "WEBVTT\n\nnothing\n")
    await shelves.ingest()
    mine, own = shelves.slug, shelves.content
    shelves.slug, shelves.content = f"{mine}-other", own.with_name("other")
    shelves.content.mkdir()
    shelves.write("rooms.md", ROOMS)
    await shelves.ingest()
    folder = profile_folder(shelves.settings.data_dir)
    for slug in (mine, shelves.slug):
        keep_profile(folder, Creator(slug, slug), Measured("", 1, "", measure(by_id([ROOMS]), []), ()))
    deleted = await delete(shelves, creator=mine)
    assert (deleted.documents, deleted.passages, deleted.left) == (2, 1, {})
    async with shelves.database.connect() as connection:
        known = (await connection.execute(select(creators.c.slug))).scalars().all()
        rows = await connection.execute(select(documents.c.id).where(documents.c.creator == mine))
        assert rows.all() == []
    assert mine not in known
    assert load_profile(folder, mine) is None
    assert load_profile(folder, shelves.slug) is not None
    assert list(await shelves.answering()) == ["rooms.md"]
    shelves.slug, shelves.content = mine, own
    assert (await shelves.ingest()).added == 1


@pytest.mark.parametrize("step", ["unpublish", "empty", "clear"])
async def test_the_deletion_of_a_creator_that_is_killed_is_completed(
    shelves: Library, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    shelves.write("herons.md", HERONS)
    await shelves.ingest()
    with monkeypatch.context() as killing:
        kill_after(killing, *STEPS[step])
        with pytest.raises(Killed):
            await delete(shelves, creator=shelves.slug)
    assert (await delete(shelves, creator=shelves.slug)).left == {}
    async with shelves.database.connect() as connection:
        known = (await connection.execute(select(creators.c.slug))).scalars().all()
    assert shelves.slug not in known
    assert await shelves.indexed() == {}
    assert folders_with(shelves.settings.data_dir, CANARY.encode()) == set()


async def test_while_somebody_else_changes_the_library_nothing_is_deleted(shelves: Library) -> None:
    shelves.write("herons.md", HERONS)
    await shelves.ingest()
    async with Ledger(shelves.database).writing():
        with pytest.raises(Unavailable, match="wait until it has finished"):
            await delete(shelves, "herons.md")
    assert list(await shelves.answering()) == ["herons.md"]


async def test_who_deletes_meanwhile_is_told_that_it_does_not_answer_and_what_is_left_to_do(shelves: Library) -> None:
    shelves.write("herons.md", HERONS)
    await shelves.ingest()
    doomed = command.Doomed(((await shelves.rows())["herons.md"]["id"],), ())
    async with Ledger(shelves.database).writing():
        with pytest.raises(Unavailable, match=r"finished\. What you named does not answer any more; run the same"):
            await command.delete(shelves.settings, doomed)
    assert list(await shelves.answering()) == []
    await command.delete(shelves.settings, doomed)
    assert await shelves.indexed() == {}


async def test_the_check_finds_what_a_step_left_behind(shelves: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    shelves.write("herons.md", HERONS)
    await shelves.ingest()
    quoting = Sample((await shelves.rows())["herons.md"]["id"], CANARY)
    async with publication(shelves.database, shelves.slug) as publishing:
        await publishing.publish(Profile(shelves.slug, "Calm.", (), None, samples=(quoting,)))

    async def nothing(*arguments: object) -> None:
        """A step that does not do its work."""

    with monkeypatch.context() as broken:
        broken.setattr(Deletion, "_unpublish", nothing)
        broken.setattr(Tombstones, "empty", nothing)
        broken.setattr(PublishedProfiles, "withdraw", nothing)
        left = (await delete(shelves, "herons.md")).left
    assert {"passages", "hits of a search", "the catalogue", "kept vectors", "published profiles"} <= left.keys()
    assert (await delete(shelves, "herons.md")).left == {}
