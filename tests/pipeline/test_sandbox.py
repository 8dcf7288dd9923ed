"""What is read in a child can harm neither the parent nor its neighbours, whatever the child does."""

import logging
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from backend.errors import ContentError
from backend.knowledge.exported import TokenCounter
from pipeline.cut import cut
from pipeline.expand.archive import extract
from pipeline.expand.feed import parse_feed
from pipeline.sandbox.functions import function_of
from pipeline.sandbox.limits import GIB, MIB, Limits
from pipeline.sandbox.pool import Pool
from pipeline.sandbox.reading import cut_document, is_credible
from pipeline.sandbox.worker import CRASHED
from pipeline.sources.parsed import NothingToRead
from tests.pipeline.children import SLOW, children, cut_in, reading, task_of, wait_until


@pytest.fixture
def own_pool(pool: Pool) -> Iterator[Pool]:
    """A pool whose children a test may end."""
    with Pool(2, pool.model) as own:
        yield own


def test_a_child_cuts_a_document_as_this_process_would(pool: Pool, tmp_path: Path) -> None:
    path = tmp_path / "rooms.md"
    path.write_text("---\ndate: 2025-03-01\n---\n\n# Rooms\n\nA small room rings – 響き.\n\n" + "It fills up. " * 200)
    task = task_of(path)
    made = cut_in(pool, task)
    assert made == cut(task, TokenCounter.load(pool.model).count_tokens)
    assert len(made.passages) > 2
    assert is_credible(made, task)


def test_a_child_reads_one_document_after_the_other(pool: Pool, tmp_path: Path) -> None:
    task = task_of(tmp_path / "a.md", "A small room rings.")
    with Pool(1, pool.model) as own:
        before = children().keys()
        for _ in range(5):
            cut_in(own, task)
            assert len(children().keys() - before) == 1


def test_bytes_that_are_no_text_reach_a_child_and_results_come_back(pool: Pool) -> None:
    feed = '<?xml version="1.0" encoding="iso-8859-1"?><rss><channel><title>Räume</title></channel></rss>'
    read = pool.submit("a feed", parse_feed, feed.encode("latin-1"), "https://a.example/feed")
    assert read.result().title == "Räume"


def test_an_archive_is_unpacked_by_a_child_of_its_own(own_pool: Pool, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "talks.zip", "w") as archive:
        archive.writestr("ana/a.md", "A small room rings.")
        archive.writestr("../b.md", "Out.")
    (tmp_path / "into").mkdir()
    before = children().keys()
    refused = own_pool.submit("talks.zip", extract, tmp_path / "talks.zip", tmp_path / "into").result()
    assert (tmp_path / "into/ana/a.md").read_text() == "A small room rings."
    assert [member.name for member in refused] == ["../b.md"]
    wait_until(lambda: children().keys() == before)


def test_only_functions_that_are_listed_run_in_a_child(pool: Pool) -> None:
    with pytest.raises(ValueError, match="posix:system"):
        pool.submit("a command", os.system, "true")
    with pytest.raises(ValueError, match="posix:system"):
        function_of("posix:system")


def test_a_child_has_a_gibibyte_no_core_dump_and_nothing_of_the_environment(
    own_pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_TIERS__FAST__API_KEY", "canary")
    before = children()
    cut_in(own_pool, task_of(tmp_path / "a.md", "A small room rings."))
    (child,) = (child for pid, child in children().items() if pid not in before)
    assert child.rlimit(psutil.RLIMIT_AS) == (GIB, GIB)
    assert child.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    assert child.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
    assert "canary" not in child.environ().values()


@pytest.mark.alone
def test_a_document_that_takes_too_long_is_refused_and_its_neighbours_are_not(pool: Pool, tmp_path: Path) -> None:
    with Pool(2, pool.model, Limits(seconds=2)) as hasty:
        started = time.monotonic()
        slow = hasty.submit("slow.md", cut_document, task_of(tmp_path / "slow.md", SLOW), pool.model)
        for _ in range(3):
            assert cut_in(hasty, task_of(tmp_path / "a.md", "A small room rings.")).passages
        with pytest.raises(ContentError, match=r"^It takes more than 2 seconds to read\.$"):
            slow.result()
        assert time.monotonic() - started < 4
        assert cut_in(hasty, task_of(tmp_path / "a.md", "A small room rings.")).passages


def test_a_document_that_takes_too_much_memory_is_refused_and_the_next_is_not(pool: Pool, tmp_path: Path) -> None:
    with Pool(1, pool.model, Limits(memory=256 * MIB)) as modest:
        with pytest.raises(ContentError, match=r"^It needs more than 0\.25 GiB of memory to read\.$"):
            cut_in(modest, task_of(tmp_path / "long.txt", "Gain staging. " * 4_500_000))
        assert cut_in(modest, task_of(tmp_path / "a.md", "A small room rings.")).passages


def test_a_document_with_too_long_an_answer_is_refused(pool: Pool, tmp_path: Path) -> None:
    with Pool(1, pool.model, Limits(answer=20_000)) as terse:
        with pytest.raises(ContentError, match="too much text"):
            cut_in(terse, task_of(tmp_path / "long.txt", "Gain staging is solved. " * 2000))
        assert cut_in(terse, task_of(tmp_path / "a.md", "A small room rings.")).passages


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_child_that_dies_at_work_costs_only_its_document(
    own_pool: Pool, tmp_path: Path, how: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    slow, child = reading(own_pool, task_of(tmp_path / "slow.md", SLOW))
    child.send_signal(how)
    with pytest.raises(ContentError) as refusal:
        slow.result(timeout=5)
    assert refusal.value.message == CRASHED
    assert f"code {-how}" in caplog.text
    assert cut_in(own_pool, task_of(tmp_path / "a.md", "A small room rings.")).passages


def test_a_child_that_dies_between_two_documents_costs_nothing(own_pool: Pool, tmp_path: Path) -> None:
    task = task_of(tmp_path / "a.md", "A small room rings.")
    cut_in(own_pool, task)
    wait_until(lambda: bool(own_pool._idle))
    child = psutil.Process(own_pool._idle[0].pid)
    child.kill()
    wait_until(lambda: child.status() == psutil.STATUS_ZOMBIE)
    assert cut_in(own_pool, task).passages


def test_an_error_that_nobody_expected_is_named_and_says_nothing_of_the_content(
    pool: Pool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    task = task_of(tmp_path / "a.md", "A canary rings.")
    with pytest.raises(ContentError) as refusal:
        pool.submit("a.md", cut_document, task, tmp_path / "canary").result()
    assert (
        refusal.value.message == "It could not be read (ConfigurationError); ingest.log in the data folder says more."
    )
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("a.md could not be read: ConfigurationError ")
    assert "backend.knowledge.exported.load:" in record.getMessage()
    assert "canary" not in record.getMessage()


def test_nothing_to_read_is_told_from_a_failure(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(NothingToRead, match="only points to another page"):
        cut_in(pool, task_of(tmp_path / "old.md", "---\nredirect: /new\n---\n"))


def test_a_name_that_is_no_text_is_refused(pool: Pool, tmp_path: Path) -> None:
    path = Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.md"))
    with pytest.raises(ContentError, match="rename it"):
        cut_in(pool, task_of(path, "A small room rings."))


def test_an_answer_in_the_name_of_another_document_is_not_believed(pool: Pool, tmp_path: Path) -> None:
    task = task_of(tmp_path / "a.md", "A small room rings.")
    made = cut_in(pool, task)
    (passage,) = made.passages
    other = cut_in(pool, task_of(tmp_path / "b.md", "Another room."))
    assert not is_credible(other, task)
    assert not is_credible(replace(made, document=other.document), task)
    assert not is_credible(replace(made, passages=(replace(passage, text="Another text."),)), task)
    assert not is_credible(replace(made, passages=other.passages), task)
    assert not is_credible(made, replace(task, document_id=other.document.id))


def test_children_end_with_their_parent_even_in_the_middle_of_a_document(pool: Pool, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from tests.pipeline.children import reading, task_of\nfrom pipeline.sandbox.pool import Pool\n"
        f"pool = Pool(1, Path({str(pool.model)!r}))\n"
        f"print(reading(pool, task_of(Path({str(tmp_path / 'slow.md')!r})))[1].pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    (tmp_path / "slow.md").write_text(SLOW)
    root = Path(__file__).parent.parent.parent
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.status() != psutil.STATUS_ZOMBIE
        parent.kill()
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.alone
def test_closing_the_pool_ends_children_at_work_at_once(pool: Pool, tmp_path: Path) -> None:
    own = Pool(1, pool.model)
    slow, child = reading(own, task_of(tmp_path / "slow.md", SLOW))
    queued = own.submit("a.md", cut_document, task_of(tmp_path / "a.md", "A room."), pool.model)
    started = time.monotonic()
    own.close()
    assert time.monotonic() - started < 1
    assert not child.is_running()
    with pytest.raises(ContentError):
        slow.result(timeout=0)
    with pytest.raises(CancelledError):
        queued.result(timeout=0)


def test_stopping_one_call_leaves_the_others(own_pool: Pool, tmp_path: Path) -> None:
    slow, child = reading(own_pool, task_of(tmp_path / "slow.md", SLOW))
    own_pool.stop([slow])
    other = cut_in(own_pool, task_of(tmp_path / "a.md", "A small room rings."))
    assert other.passages
    wait_until(lambda: not child.is_running())
