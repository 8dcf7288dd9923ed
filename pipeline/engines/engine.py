"""What every engine promises: it turns tasks into embedded passages, in the order of the tasks."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from backend.knowledge.models import Chunk, Document, SparseVector
from pipeline.source import Source, Task


@dataclass(frozen=True, slots=True)
class Refusal:
    """A source that gave no passages. `is_failure` says whether something is wrong with it."""

    source: Source
    reason: str
    is_failure: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A document, the source it came from, and the hashes of its bytes and of its words.

    `creator_name` is how the document itself calls a creator other than its folder's.
    """

    source: Source
    document: Document
    fingerprint: str
    text_hash: str
    chunks: int
    creator_name: str | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """A passage with its vectors; `dense` (unit length, float32, little endian) is None where the task knew its key."""

    chunk: Chunk
    key: str
    sparse: SparseVector
    dense: bytes | None


@dataclass(slots=True)
class Batch:
    """The next part of the work, in the order of the tasks.

    A document's `Record` is in `begun` of the batch that holds its first passage, and in `finished` of the one that
    holds its last.
    """

    begun: list[Record] = field(default_factory=list)
    passages: list[Embedded] = field(default_factory=list)
    finished: list[Record] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    remarks: list[tuple[Source, str]] = field(default_factory=list)


class Engine(Protocol):
    """Where the heavy part of an ingestion runs: reading, cutting, embedding."""

    def batches(self, tasks: Iterable[Task]) -> Generator[Batch, None, None]:
        """Everything that becomes of the tasks; what is wrong with one of them does not stop the others.

        Closing the iterator early ends the work. Holds a few batches in memory, however many tasks there are.
        """
        ...
