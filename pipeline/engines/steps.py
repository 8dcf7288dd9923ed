"""The way of a task through any engine: read and cut ahead, passage by passage, embedded into batches."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from backend.errors import ContentError
from backend.knowledge.embedder import Embedder
from backend.knowledge.lexical import LexicalEncoder
from pipeline.cut import Cut, Passage
from pipeline.engines.engine import Batch, Embedded, Record, Refusal
from pipeline.sandbox.pool import Pool
from pipeline.sandbox.reading import cut_document, is_credible
from pipeline.sandbox.worker import CRASHED
from pipeline.source import Task
from pipeline.sources.parsed import NothingToRead

AHEAD = 2  # documents a child: one that it reads, and one that waits to be embedded


@dataclass(frozen=True, slots=True)
class Step:
    """A passage that is to be embedded if it `is_new`, the document that it begins, and the one that it ends.

    `remarks` are those on the document that it begins.
    """

    passage: Passage
    is_new: bool
    begins: Record | None
    ends: Record | None
    remarks: tuple[str, ...]


def cut_ahead(tasks: Iterable[Task], pool: Pool) -> Generator[tuple[Task, Cut | ContentError]]:
    """Every task with what it gave, in order, while the children of the pool are at the next ones."""
    ahead: deque[tuple[Task, Future[Cut]]] = deque()
    try:
        for task in tasks:
            lean = replace(task, known=frozenset())  # a child has no use for it
            ahead.append((task, pool.submit(str(task.source.path), cut_document, lean, pool.model)))
            if len(ahead) > AHEAD * pool.workers:
                yield _outcome(*ahead.popleft())
        while ahead:
            yield _outcome(*ahead.popleft())
    finally:
        pool.stop(future for _, future in ahead)


def steps(task: Task, made: Cut | ContentError) -> Iterator[Step | Refusal]:
    """The passages of a task in order, or why it gave none."""
    if isinstance(made, ContentError):
        yield Refusal(task.source, made.message, not isinstance(made, NothingToRead))
        return
    count = len(made.passages)
    record = Record(task.source, made.document, made.fingerprint, made.text_hash, count, made.creator_name)
    for number, passage in enumerate(made.passages, 1):
        begins, ends = number == 1, number == count
        yield Step(
            passage,
            passage.key not in task.known,
            record if begins else None,
            record if ends else None,
            made.remarks if begins else (),
        )


def is_seam(step: Step | Refusal) -> bool:
    """Whether no document is left open behind it."""
    return isinstance(step, Refusal) or step.ends is not None


def batch_of(steps: Sequence[Step | Refusal], embedder: Embedder, lexical: LexicalEncoder) -> Batch:
    """The steps with the vectors of what is new."""
    unknown = [step.passage.text for step in steps if isinstance(step, Step) and step.is_new]
    vectors = iter(embedder.embed(unknown)) if unknown else iter(())
    batch = Batch()
    for step in steps:
        if isinstance(step, Refusal):
            batch.refused.append(step)
            continue
        if step.begins is not None:
            batch.begun.append(step.begins)
            batch.remarks.extend((step.begins.source, remark) for remark in step.remarks)
        passage = step.passage
        dense = next(vectors).astype("<f4").tobytes() if step.is_new else None
        batch.passages.append(Embedded(passage.chunk, passage.key, lexical.passage(passage.text), dense))
        if step.ends is not None:
            batch.finished.append(step.ends)
    return batch


def _outcome(task: Task, future: Future[Cut]) -> tuple[Task, Cut | ContentError]:
    try:
        made = future.result()
    except ContentError as error:
        return task, error
    return task, made if made.passages and is_credible(made, task) else ContentError(CRASHED)
