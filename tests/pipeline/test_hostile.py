"""Files made to harm whoever reads them end within their limits, with a reason, and the next document is read."""

import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from backend.errors import ContentError
from pipeline.sandbox.limits import MIB
from pipeline.sandbox.pool import Pool
from tests.pipeline.children import cut_in, task_of
from tests.pipeline.hostile import QUICK_FILES, Hostile


@pytest.fixture(scope="module")
def one_child(pool: Pool) -> Iterator[Pool]:
    with Pool(1, pool.model) as own:
        yield own


def reason_of(pool: Pool, path: Path) -> str | None:
    """Why the document is refused, if it is; whatever it is, it ends in time and the next document is read."""
    started = time.monotonic()
    try:
        made = cut_in(pool, task_of(path))
        assert not any("root:" in passage.text for passage in made.passages)
        reason = None
    except ContentError as error:
        reason = error.message
    assert time.monotonic() - started < 30
    assert cut_in(pool, task_of(path.with_name("next.md"), "A small room rings.")).passages
    return reason


@pytest.mark.parametrize("file", QUICK_FILES, ids=lambda file: file.name)
def test_a_hostile_file_ends_with_its_text_or_a_reason(one_child: Pool, tmp_path: Path, file: Hostile) -> None:
    path = tmp_path / file.name
    path.write_bytes(file.content)
    reason = reason_of(one_child, path)
    assert (reason is None) == (file.reason is None), reason
    assert file.reason is None or re.search(file.reason, reason or ""), reason


@pytest.mark.parametrize(
    ("name", "head", "size", "reason"),
    [
        ("one word.txt", b"w" * 5000, 10**9, "larger than 64 MiB"),
        ("one line.srt", b"1\n00:00:01,000 --> 00:00:02,000\nword", 3 * 10**8, "larger than 64 MiB"),
        ("pictures.pdf", b"%PDF-1.7\n", 3 * 10**8, "larger than 256 MiB"),
        ("of no kind.bin", b"\0", 10**9, "larger than 64 MiB"),
    ],
)
def test_a_file_of_absurd_size_is_refused_unread(
    one_child: Pool, tmp_path: Path, name: str, head: bytes, size: int, reason: str
) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    before = psutil.Process().memory_info().rss
    started = time.monotonic()
    assert reason in (reason_of(one_child, path) or "")
    assert time.monotonic() - started < 5
    assert psutil.Process().memory_info().rss - before < 50 * MIB


def test_what_is_no_file_is_refused_without_waiting_for_it(one_child: Pool, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "zeros.md").symlink_to("/dev/zero")
    (tmp_path / "folder.md").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.md"))
        for name in ("pipe.md", "zeros.md", "folder.md", "socket.md"):
            started = time.monotonic()
            assert reason_of(one_child, tmp_path / name) == "It is not a regular file."
            assert time.monotonic() - started < 5
    (tmp_path / "nowhere.md").symlink_to("gone")
    assert reason_of(one_child, tmp_path / "nowhere.md") == "The file cannot be read."
