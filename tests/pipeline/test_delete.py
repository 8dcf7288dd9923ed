"""A deletion leaves no trace, wherever it is interrupted, and nobody else notices it."""

import asyncio
import os
import pty
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend import erasure
from backend.chat import runs as live
from backend.chat.journal import frames_key
from backend.conversations.cached import key
from backend.errors import ConfigurationError, ContentError, Unavailable
from backend.knowledge.catalogue import creators, documents, embeddings
from backend.knowledge.models import Creator
from backend.knowledge.opening import open_index, open_index_writer
from backend.settings import Settings
from pipeline import delete as deletion
from pipeline.commands import delete as command
from pipeline.delete import Deleted, Deletion
from pipeline.ledger import Ledger
from pipeline.profile import Measured, Sample, keep_profile, load_profile, profile_folder
from pipeline.tombstones import Tombstones
from pipeline.voice.measure import measure
from tests.pipeline.library import Killed, Library
from tests.pipeline.test_command import footnote
from tests.pipeline.test_ingest import long_article
from tests.service import Visitor, running

CANARY = "The copper heron counts nine violet marbles before every thunderstorm"
HERONS = f"# Herons\n\n{CANARY}. It never loses one of them. Nobody has ever asked it why it does so.\n"
ROOMS = (
    "# Rooms\n\nA small room rings at low frequencies, and a large one does not ring at all. "
    "Put foam into the corners of a small room, and listen again on another day.\n"
)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that forget at once, so that nobody waits half a minute for them."""
    monkeypatch.setattr(live, "KEEP_ENDED_S", 0.3)
    monkeypatch.setattr(erasure, "SETTLE_S", 0.3)


@pytest.fixture(scope="module")
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    connection = Redis.from_url(settings.redis.url)
    yield connection
    await connection.aclose()


async def test_after_a_deletion_no_trace_is_left_anywhere_and_the_service_never_stumbles(
    settings: Settings, database: AsyncEngine, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(settings.data_dir))
    (tmp_path / "herons.md").write_text(HERONS)
    (tmp_path / "rooms.md").write_text(ROOMS)
    done = await asyncio.to_thread(footnote, settings.data_dir, "ingest", tmp_path, "--creator", "canary")
    assert done.returncode == 0, done.stderr
    lay_down_leftovers(settings.data_dir, await document_of(database, "canary", "herons.md"))
    async with running(settings) as address, Visitor(address) as visitor, Visitor(address) as other:
        answer = await visitor.ask("What does the copper heron count?", creator="canary")
        conversation = answer.conversation_id
        again = await visitor.ask("And before what does it count them?", creator="canary", conversation_id=conversation)
        assert CANARY in answer.text
        keys = [frames_key(UUID(one.run_id)) for one in (answer, again)] + [key(UUID(conversation))]
        while await redis.exists(*keys) < len(keys):
            await asyncio.sleep(0.02)
        async with database.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("ANALYZE"))
            await connection.execute(text("CHECKPOINT"))
        before = await traces(settings, database, redis)
        assert {"messages.content", "messages.sources", "messages.terminal", "messages.citations"} <= before
        assert {"string in Redis", "stream in Redis", "statistics"} <= before
        assert {"redis", "index", "staging", "profiles", "postgres/base", "postgres/pg_wal"} <= before
        answered: list[str] = []
        asking = asyncio.create_task(keep_asking(other, answered))
        code = await asyncio.to_thread(command.run, ["canary/herons.md"], None)
        asking.cancel()
        (ended,) = await asyncio.gather(asking, return_exceptions=True)
        assert code == 0
        assert isinstance(ended, asyncio.CancelledError), ended
        assert len(answered) > 5
        assert await traces(settings, database, redis) == set()
        after = await visitor.ask("What does the copper heron count?", creator="canary")
        assert CANARY not in after.raw.decode()
        for run in (answer, again):
            assert CANARY not in (await visitor.follow(run.run_id)).checked().raw.decode()
        assert CANARY not in str(await visitor.messages(conversation))


async def keep_asking(visitor: Visitor, answered: list[str]) -> None:
    """Asks of what is not deleted, again and again; fails at the first answer that is not one."""
    while True:
        answer = await visitor.ask("Why does a small room ring?", creator="canary")
        assert answer.checked().last.event == "done", answer.events
        assert "low frequencies" in answer.text
        answered.append(answer.text)
        await asyncio.sleep(0.05)


def lay_down_leftovers(data_dir: Path, document: UUID) -> None:
    """What a killed ingestion leaves, and a profile that quotes the document."""
    (data_dir / "staging" / "archive-1").mkdir(parents=True)
    (data_dir / "staging" / "archive-1" / "herons.md").write_text(HERONS)
    sample = Sample(document, "Herons", "1.", CANARY)
    measured = Measured("all that they wrote", 1, "", measure([ROOMS], []), (sample,))
    keep_profile(profile_folder(data_dir), Creator("canary", "Canary"), measured)


async def document_of(database: AsyncEngine, creator: str, uri: str) -> UUID:
    query = select(documents.c.id).where(documents.c.creator == creator, documents.c.source_uri == uri)
    async with database.connect() as connection:
        return (await connection.execute(query)).scalar_one()


async def traces(settings: Settings, database: AsyncEngine, redis: Redis) -> set[str]:
    """Every place with the canary: columns of tables, types of keys in Redis, folders of files of any kind."""
    return {
        *(await columns_with(database, CANARY)),
        *[f"{kind} in Redis" async for kind in kinds_of_keys_with(redis, CANARY.encode())],
        *await asyncio.to_thread(folders_with, settings.data_dir, CANARY.encode()),
    }


async def columns_with(database: AsyncEngine, wanted: str) -> set[str]:
    """Every column of every table, whatever its type, that holds the words (bytes are shown in hexadecimal); and the
    statistics of the planner."""
    columns = text("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
    words = {"wanted": wanted, "hexadecimal": wanted.encode().hex()}
    found: set[str] = set()
    async with database.connect() as connection:
        for table, column in (await connection.execute(columns)).all():
            value = f'"{column}"::text'
            query = f'SELECT 1 FROM "{table}" WHERE strpos({value}, :wanted) + strpos({value}, :hexadecimal) > 0'
            if (await connection.execute(text(query), words)).first():
                found.add(f"{table}.{column}")
        sampled = text("SELECT 1 FROM pg_stats WHERE strpos(pg_stats::text, :wanted) > 0")
        if (await connection.execute(sampled, {"wanted": wanted})).first():
            found.add("statistics")
    return found


async def kinds_of_keys_with(redis: Redis, wanted: bytes) -> AsyncIterator[str]:
    """The type of every key that holds the words."""
    async for name in redis.scan_iter():
        kind = (await redis.type(name)).decode()
        value: Any = await (redis.get(name) if kind == "string" else redis.xrange(name))
        if wanted in (value if kind == "string" else b"".join(entry[b"frames"] for _, entry in value)):
            yield kind


def folders_with(data_dir: Path, wanted: bytes) -> set[str]:
    """The folders of files with these bytes, Postgres' own one level deeper."""
    found: set[str] = set()
    for file in data_dir.rglob("*"):
        with suppress(FileNotFoundError):  # engines replace theirs all the time
            if file.is_file() and not file.is_symlink() and wanted in file.read_bytes():
                parts = file.relative_to(data_dir).parts
                found.add("/".join(parts[:2]) if parts[0] == "postgres" else parts[0])
    return found


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
    assert deleted == Deleted(documents=1, passages=1)
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
        keep_profile(folder, Creator(slug, slug), Measured("", 1, "", measure([ROOMS], []), ()))
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


async def test_the_check_finds_what_a_step_left_behind(shelves: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    shelves.write("herons.md", HERONS)
    await shelves.ingest()

    async def nothing(*arguments: object) -> None:
        """A step that does not do its work."""

    with monkeypatch.context() as broken:
        broken.setattr(Deletion, "_unpublish", nothing)
        broken.setattr(Tombstones, "empty", nothing)
        left = (await delete(shelves, "herons.md")).left
    assert {"passages", "hits of a search", "the catalogue", "kept vectors"} <= left.keys()
    assert (await delete(shelves, "herons.md")).left == {}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("deleting")
    (folder / "models").symlink_to(model_cache / "models")
    (folder / "ana").mkdir()
    (folder / "ana" / "herons.md").write_text(HERONS)
    (folder / "ana" / "rooms.md").write_text(ROOMS)
    done = footnote(folder, "ingest", folder / "ana", "--creator", "ana")
    assert done.returncode == 0, done.stderr
    return folder


def run_in(data_dir: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], creator: str | None = None) -> int:
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(data_dir))
    return command.run(names, creator)


def test_a_name_that_means_nothing_deletes_nothing(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ContentError, match="no document `nothing`"):
        run_in(data_dir, monkeypatch, ["herons.md", "nothing"])
    with pytest.raises(ContentError, match="no creator `nobody`"):
        run_in(data_dir, monkeypatch, [], "nobody")
    for names, creator in (([], None), (["herons.md"], "ana")):
        with pytest.raises(ConfigurationError, match="--creator SLUG"):
            run_in(data_dir, monkeypatch, names, creator)
    assert "Deleted" not in capsys.readouterr().out
    assert "herons.md" in footnote(data_dir, "show", "herons.md").stdout


def test_deleting_twice_says_so_and_checks_again(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_in(data_dir, monkeypatch, ["Herons"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Herons (ana/herons.md)"
    assert "Deleted 1 document with 1 passage" in said[-2]
    assert said[-1].startswith("Checked: nothing of it is left")
    assert run_in(data_dir, monkeypatch, ["ana/herons.md"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "ana/herons.md: it was deleted before"
    assert said[-1].startswith("Checked")


def test_a_creator_is_deleted_on_a_terminal_only_when_it_is_confirmed(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with on_terminal(monkeypatch, "n\n"):
        assert run_in(data_dir, monkeypatch, [], "ana") == 1
    assert "Nothing was deleted." in capsys.readouterr().out
    assert "ana" in footnote(data_dir, "status").stdout
    with on_terminal(monkeypatch, "y\n"):
        assert run_in(data_dir, monkeypatch, [], "ana") == 0
    assert "Checked" in capsys.readouterr().out.splitlines()[-1]
    assert footnote(data_dir, "status").stdout.startswith("The library is empty.")


@contextmanager
def on_terminal(monkeypatch: pytest.MonkeyPatch, typed: str) -> Iterator[None]:
    """Standard input as a terminal on which something was typed."""
    ours, theirs = pty.openpty()
    os.write(ours, typed.encode())
    try:
        with os.fdopen(theirs) as terminal, monkeypatch.context() as patch:
            patch.setattr("sys.stdin", terminal)
            yield
    finally:
        os.close(ours)
