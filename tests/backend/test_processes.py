"""The memory and the cores of this process."""

import ctypes
import mmap
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy
import pytest

from backend import processes
from backend.knowledge.edge import EdgeIndex
from backend.knowledge.edge_writer import EdgeIndexWriter
from backend.knowledge.models import Scope
from backend.processes import cores_of_share, let_go_of_pages, usable_cores
from tests.backend.knowledge.publisher import CHUNKS_A_DOCUMENT, MODEL, document
from tests.resident import resident_bytes

MEGABYTE = 1 << 20


def test_pages_that_are_let_go_come_back_with_what_they_hold(tmp_path: Path) -> None:
    ours, others = tmp_path / "a library" / "vectors", tmp_path / "others"
    ours.parent.mkdir()
    with ExitStack() as stack:
        for path in (ours, others):
            path.write_bytes(b"\x07" * MEGABYTE)
        mapped, left_alone = (
            stack.enter_context(mmap.mmap(stack.enter_context(path.open("r+b")).fileno(), 0)) for path in (ours, others)
        )
        assert mapped[:] == left_alone[:]
        mapped[5] = 9
        assert (resident_bytes(ours), resident_bytes(others)) == (MEGABYTE, MEGABYTE)
        let_go_of_pages(ours.parent)
        assert (resident_bytes(ours), resident_bytes(others)) == (0, MEGABYTE)
        assert mapped[:] == b"\x07" * 5 + b"\x09" + b"\x07" * (MEGABYTE - 6)
    assert ours.read_bytes()[5] == 9


def test_what_only_this_process_has_written_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"\x07" * MEGABYTE)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as copied:
        copied[:] = b"\x09" * MEGABYTE
        let_go_of_pages(tmp_path)
        assert copied[:] == b"\x09" * MEGABYTE
        forbid_writing(copied)  # as the linker does with the addresses that it has filled in
        let_go_of_pages(tmp_path)
        assert copied[:] == b"\x09" * MEGABYTE
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ) as read:
        assert (read[:], resident_bytes(path)) == (b"\x07" * MEGABYTE, MEGABYTE)
        let_go_of_pages(tmp_path)
        assert resident_bytes(path) == 0


def forbid_writing(mapped: mmap.mmap) -> None:
    first = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(first), ctypes.c_size_t(len(mapped)), mmap.PROT_READ) == 0


def test_the_code_of_libraries_is_read_again_when_it_is_called() -> None:
    everything = Path("/")
    before = resident_bytes(everything)
    let_go_of_pages()
    assert resident_bytes(everything) < before - 10 * MEGABYTE  # of 28 to 190, by what else has been loaded
    assert numpy.linalg.inv(2 * numpy.eye(3)).trace() == 1.5


async def test_an_index_takes_no_memory_for_the_room_it_has_to_grow(tmp_path: Path) -> None:
    async with EdgeIndexWriter(tmp_path).publication(MODEL) as publication:
        await publication.upsert(document(1))
    index = EdgeIndex(tmp_path)
    assert await index.ready()
    assert resident_bytes(tmp_path) < MEGABYTE
    assert await index.count(Scope()) == CHUNKS_A_DOCUMENT
    assert await index.passages(document(1)[0].chunk.document_id, 0, 1)
    assert 0 < resident_bytes(tmp_path) < MEGABYTE
    await index.close()


@pytest.mark.parametrize(
    ("share", "cores"),
    [
        ("max 100000\n", None),
        ("100000 100000\n", 1),
        ("50000 100000\n", 1),
        ("150000 100000\n", 2),
        ("400000 50000", 8),
    ],
)
def test_a_share_of_the_cores_is_told_in_whole_ones(share: str, cores: int | None) -> None:
    assert cores_of_share(share) == (cores or sys.maxsize)


def test_the_share_of_a_container_bounds_the_cores_that_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "CPU_SHARE", tmp_path / "cpu.max")
    all_of_them = usable_cores()  # there is no such file
    for share, cores in (("max 100000\n", all_of_them), ("100000 100000\n", 1), ("99900000 100000\n", all_of_them)):
        (tmp_path / "cpu.max").write_text(share)
        assert usable_cores() == cores
    (tmp_path / "cpu.max").write_text("")
    assert usable_cores() == all_of_them
