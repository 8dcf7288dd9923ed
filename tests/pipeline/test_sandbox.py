"""What is read in a child can harm neither the parent nor its neighbours, whatever the child does."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from backend.errors import ContentError
from backend.knowledge.exported import TokenCounter
from pipeline.cut import Cut, cut
from pipeline.expand.archive import extract
from pipeline.expand.feed import parse_feed
from pipeline.sandbox.functions import function_of
from pipeline.sandbox.limits import GIB, MIB, Limits, can_reach_network
from pipeline.sandbox.pool import Pool, network_is_blocked
from pipeline.sandbox.reading import cut_document, is_credible
from pipeline.sandbox.wire import HEAD, Head, frame
from pipeline.sandbox.worker import CRASHED, Worker
from pipeline.source import Request, Source, Task
from pipeline.sources.parsed import NothingToRead

SLOW = "Gain staging is mostly solved.\n\n" * 300_000  # some ten seconds' work


def task_of(path: Path, text: str | None = None) -> Task:
    if text is not None:
        path.write_text(text)
    return Task(Source(path, path.name, str(path), Request(str(path)), creator="ana"))


def children() -> dict[int, psutil.Process]:
    """The children of this process that read documents."""
    found = psutil.Process().children()
    return {child.pid: child for child in found if "pipeline.sandbox.child" in child.cmdline()}


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def reading(pool: Pool, task: Task) -> tuple[Future[Cut], psutil.Process]:
    """A document that a child of its own has begun to read."""
    before = children()
    future = pool.submit(task.source.origin, cut_document, task, pool.model)
    wait_until(lambda: bool(children().keys() - before.keys()))
    (child,) = (child for pid, child in children().items() if pid not in before)
    wait_until(lambda: child.cpu_times().user > 0.5)
    return future, child


@pytest.fixture
def own_pool(pool: Pool) -> Iterator[Pool]:
    """A pool whose children a test may end."""
    with Pool(2, pool.model) as own:
        yield own


def cut_in(pool: Pool, task: Task) -> Cut:
    return pool.submit(task.source.origin, cut_document, task, pool.model).result()


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


def test_reading_has_no_network_and_this_process_has(pool: Pool) -> None:
    assert can_reach_network()
    assert network_is_blocked()
    assert not pool.submit("the network", can_reach_network).result()


def test_only_functions_that_are_listed_run_in_a_child(pool: Pool) -> None:
    with pytest.raises(ValueError, match="posix:system"):
        pool.submit("a command", os.system, "true")
    with pytest.raises(ValueError, match="posix:system"):
        function_of("posix:system")


ESCAPES = """
import ctypes, json, mmap, os, resource, signal, socket, sys, threading
from pathlib import Path
from pipeline.sandbox.limits import Limits, lock_down

folder, parent = Path(sys.argv[1]), int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)

def system_call(*arguments):
    if libc.syscall(*arguments) == -1:
        raise OSError(ctypes.get_errno(), "refused")

def thread():
    started = threading.Thread(target=lambda: None)
    started.start()
    started.join()

attempts = {
    "socket": lambda: socket.socket().close(),
    "unix socket": lambda: socket.socket(socket.AF_UNIX).close(),
    "socket pair": lambda: socket.socketpair(),
    "io_uring": lambda: system_call(425, 1, ctypes.create_string_buffer(512)),
    "fork": lambda: os.fork() or os._exit(0),
    "clone3": lambda: system_call(435, None, 0),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "ptrace": lambda: system_call(101, 16, parent, 0, 0),
    "parent's memory": lambda: open(f"/proc/{parent}/mem", "r+b"),
    "parent's limits": lambda: resource.prlimit(parent, resource.RLIMIT_NOFILE, (10, 10)),
    "signal": lambda: os.kill(parent, signal.SIGCONT),
    "write": lambda: (folder / "new").open("w"),
    "append": lambda: (folder / "kept").open("a"),
    "truncate": lambda: os.truncate(folder / "kept", 0),
    "remove": lambda: (folder / "kept").unlink(),
    "rename": lambda: (folder / "kept").rename(folder / "other"),
    "link": lambda: (folder / "link").symlink_to("kept"),
    "folder": lambda: (folder / "below").mkdir(),
    "memory": lambda: mmap.mmap(-1, 2 << 30),
    "memory limit": lambda: resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30)),
    "privileges": lambda: 1 / (1 - int(Path("/proc/self/status").read_text().split("NoNewPrivs:")[1].split()[0])),
    "read": lambda: (folder / "kept").read_text(),
    "thread": thread,
}
lock_down(Limits(), may_write=False)
done = []
for name, attempt in attempts.items():
    try:
        attempt()
        done.append(name)
    except (OSError, ValueError, ArithmeticError):
        pass
print(json.dumps(done))
"""


def test_a_locked_process_can_read_and_compute_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    command = [sys.executable, "-c", ESCAPES, str(tmp_path), str(os.getpid())]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert json.loads(done.stdout) == ["read", "thread"]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"kept": "kept"}


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


REFUSED = HEAD.dump_json(Head("refused", "It is odd.", worn=False))
DONE = HEAD.dump_json(Head("done", "", worn=False))


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff\xff\xff\xff",
        b"garbage that looks like a very long frame",
        frame(b"not JSON"),
        frame(b'{"outcome": "done", "text": "", "worn": 0, "more": 1}') + b"\0",
        frame(REFUSED.replace(b"odd", b"odd" * 1000)),
        frame(DONE) + b"\x7f\xff\xff\xff",
        frame(DONE)[:-3],
        b"",
    ],
)
def test_whatever_a_child_says_that_is_no_answer_counts_as_a_crash(answer: bytes) -> None:
    script = f"import sys; sys.stdin.buffer.read(5); sys.stdout.buffer.write({answer!r}); sys.stdout.close()"
    worker = Worker([sys.executable, "-c", script], Limits(seconds=5, answer=MIB))
    with pytest.raises(ContentError) as refusal:
        worker.ask("a.md", "any:function", b"{}")
    assert refusal.value.message == CRASHED
    assert not worker.is_alive
    worker.close()


@pytest.mark.parametrize("answer", [b"", frame(DONE), frame(DONE) + frame(b"x" * 1000)[:-1]])
def test_a_child_that_stops_answering_is_ended_in_time(answer: bytes) -> None:
    script = f"import sys, time; sys.stdout.buffer.write({answer!r}); sys.stdout.flush(); time.sleep(60)"
    worker = Worker([sys.executable, "-c", script], Limits(seconds=1.5))
    started = time.monotonic()
    with pytest.raises(ContentError, match=r"^It takes more than 1\.5 seconds to read\.$"):
        worker.ask("a.md", "any:function", b"x" * 10 * MIB)
    assert time.monotonic() - started < 2.5
    worker.close()


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
        "from tests.pipeline.test_sandbox import task_of, reading\nfrom pipeline.sandbox.pool import Pool\n"
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
