"""What is taken out of a ZIP archive, and what is refused."""

import io
import os
import stat
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.errors import ContentError
from pipeline.expand.archive import Refused, extract
from tests.pipeline.zipped import WORDS, found_in, make


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    folder = tmp_path / "deep" / "unpacked"
    folder.mkdir(parents=True)
    return folder


def test_members_lie_in_the_folder_as_they_did_in_the_archive(tmp_path: Path, unpacked: Path) -> None:
    archive = make(
        tmp_path / "a.zip",
        ("ana/creator.yaml", b"slug: ana\nname: Ana\n"),
        ("ana/talks/one.vtt", b"WEBVTT\n"),
        ("ana/talks/one.info.json", b"{}"),
        ("ana/ünïcode 日本.md", WORDS * 5000),
        ("empty/", b""),
    )
    assert extract(archive, unpacked) == []
    assert found_in(unpacked) == [
        "ana/creator.yaml",
        "ana/talks/one.info.json",
        "ana/talks/one.vtt",
        "ana/ünïcode 日本.md",
    ]
    assert (unpacked / "ana/ünïcode 日本.md").read_bytes() == WORDS * 5000


def linked(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (mode | 0o777) << 16
    return info


def shortened(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x.md")
    info.filename = name
    return info


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../above.md", "leads out"),
        ("a/../../above.md", "leads out"),
        ("a/..", "leads out"),
        ("../../../../../../tmp/above.md", "leads out"),
        ("/tmp/absolute.md", "leads out"),
        ("//server/share.md", "leads out"),
        ("C:/windows.md", "leads out"),
        ("c:relative.md", "leads out"),
        ("..\\above.md", "backslash"),
        ("a\\b.md", "backslash"),
        ("new\nline.md", "cannot be kept"),
        ("bell\x07.md", "cannot be kept"),
        ("reversed\u202edm.exe.md", "cannot be kept"),
        ("n" * 300 + ".md", "absurdly long"),
        ("d/" * 40 + "deep.md", "absurdly long"),
        ("/".join(["d" * 200] * 6) + "/long.md", "absurdly long"),
        ("film.mp4", ".mp4 is not a kind that is read"),
        ("program", "A file without a suffix is not a kind"),
    ],
)
def test_a_name_that_is_dangerous_or_of_no_use_is_refused_and_its_neighbours_are_not(
    name: str, reason: str, tmp_path: Path, unpacked: Path
) -> None:
    archive = make(tmp_path / "a.zip", ("before.md", WORDS), (shortened(name), WORDS), ("after.md", WORDS))
    (refused,) = extract(archive, unpacked)
    assert reason in refused.reason
    assert refused.name.isprintable()
    assert len(refused.name) < 1000
    assert found_in(unpacked) == ["after.md", "before.md"]
    assert found_in(tmp_path) == ["a.zip", "deep/unpacked/after.md", "deep/unpacked/before.md"]


def test_a_name_that_hides_its_end_behind_a_null_is_refused(tmp_path: Path, unpacked: Path) -> None:
    archive = make(tmp_path / "a.zip", ("good_md_exe", WORDS), ("fine.md", WORDS))
    archive.write_bytes(archive.read_bytes().replace(b"good_md_exe", b"good.md\0exe"))
    (refused,) = extract(archive, unpacked)
    assert refused == Refused("good.md\\x00exe", "Its name has characters that cannot be kept.")
    assert found_in(unpacked) == ["fine.md"]


def test_names_in_utf8_that_are_not_marked_as_such_are_read_and_others_refused(tmp_path: Path, unpacked: Path) -> None:
    archive = make(tmp_path / "a.zip", ("aaaa.md", WORDS), ("bbbb.md", WORDS), ("fine.md", WORDS))
    content = archive.read_bytes().replace(b"aaaa", "äö".encode()).replace(b"bbbb", b"b\xe4\xf6b")
    archive.write_bytes(content)
    (refused,) = extract(archive, unpacked)
    assert refused.reason == "Its name is not UTF-8."
    assert found_in(unpacked) == ["fine.md", "äö.md"]


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_links_and_devices_are_refused(mode: int, tmp_path: Path, unpacked: Path) -> None:
    archive = make(
        tmp_path / "a.zip",
        (linked("link.md", mode), b"/etc/passwd"),
        (linked("folder", mode), b"/tmp"),
        ("folder/inside.md", WORDS),
    )
    refused = extract(archive, unpacked)
    assert [member.reason for member in refused] == ["It is a link or a device, not a file."] * 2
    assert found_in(unpacked) == ["folder/inside.md"]
    assert not (unpacked / "folder").is_symlink()


def test_of_members_with_one_name_the_first_is_taken(tmp_path: Path, unpacked: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        archive = make(
            tmp_path / "a.zip",
            ("a.md", b"first"),
            ("a.md", b"second"),
            ("./a.md", b"third"),
            ("a.md/b.md", b"inside a file"),
            ("d/c.md", WORDS),
            ("d", b"# a file where a folder is"),
        )
    refused = extract(archive, unpacked)
    assert [member.name for member in refused] == ["a.md", "./a.md", "a.md/b.md", "d"]
    assert {member.reason for member in refused[:3]} == {"Another member has its name."}
    assert (unpacked / "a.md").read_bytes() == b"first"


def test_hidden_files_and_those_of_macos_are_passed_over(tmp_path: Path, unpacked: Path) -> None:
    archive = make(
        tmp_path / "a.zip",
        ("__MACOSX/._a.md", b"\0\5"),
        (".git/config.md", WORDS),
        ("a/.DS_Store", b"\0"),
        ("a/a.md", WORDS),
    )
    assert extract(archive, unpacked) == []
    assert found_in(unpacked) == ["a/a.md"]


def test_an_encrypted_member_is_refused(tmp_path: Path, unpacked: Path) -> None:
    archive = make(tmp_path / "a.zip", ("a.md", WORDS), ("b.md", WORDS))
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the first member's flags in the list
    archive.write_bytes(content)
    (refused,) = extract(archive, unpacked)
    assert "encrypted" in refused.reason
    assert found_in(unpacked) == ["b.md"]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_packing_whose_memory_nobody_bounds_is_refused(method: int, tmp_path: Path, unpacked: Path) -> None:
    (refused,) = extract(make(tmp_path / "a.zip", ("a.md", WORDS), method=method), unpacked)
    assert "packed in a way" in refused.reason


def test_an_archive_within_an_archive_is_refused_whatever_it_is_called(tmp_path: Path, unpacked: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.md", WORDS)
    nested = inner.getvalue()
    outer = make(tmp_path / "a.zip", ("inner.zip", nested), ("inner.md", nested), ("letter.docx", nested))
    refused = extract(outer, unpacked)
    assert [member.name for member in refused] == ["inner.zip", "inner.md"]
    assert found_in(unpacked) == ["letter.docx"]


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def without_a_list(content: bytes) -> bytes:
    return content[: content.index(b"PK\x01\x02")]


@pytest.mark.parametrize("damage", [truncated, without_a_list, lambda content: b"", lambda content: b"PK\x05\x06"])
def test_a_damaged_archive_is_refused(damage: Callable[[bytes], bytes], tmp_path: Path, unpacked: Path) -> None:
    archive = make(tmp_path / "a.zip", ("a.md", WORDS), ("b.md", WORDS))
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(ContentError, match="damaged"):
        extract(archive, unpacked)


def test_a_damaged_member_is_refused_and_leaves_nothing(tmp_path: Path, unpacked: Path) -> None:
    archive = make(tmp_path / "a.zip", ("a.txt", os.urandom(100_000).hex().encode()), ("fine.md", WORDS))
    content = bytearray(archive.read_bytes())
    content[80_000] ^= 0xFF
    archive.write_bytes(content)
    assert extract(archive, unpacked) == [Refused("a.txt", "It is damaged.")]
    assert found_in(unpacked) == ["fine.md"]


def test_no_change_of_a_byte_breaks_out(tmp_path: Path, unpacked: Path) -> None:
    """Whatever is written into the archive's own records, the answer is a reason, and every file lies in the folder."""
    archive = make(tmp_path / "a.zip", ("a.md", WORDS), ("../b.md", WORDS))
    content = archive.read_bytes()
    began = time.monotonic()
    for place in range(len(content)):
        for value in (0x00, 0xFF, content[place] ^ 0x01):
            archive.write_bytes(content[:place] + bytes([value]) + content[place + 1 :])
            folder = unpacked / f"{place}-{value}"
            folder.mkdir(exist_ok=True)
            try:
                extract(archive, folder)
            except ContentError:
                continue
        if time.monotonic() - began > 10:
            break
    outside = [path for path in found_in(tmp_path) if not path.startswith("deep/unpacked/")]
    assert outside == ["a.zip"]
