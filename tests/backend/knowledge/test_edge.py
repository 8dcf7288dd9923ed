"""The embedded index: generations that survive kills, several processes, and disks that refuse."""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import pytest

from backend.errors import ConfigurationError, Unavailable
from backend.knowledge.disk import copy_sparse, occupied
from backend.knowledge.edge import EdgeIndex
from backend.knowledge.edge_writer import EdgeIndexWriter
from backend.knowledge.models import Scope
from tests.backend.knowledge.publisher import CHUNKS_A_DOCUMENT, MODEL, document


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
async def index(folder: Path) -> AsyncIterator[EdgeIndex]:
    reader = EdgeIndex(folder)
    yield reader
    await reader.close()


async def publish(folder: Path, *documents: int) -> None:
    async with EdgeIndexWriter(folder).publication(MODEL) as publication:
        for number in documents:
            await publication.upsert(document(number))


def generations(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "generations").iterdir())


@contextmanager
def process(task: str, folder: Path, *numbers: int) -> Iterator[subprocess.Popen[str]]:
    """Another process at the same index, killed when the block ends."""
    command = [sys.executable, "-m", "tests.backend.knowledge.publisher", task, str(folder), *map(str, numbers)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def said(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def tell(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()


async def test_a_writer_killed_with_its_changes_made_leaves_the_old_generation(folder: Path, index: EdgeIndex) -> None:
    await publish(folder, 1)
    with process("publish", folder, 2, 3) as child:
        assert said(child) == "changed"
        assert (folder / "draft").exists()
    assert await index.count(Scope()) == CHUNKS_A_DOCUMENT
    await publish(folder, 4)
    assert await index.count(Scope()) == 2 * CHUNKS_A_DOCUMENT
    assert not (folder / "draft").exists()


@pytest.mark.parametrize("delay_s", [0.0, 0.013, 0.029, 0.071])
async def test_a_writer_killed_at_any_moment_leaves_one_whole_generation(
    folder: Path, index: EdgeIndex, delay_s: float
) -> None:
    with process("publish-for-ever", folder, 1) as child:
        for _ in range(3):
            assert said(child) == "published"
        await asyncio.sleep(delay_s)
        child.kill()
        published = 3 + len(child.communicate()[0].split())
    count = await index.count(Scope())
    assert count in (published * CHUNKS_A_DOCUMENT, (published + 1) * CHUNKS_A_DOCUMENT)
    found = await index.search(MODEL, document(1)[0].dense, document(1)[0].sparse, Scope(), 1000)
    assert len(found.dense) == len(found.lexical) == count
    await publish(folder, 99_999)
    assert await index.count(Scope()) == count + CHUNKS_A_DOCUMENT


async def test_a_generation_that_never_became_current_is_cleared_away(folder: Path, index: EdgeIndex) -> None:
    await publish(folder, 1)
    copy_sparse(folder / "generations" / "0001", folder / "generations" / "0002")
    (folder / "CURRENT.new").write_text("0002\n")
    assert await index.count(Scope()) == CHUNKS_A_DOCUMENT
    await publish(folder, 2)
    assert generations(folder) == ["0001", "0002"]
    assert await index.count(Scope()) == 2 * CHUNKS_A_DOCUMENT


@pytest.mark.parametrize("note", [b"", b"\xff\xfe\x00", b"latest\n"])
async def test_where_it_is_not_said_which_generation_answers_the_newest_does(folder: Path, note: bytes) -> None:
    await publish(folder, 1)
    await publish(folder, 2)
    (folder / "CURRENT").write_bytes(note)
    index = EdgeIndex(folder)
    assert await index.count(Scope()) == 2 * CHUNKS_A_DOCUMENT
    await publish(folder, 3)
    assert await index.count(Scope()) == 3 * CHUNKS_A_DOCUMENT
    assert generations(folder) == ["0002", "0003"]
    await index.close()


async def test_several_processes_read_a_generation_while_another_is_published(folder: Path, index: EdgeIndex) -> None:
    await publish(folder, 1)
    with process("read", folder) as one, process("read", folder) as two:
        for documents in range(1, 5):
            for reader in (one, two):
                tell(reader)
                assert said(reader) == str(documents * CHUNKS_A_DOCUMENT)
            assert await index.count(Scope()) == documents * CHUNKS_A_DOCUMENT
            await publish(folder, documents + 1)


async def test_a_second_writer_is_refused_until_the_first_has_finished(folder: Path, index: EdgeIndex) -> None:
    with process("publish", folder, 1) as child:
        assert said(child) == "changed"
        with pytest.raises(Unavailable, match="Another process is publishing"):
            await publish(folder, 2)
        tell(child)
        assert said(child) == "published"
    await publish(folder, 2)
    assert await index.count(Scope()) == 2 * CHUNKS_A_DOCUMENT


async def test_a_publication_that_changes_nothing_makes_no_generation(folder: Path) -> None:
    await publish(folder)
    assert not (folder / "CURRENT").exists()
    await publish(folder, 1)
    await publish(folder)
    async with EdgeIndexWriter(folder).publication(MODEL) as publication:
        await publication.remove_documents([UUID(int=77)])
        await publication.upsert([])
    assert generations(folder) == ["0001"]
    assert not (folder / "draft").exists()


async def test_a_publication_that_fails_publishes_nothing(folder: Path, index: EdgeIndex) -> None:
    await publish(folder, 1)

    async def fail() -> None:
        async with EdgeIndexWriter(folder).publication(MODEL) as publication:
            await publication.upsert(document(2))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await index.count(Scope()) == CHUNKS_A_DOCUMENT
    assert not (folder / "draft").exists()


async def test_a_cancelled_publication_publishes_nothing_and_frees_the_lock(folder: Path, index: EdgeIndex) -> None:
    await publish(folder, 1)

    async def never_ends() -> None:
        async with EdgeIndexWriter(folder).publication(MODEL) as publication:
            while True:
                await publication.upsert(document(2))

    task = asyncio.create_task(never_ends())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await index.count(Scope()) == CHUNKS_A_DOCUMENT
    await publish(folder, 3)


async def test_the_last_two_generations_are_kept(folder: Path, index: EdgeIndex) -> None:
    for number in range(1, 6):
        await publish(folder, number)
    assert generations(folder) == ["0004", "0005"]
    assert await index.count(Scope()) == 5 * CHUNKS_A_DOCUMENT


async def test_a_reader_whose_generation_was_removed_moves_on(folder: Path, index: EdgeIndex) -> None:
    await publish(folder, 1)
    assert await index.count(Scope()) == CHUNKS_A_DOCUMENT
    for number in range(2, 6):
        await publish(folder, number)
    assert await index.count(Scope()) == 5 * CHUNKS_A_DOCUMENT


async def test_a_damaged_generation_leaves_the_one_before_it_answering(folder: Path, index: EdgeIndex) -> None:
    await publish(folder, 1)
    assert await index.count(Scope()) == CHUNKS_A_DOCUMENT
    (folder / "CURRENT").write_text("0009\n")
    assert await index.count(Scope()) == CHUNKS_A_DOCUMENT
    fresh = EdgeIndex(folder)
    assert not await fresh.ready()
    with pytest.raises(Unavailable, match="cannot be opened"):
        await fresh.count(Scope())
    await fresh.close()


async def test_an_index_that_is_removed_under_a_reader_is_empty_until_the_next_publication(
    folder: Path, index: EdgeIndex
) -> None:
    await publish(folder, 1, 2)
    assert await index.count(Scope()) == 2 * CHUNKS_A_DOCUMENT
    shutil.rmtree(folder)
    assert await index.count(Scope()) == 0
    await publish(folder, 3)
    assert await index.count(Scope()) == CHUNKS_A_DOCUMENT


@pytest.mark.alone
async def test_a_search_is_quick_enough_for_the_event_loop(folder: Path, index: EdgeIndex) -> None:
    await publish(folder, *range(1, 41))
    point = document(1)[0]
    await index.search(MODEL, point.dense, point.sparse, Scope(), 50)
    begun = time.perf_counter()
    for _ in range(20):
        await index.search(MODEL, point.dense, point.sparse, Scope(), 50)
    assert (time.perf_counter() - begun) / 20 < 0.05


async def test_the_engine_searches_on_a_single_thread(folder: Path, index: EdgeIndex) -> None:
    def threads() -> set[str]:
        found = set()
        for task in Path("/proc/self/task").iterdir():
            with suppress(OSError):  # it has just ended
                if (task / "comm").read_text().startswith("edge-search"):
                    found.add(task.name)
        return found

    await publish(folder, 1)
    before = threads()
    assert await index.count(Scope()) == CHUNKS_A_DOCUMENT
    assert len(threads() - before) == 1


def test_a_copy_keeps_the_holes_and_every_byte(tmp_path: Path) -> None:
    source = tmp_path / "source" / "deep"
    source.mkdir(parents=True)
    with (source / "sparse").open("wb") as file:
        file.truncate(50_000_000)
        for position in (0, 8192, 30_000_000):
            file.seek(position)
            file.write(b"data")
    (source / "full").write_bytes(bytes(range(256)) * 5000)
    (source / "empty").touch()
    copy_sparse(tmp_path / "source", tmp_path / "copy")
    for name in ("sparse", "full", "empty"):
        assert (tmp_path / "copy" / "deep" / name).read_bytes() == (source / name).read_bytes()
    assert occupied(tmp_path / "copy") < 3_000_000


@contextmanager
def small_disk(folder: Path, megabytes: int, options: str = "") -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m{options}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mounting, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine does not let us mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_a_full_disk_is_one_sentence_and_the_old_generation_answers(tmp_path: Path) -> None:
    with small_disk(tmp_path / "data", 200):
        folder = tmp_path / "data" / "index"
        index = EdgeIndex(folder)
        await publish(folder, 1)
        assert await index.count(Scope()) == CHUNKS_A_DOCUMENT
        with (tmp_path / "data" / "ballast").open("wb") as ballast:
            ballast.write(bytes(shutil.disk_usage(folder).free - 30_000_000))
        with pytest.raises(ConfigurationError, match="The data folder is full"):
            await publish(folder, 2)
        assert await index.count(Scope()) == CHUNKS_A_DOCUMENT
        await index.close()


async def test_a_read_only_disk_is_one_sentence(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "data", 100, ",ro"),
        pytest.raises(ConfigurationError, match=r"cannot be written .*read-only file system"),
    ):
        await publish(tmp_path / "data" / "index", 1)


@pytest.mark.parametrize("file", ["payload_index/*-null/has_values/status.dat", "segment.json"])
async def test_damaged_files_make_the_index_unavailable_and_nothing_else(
    folder: Path, index: EdgeIndex, file: str
) -> None:
    await publish(folder, 1)
    damaged = list((folder / "generations").rglob(file))
    assert damaged
    for path in damaged:
        path.write_bytes(path.read_bytes()[:1])
    with pytest.raises(Unavailable, match="footnote doctor"):
        await index.count(Scope())
    assert not await index.ready()
