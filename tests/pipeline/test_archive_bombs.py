"""Archives that are small and would become large."""

import os
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from backend.errors import ContentError
from pipeline.expand.archive import MAX_DIRECTORY_BYTES, MAX_MEMBERS, extract, extract_at_most
from tests.pipeline.zipped import WORDS, found_in, make


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    folder = tmp_path / "deep" / "unpacked"
    folder.mkdir(parents=True)
    return folder


def test_a_member_that_unpacks_to_absurdly_much_is_refused_without_unpacking_it(tmp_path: Path, unpacked: Path) -> None:
    archive = make(tmp_path / "a.zip", ("bomb.txt", b"word " * 2_000_000), ("fine.md", WORDS))
    assert archive.stat().st_size < 50_000
    (refused,) = extract(archive, unpacked)
    assert "as a bomb does" in refused.reason
    assert found_in(unpacked) == ["fine.md"]


def declare(archive: Path, size: int) -> None:
    """Lets the first member's entries say that it unpacks to `size` bytes."""
    content = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.index(signature) + offset
        content[place : place + 4] = struct.pack("<I", size)
    archive.write_bytes(content)


@pytest.mark.parametrize(
    ("declared", "reason"),
    [(1000, "damaged"), (10_000_001, "damaged"), (300 * 2**20, "larger than 256 MiB"), (2**32 - 2, "larger than")],
)
def test_a_member_that_lies_about_its_size_is_refused(
    declared: int, reason: str, tmp_path: Path, unpacked: Path
) -> None:
    archive = make(tmp_path / "a.zip", ("liar.txt", os.urandom(200_000).hex().encode() * 25), ("fine.md", WORDS))
    declare(archive, declared)
    (refused,) = extract(archive, unpacked)
    assert reason in refused.reason
    assert found_in(unpacked) == ["fine.md"]


def test_members_that_share_their_bytes_are_refused(tmp_path: Path, unpacked: Path) -> None:
    """A list of a thousand names, all of which lead to one member: small as a file, a thousand times as large after."""
    archive = make(tmp_path / "a.zip", ("alone.md", WORDS), ("a000.txt", os.urandom(50_000).hex().encode()))
    content = archive.read_bytes()
    begin = content.index(b"PK\x01\x02")
    first = content.index(b"PK\x01\x02", begin + 4)
    end = content.index(b"PK\x05\x06")
    entry = content[first:end]
    entries = b"".join(entry.replace(b"a000", b"%04d" % number) for number in range(1000))
    directory = content[begin:first] + entries
    closing = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1001, 1001, len(directory), begin, 0)
    archive.write_bytes(content[:begin] + directory + closing)
    refused = extract(archive, unpacked)
    assert len(refused) == 1000
    assert {member.reason for member in refused} == {"It shares its bytes with another member, as in a bomb."}
    assert found_in(unpacked) == ["alone.md"]


def test_a_member_that_begins_within_another_is_refused_with_it(tmp_path: Path, unpacked: Path) -> None:
    """The bomb that quotes: each member's data contains the next member whole."""
    inner = make(tmp_path / "inner.zip", ("b.txt", WORDS), method=zipfile.ZIP_STORED).read_bytes()
    member = inner[: inner.index(b"PK\x01\x02")]
    archive = make(tmp_path / "a.zip", ("a.txt", member), ("fine.md", WORDS), method=zipfile.ZIP_STORED)
    content = archive.read_bytes()
    place = content.index(member)
    begin, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    entry = bytearray(inner[inner.index(b"PK\x01\x02") : inner.index(b"PK\x05\x06")])
    entry[42:46] = struct.pack("<I", place)
    directory = content[begin:end] + bytes(entry)
    closing = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 3, 3, len(directory), begin, 0)
    archive.write_bytes(content[:begin] + directory + closing)
    assert sorted(member.name for member in extract(archive, unpacked)) == ["a.txt", "b.txt"]
    assert found_in(unpacked) == ["fine.md"]


def test_an_archive_beyond_all_measure_is_taken_as_far_as_the_limit(tmp_path: Path, unpacked: Path) -> None:
    part = os.urandom(50_000).hex().encode()
    archive = make(tmp_path / "a.zip", *((f"{number}.txt", part) for number in range(4)), ("small.md", WORDS))
    refused = extract_at_most(250_000, archive, unpacked)
    assert [member.name for member in refused] == ["2.txt", "3.txt"]
    assert found_in(unpacked) == ["0.txt", "1.txt", "small.md"]


def test_too_many_members_are_refused_as_a_whole(tmp_path: Path, unpacked: Path) -> None:
    archive = make(tmp_path / "a.zip", *((f"{number}.md", b"") for number in range(MAX_MEMBERS + 1)))
    with pytest.raises(ContentError, match="more than 10,000 files"):
        extract(archive, unpacked)


def test_a_list_of_members_without_end_is_not_read(tmp_path: Path, unpacked: Path) -> None:
    entry = make(tmp_path / "one.zip", ("x.md", b"")).read_bytes()
    entry = entry[entry.index(b"PK\x01\x02") : entry.index(b"PK\x05\x06")]
    directory = entry * 400_000
    archive = tmp_path / "a.zip"
    archive.write_bytes(directory + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), 0, 0))
    tracemalloc.start()
    try:
        with pytest.raises(ContentError, match="absurdly long"):
            extract(archive, unpacked)
        assert tracemalloc.get_traced_memory()[1] < 8 * MAX_DIRECTORY_BYTES
    finally:
        tracemalloc.stop()


def test_a_large_member_is_never_held_in_memory(tmp_path: Path, unpacked: Path) -> None:
    archive = make(tmp_path / "a.zip", ("a.txt", os.urandom(5_000_000).hex().encode()))
    tracemalloc.start()
    try:
        assert extract(archive, unpacked) == []
        assert tracemalloc.get_traced_memory()[1] < 1.5 * MAX_DIRECTORY_BYTES < 10_000_000
    finally:
        tracemalloc.stop()
    assert (unpacked / "a.txt").stat().st_size == 10_000_000
