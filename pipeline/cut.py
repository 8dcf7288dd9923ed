"""What happens to one document before it is embedded: read, parsed, cut. It runs wherever parsing is safe."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from backend.knowledge.models import Chunk, Document
from pipeline.chunk import chunk_document, embedding_text
from pipeline.load import load
from pipeline.source import Task

KEY_LENGTH = 32  # hexadecimal digits: 128 bits


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk, the text that is embedded for it, and the hash of that text."""

    chunk: Chunk
    text: str
    key: str


@dataclass(frozen=True, slots=True)
class Cut:
    """A document in passages. `text_hash` is the same for the same words, whatever file they came in."""

    document: Document
    creator_name: str | None
    fingerprint: str
    text_hash: str
    passages: tuple[Passage, ...]
    remarks: tuple[str, ...]


def cut(task: Task, count_tokens: Callable[[str], int]) -> Cut:
    """Reads the source and cuts it. Raises `ContentError` with the reason where it cannot be read."""
    loaded = load(task.source, task.document_id)
    text, chunks = chunk_document(loaded.document, loaded.sections, count_tokens)
    return Cut(
        loaded.document,
        loaded.creator_name,
        loaded.fingerprint,
        hashlib.sha256(text.encode()).hexdigest(),
        tuple(_passage(chunk, loaded.document.title) for chunk in chunks),
        loaded.remarks,
    )


def embedding_key(text: str) -> str:
    """The name under which the vector of an embedded text is kept."""
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def _passage(chunk: Chunk, title: str) -> Passage:
    text = embedding_text(chunk, title)
    return Passage(chunk, text, embedding_key(text))
