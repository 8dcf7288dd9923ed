"""What retrieval takes and gives."""

from dataclasses import dataclass
from typing import Literal

from backend.knowledge.models import Chunk, Creator, Document

ScopeName = Literal["creator", "topic", "global"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that was found, with its document and creator. `score` orders the passages of one search."""

    chunk: Chunk
    document: Document
    creator: Creator
    score: float


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What was found for one question, best first.

    `query` is what was really searched. `answerable` is False where nothing found is about the question.
    """

    query: str
    scope: ScopeName
    passages: tuple[Passage, ...]
    answerable: bool
