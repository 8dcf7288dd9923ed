"""The engine of one machine reads ahead, in order, and ends when nobody wants more."""

from collections.abc import Iterator
from pathlib import Path

import psutil

from backend.knowledge.embedder import Embedder
from backend.knowledge.lexical import LexicalEncoder
from pipeline.cut import embedding_key
from pipeline.engines.engine import Batch
from pipeline.engines.local import LocalEngine
from pipeline.engines.steps import AHEAD
from pipeline.sandbox.limits import Limits
from pipeline.sandbox.pool import Pool
from pipeline.source import Task
from tests.pipeline.children import SLOW, children, task_of, wait_until

PARAGRAPH = "The room is the first instrument, so listen to it before you choose where the microphone stands. "


def articles(folder: Path, count: int) -> list[Task]:
    return [
        task_of(folder / f"{n}.md", f"# Room {n}\n\n" + (PARAGRAPH * 3 + "\n\n") * (n % 5 + 1)) for n in range(count)
    ]


def engine(embedder: Embedder, pool: Pool, batch: int = 8) -> LocalEngine:
    return LocalEngine(embedder, LexicalEncoder(), pool, batch)


def test_passages_come_in_the_order_of_the_tasks_whoever_is_read_first(
    embedder: Embedder, pool: Pool, tmp_path: Path
) -> None:
    tasks = articles(tmp_path, 12)
    tasks[0] = task_of(tmp_path / "0.md", (PARAGRAPH * 3 + "\n\n") * 60)  # longer to read than the others together
    batches = list(engine(embedder, pool).batches(tasks))
    begun = [record.document.source_uri for batch in batches for record in batch.begun]
    assert begun == [f"{n}.md" for n in range(12)]
    assert [record.document.source_uri for batch in batches for record in batch.finished] == begun
    ids = {record.document.id: record.document.source_uri for batch in batches for record in batch.begun}
    order = [ids[passage.chunk.document_id] for batch in batches for passage in batch.passages]
    assert list(dict.fromkeys(order)) == begun
    assert all(len(batch.passages) <= 8 for batch in batches)


def test_a_batch_ends_with_a_document_where_documents_are_short(embedder: Embedder, pool: Pool, tmp_path: Path) -> None:
    tasks = [task_of(tmp_path / f"{n}.md", (PARAGRAPH * 3 + "\n\n") * 12) for n in range(9)]
    batches = list(engine(embedder, pool, batch=16).batches(tasks))
    assert len(batches) > 1
    for batch in batches:
        assert batch.passages[-1].chunk.document_id == batch.finished[-1].document.id


def test_passages_whose_vectors_are_known_are_not_embedded(embedder: Embedder, pool: Pool, tmp_path: Path) -> None:
    (task,) = articles(tmp_path, 1)
    (first,) = engine(embedder, pool).batches([task])
    (passage,) = first.passages
    assert passage.dense is not None
    assert passage.key == embedding_key(f"Room 0\n{passage.chunk.text}")
    known = Task(task.source, known=frozenset({passage.key}))
    (second,) = engine(embedder, pool).batches([known])
    assert [(again.key, again.dense) for again in second.passages] == [(passage.key, None)]


def test_what_is_refused_stops_nobody_and_says_whether_it_failed(
    embedder: Embedder, pool: Pool, tmp_path: Path
) -> None:
    tasks = [
        task_of(tmp_path / "old.md", "---\nredirect: /new\n---\n"),
        *articles(tmp_path, 1),
        task_of(tmp_path / "slow.md", SLOW),
        *articles(tmp_path, 2)[1:],
    ]
    with Pool(2, pool.model, Limits(seconds=6)) as hasty:
        batches = list(engine(embedder, hasty).batches(tasks))
    refused = [(refusal.source.uri, refusal.reason, refusal.is_failure) for b in batches for refusal in b.refused]
    assert refused == [
        ("old.md", "It only points to another page.", False),
        ("slow.md", "It takes more than 6 seconds to read.", True),
    ]
    assert [record.document.source_uri for batch in batches for record in batch.finished] == ["0.md", "1.md"]


def test_it_reads_a_few_documents_ahead_and_no_more(embedder: Embedder, pool: Pool, tmp_path: Path) -> None:
    taken = 0

    def tasks() -> Iterator[Task]:
        nonlocal taken
        for task in articles(tmp_path, 40):
            taken += 1
            yield task

    batches = engine(embedder, pool, batch=1).batches(tasks())
    next(batches)
    assert taken == AHEAD * pool.workers + 2  # one is embedded, and the next one begins meanwhile
    batches.close()


def test_closing_it_early_ends_the_children_at_work(embedder: Embedder, pool: Pool, tmp_path: Path) -> None:
    tasks = [*articles(tmp_path, 2), *(task_of(tmp_path / f"slow-{n}.md", SLOW) for n in range(6))]
    with Pool(2, pool.model) as own:
        before = children().keys()
        batches: Iterator[Batch] = engine(embedder, own, batch=1).batches(tasks)
        next(batches)
        at_work = [child for pid, child in children().items() if pid not in before]
        assert at_work
        batches.close()  # type: ignore[attr-defined]
        wait_until(lambda: not any(is_busy(child) for child in at_work), seconds=2)


def is_busy(child: psutil.Process) -> bool:
    return child.is_running() and child.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_SLEEPING)
