"""What retrieval takes and gives."""

from dataclasses import dataclass
from typing import Literal

from backend.knowledge.models import Candidates, Chunk, Creator, Document, Hit

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


@dataclass(frozen=True, slots=True)
class Trace:
    """One search, stage by stage: what the two searches brought, fused, and spread over documents.

    Hits are best first. `best_cosine` decides whether the question can be answered; None where nothing was found.
    """

    candidates: Candidates
    fused: tuple[Hit, ...]
    diverse: tuple[Hit, ...]
    best_cosine: float | None
    retrieved: Retrieved
