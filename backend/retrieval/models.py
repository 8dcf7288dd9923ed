"""What retrieval takes and gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from backend.knowledge.models import Candidates, Chunk, Creator, Document, Hit

ScopeName = Literal["creator", "topic", "global"]


@dataclass(frozen=True, slots=True)
class Passage:
    """What was found, with its document and creator: a chunk, or neighbouring ones in one.

    `score` orders the passages of one search. `scope` says how near it is to what was asked of: from the creator, else
    from the topic, else from anywhere.
    """

    chunk: Chunk
    document: Document
    creator: Creator
    score: float
    scope: ScopeName


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What was found for one question, best first.

    `query` is what was really searched, `scope` how far the search went. `answerable` is False where nothing found is
    about the question, however far it went; the passages are then the nearest of the narrowest scope.
    """

    query: str
    scope: ScopeName
    passages: tuple[Passage, ...]
    answerable: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """One search, stage by stage, in its last scope.

    `stages` are hits, best first: `dense` and `lexical` as the two searches brought them, `fused`, `reranked` where
    there is a reranker, `joined`, and `diverse`. `confidence` is the probability that they answer the question.
    """

    candidates: Candidates
    stages: Mapping[str, tuple[Hit, ...]]
    confidence: float
    retrieved: Retrieved
