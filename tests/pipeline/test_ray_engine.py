"""On a Ray cluster the same comes out as on one machine, whoever dies, however slow the taker."""

import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from backend.errors import ConfigurationError, Unavailable
from backend.knowledge.embedder import Embedder
from backend.knowledge.lexical import LexicalEncoder
from pipeline.engines.engine import Batch, Embedded
from pipeline.engines.local import LocalEngine
from pipeline.engines.order import Order
from pipeline.engines.ray import RayEngine
from pipeline.engines.ray_actors import COLUMN, NO_FILE, Embedding, Reading
from pipeline.find import find
from pipeline.sandbox.pool import Pool
from pipeline.sandbox.reading import cut_document
from pipeline.source import Request, Source, Task
from tests.pipeline.ray_cluster import actors, drivers, listening, own_folders, two_workers, until

ROOT = Path(__file__).parents[2]
FOOTNOTE = Path(sys.executable).parent / "footnote"
SAMPLE = ROOT / "scripts" / "sample"
BROKEN = "It is not a text file."


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[None]:
    """A cluster of two workers at RAY_ADDRESS. Its folder has a short path, as sockets lie in it."""
    with (
        tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder,
        two_workers(Path(folder)) as environment,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in environment.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_ADDRESS", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory, pool: Pool) -> list[Task]:
    """The sample content with a broken file and a redirect amid it; of one document every passage is known already."""
    folder = tmp_path_factory.mktemp("content") / "sample"
    shutil.copytree(SAMPLE, folder)
    creator = next(path.parent for path in sorted(folder.rglob("creator.yaml")))
    (creator / "broken.vtt").write_bytes(b"\0\0")
    (creator / "moved.md").write_text("---\nredirect: /elsewhere\n---\n")
    made = [Task(source) for source in find(folder, Request(str(folder))).sources]
    old = next(place for place, task in enumerate(made) if task.source.path.suffix == ".vtt" and place > 2)
    known = pool.submit("", cut_document, made[old], pool.model).result().passages
    made[old] = replace(made[old], known=frozenset(passage.key for passage in known))
    return made


@pytest.fixture(scope="module")
def expected(tasks: list[Task], embedder: Embedder, pool: Pool) -> list[Batch]:
    return list(LocalEngine(embedder, LexicalEncoder(), pool).batches(tasks))


def same(made: list[Batch], expected: list[Batch]) -> None:
    assert all_of(made, "begun") == all_of(expected, "begun") == all_of(made, "finished")
    assert all_of(made, "refused") == all_of(expected, "refused")
    assert all_of(made, "remarks") == all_of(expected, "remarks")
    one, two = passages(made), passages(expected)
    assert [replace(passage, dense=None) for passage in one] == [replace(passage, dense=None) for passage in two]
    assert [passage.dense is None for passage in one] == [passage.dense is None for passage in two]
    assert np.abs(vectors(one) - vectors(two)).max() < 1e-4


def all_of(batches: Iterable[Batch], what: str) -> list[object]:
    return [item for batch in batches for item in getattr(batch, what)]


def passages(batches: Iterable[Batch]) -> list[Embedded]:
    return [passage for batch in batches for passage in batch.passages]


def vectors(embedded: Iterable[Embedded]) -> np.ndarray:
    return np.array([np.frombuffer(passage.dense, "<f4") for passage in embedded if passage.dense is not None])


@pytest.mark.usefixtures("ray_cluster")
def test_a_cluster_gives_the_same_as_this_machine_also_where_a_worker_is_killed(
    tasks: list[Task], expected: list[Batch], pool: Pool, tmp_path: Path
) -> None:
    reasons = [refusal.reason for batch in expected for refusal in batch.refused]
    assert len(reasons) == 2
    assert BROKEN in reasons
    assert sum(passage.dense is None for passage in passages(expected)) > 0
    killed: list[psutil.Process] = []

    def kill_at_work() -> None:
        until(lambda: actors("Embedding)).submit"))
        victim = actors("Embedding)).submit")[0]
        victim.kill()
        killed.append(victim)

    killer = threading.Thread(target=kill_at_work)
    killer.start()
    made = list(RayEngine(pool.model, tmp_path / "log", window=20).batches(tasks))
    killer.join()
    assert not killed[0].is_running()
    same(made, expected)


@pytest.mark.usefixtures("ray_cluster")
def test_nobody_reads_ahead_of_a_taker_who_takes_nothing(pool: Pool, tmp_path: Path) -> None:
    text = "---\ntitle: Echo\n---\n\n" + "\n\n".join(
        f"{number} {'A room rings on and on. ' * 30}" for number in range(20)
    )
    request = Request(str(tmp_path), "ana")
    todo = []
    for number in range(160):
        path = tmp_path / f"{number:03}.md"
        path.write_text(text)
        todo.append(Task(Source(path, path.name, str(path), request, "ana")))
    known = frozenset(passage.key for passage in pool.submit("", cut_document, todo[0], pool.model).result().passages)
    todo = [replace(task, known=known) for task in todo]
    batches = RayEngine(pool.model, tmp_path / "log", store=64 << 10).batches(todo)
    first = next(batches)
    time.sleep(5)  # in which all of it could be read
    for task in todo:
        task.source.path.unlink()
    made = [first, *batches]
    read = len(all_of(made, "begun"))
    refused = [refusal.reason for batch in made for refusal in batch.refused]
    assert 0 < read < len(todo) / 2
    assert refused == [NO_FILE] * (len(todo) - read)


@pytest.fixture
def data_dir(model_cache: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "models").symlink_to(model_cache / "models")
    return folder


def ingest(data_dir: Path, *options: str) -> subprocess.Popen[str]:
    command = [str(FOOTNOTE), "ingest", str(SAMPLE / "imke-tarvold"), *options]
    environment = {**os.environ, "FOOTNOTE_DATA_DIR": str(data_dir)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.usefixtures("ray_cluster")
def test_the_command_brings_in_over_a_cluster_what_it_would_bring_in_alone(data_dir: Path) -> None:
    output, _ = ingest(data_dir, "--engine", "ray").communicate()
    assert output.splitlines()[-1].startswith("10 added, 0 changed, 0 unchanged, 0 failed")
    assert all("passages" in line for line in output.splitlines())  # how far it is, and nothing of Ray's
    output, _ = ingest(data_dir).communicate()
    assert output.splitlines()[-1].startswith("0 added, 0 changed, 10 unchanged, 0 failed")


@pytest.mark.usefixtures("no_cluster")
def test_a_cluster_of_its_own_is_private_and_leaves_nothing_when_the_command_is_stopped(data_dir: Path) -> None:
    before = own_folders()
    with ingest(data_dir, "--engine", "ray") as stopped:
        until(lambda: actors("Embedding", psutil.Process(stopped.pid)))
        started = psutil.Process(stopped.pid).children(recursive=True)
        addresses = {address for process in started for address in listening(process)}
        assert addresses
        assert addresses <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
        assert len(own_folders()) > len(before)
        stopped.send_signal(signal.SIGINT)
        output, _ = stopped.communicate()
    assert (stopped.returncode, output) == (130, "Stopped: the same command goes on where it was.\n")
    assert psutil.wait_procs(started, timeout=10)[1] == []
    assert own_folders() == before


def test_a_cluster_that_does_not_answer_is_one_sentence_at_once(
    tasks: list[Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(Unavailable, match="No Ray cluster answers at RAY_ADDRESS"):
            next(RayEngine(tmp_path, tmp_path / "log").batches(tasks))
    monkeypatch.setenv("RAY_ADDRESS", "ray://127.0.0.1:10001")
    with pytest.raises(ConfigurationError, match="host:port"):
        next(RayEngine(tmp_path, tmp_path / "log").batches(tasks))


@pytest.mark.usefixtures("no_cluster")
def test_without_the_extra_a_sentence_says_how_to_install_it(
    tasks: list[Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ray.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match=re.escape("pip install 'footnote[ray]'")):
        next(RayEngine(tmp_path, tmp_path / "log").batches(tasks))


@pytest.mark.usefixtures("no_cluster")
def test_a_cluster_that_is_lost_ends_the_run_with_a_sentence(tasks: list[Task], tmp_path: Path) -> None:
    def lose() -> None:
        until(lambda: drivers())
        for driver in drivers():
            driver.kill()

    threading.Thread(target=lose).start()
    with pytest.raises(Unavailable, match="The same command goes on"):
        next(RayEngine(tmp_path, tmp_path / "log").batches(tasks))


def test_a_worker_without_the_model_ends_the_run_with_a_sentence(tasks: list[Task], tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    given = {COLUMN: [pickle.dumps(task) for task in tasks[:2]]}
    (answer,) = Reading(gone, tmp_path / "log")(given)
    (row,) = Embedding(gone, on_gpu=False)(answer)[COLUMN]
    error = pickle.loads(row)
    assert isinstance(error, ConfigurationError)
    assert "same path" in error.message


def test_a_batch_ends_where_its_last_whole_document_does_and_can_be_published_there(
    tasks: list[Task], pool: Pool, tmp_path: Path
) -> None:
    given = {COLUMN: [pickle.dumps(task) for task in tasks[-3:]]}
    rows = [row for answer in Reading(pool.model, tmp_path / "log")(given) for row in answer[COLUMN]]
    made = [pickle.loads(row) for row in Embedding(pool.model, on_gpu=False)({COLUMN: rows[:-1]})[COLUMN]]
    assert [(len(batch.begun), len(batch.finished)) for batch in made] == [(2, 2), (1, 0)]
    assert sum(len(batch.passages) for batch in made) == len(rows) - 1


@pytest.mark.parametrize(
    "harm",
    [
        lambda batch: batch.passages.pop(3),
        lambda batch: batch.passages.reverse(),
        lambda batch: batch.begun.pop(),
        lambda batch: batch.begun.reverse(),
        lambda batch: batch.finished.pop(),
        lambda batch: batch.refused.clear(),
        lambda batch: batch.refused.extend(batch.refused[:1]),
    ],
    ids=[
        "a passage",
        "order of passages",
        "a beginning",
        "order of documents",
        "an end",
        "a refusal",
        "once too often",
    ],
)
def test_a_part_that_is_torn_is_not_taken_for_whole(expected: list[Batch], tasks: list[Task], harm: object) -> None:
    whole = Batch(*(all_of(expected, what) for what in Batch.__slots__))  # type: ignore[arg-type]
    order = Order(task.source for task in tasks)
    order.check(whole)
    order.check_end()
    harm(whole)  # type: ignore[operator]
    torn = Order(task.source for task in tasks)

    def take() -> None:
        torn.check(whole)
        torn.check_end()

    with pytest.raises(Unavailable, match="same command"):
        take()
