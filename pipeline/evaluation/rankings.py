"""What each stage of retrieval makes of every judged question."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from backend.knowledge.models import Hit
from backend.retrieval.retriever import Retriever
from pipeline.evaluation.dataset import Dataset, JudgedQuestion
from pipeline.evaluation.library import Shelf, Tell

DEPTH = 100  # articles of a ranking that are kept
AT_ONCE = 16  # questions that share the encoder
SAMPLED = 200  # questions that are asked one at a time, for the latency

Ranking = list[tuple[str, float]]  # articles with scores, best first


@dataclass(slots=True)
class Rankings:
    """`stages` has a ranking for each question by stage; `best_cosine` is what the answerable are told from."""

    stages: dict[str, dict[str, Ranking]] = field(default_factory=dict)
    best_cosine: dict[str, float] = field(default_factory=dict)
    answerable: dict[str, bool] = field(default_factory=dict)
    latency_ms: list[float] = field(default_factory=list)


async def rank(dataset: Dataset, retriever: Retriever, shelf: Shelf, tell: Tell, *, scoped: bool) -> Rankings:
    """Asks every question, within its own scope where it is `scoped`, with what was said before where there is such.

    A scope that is not the creator's alone is always kept: without the meeting that it is about, a question asks
    nothing.
    """
    made = Rankings()
    book = Book(dataset.name, shelf, made)
    slots, done = asyncio.Semaphore(AT_ONCE), 0

    async def ask(question: JudgedQuestion) -> None:
        nonlocal done
        async with slots:
            await one(question, retriever, book, scoped=scoped)
        done += 1
        tell("Asking", done, len(dataset.questions))

    async with asyncio.TaskGroup() as asking:
        for question in dataset.questions:
            asking.create_task(ask(question))
    for question in dataset.questions[:: max(1, len(dataset.questions) // SAMPLED)]:
        begun = time.perf_counter()
        await retriever.retrieve(question.text, creator=question.creator if scoped else None, topic=question.trait)
        made.latency_ms.append((time.perf_counter() - begun) * 1000)
    return made


@dataclass(frozen=True, slots=True)
class Book:
    """Where the rankings of one dataset are written down."""

    dataset: str
    shelf: Shelf
    made: Rankings

    def keep(self, stage: str, question: JudgedQuestion, hits: Iterable[Hit]) -> None:
        """A stage's order of articles: an article stands where the first of its passages does."""
        best: dict[UUID, float] = {}
        for hit in hits:
            best.setdefault(hit.chunk.document_id, hit.score)
        ranking = [(self.name(document), score) for document, score in list(best.items())[:DEPTH]]
        self.made.stages.setdefault(stage, {})[question.id] = ranking

    def name(self, document: UUID) -> str:
        """The article's id; one of another dataset has that dataset's name before it, as ids may be the same."""
        dataset, article = self.shelf.origins[document]
        return article if dataset == self.dataset else f"{dataset}/{article}"


async def one(question: JudgedQuestion, retriever: Retriever, book: Book, *, scoped: bool) -> None:
    """One question, stage by stage. `rewritten` is the fused order for the standalone form of a question."""
    creator = question.creator if scoped else None
    trace = await retriever.trace(question.text, creator=creator, topic=question.trait)
    book.keep("dense", question, trace.candidates.dense)
    book.keep("lexical", question, trace.candidates.lexical)
    book.keep("fused", question, trace.fused)
    if question.earlier:
        trace = await retriever.trace(question.text, earlier=question.earlier, creator=creator, topic=question.trait)
    book.keep("rewritten", question, trace.fused)
    book.keep("diverse", question, trace.diverse)
    book.made.best_cosine[question.id] = trace.best_cosine or 0.0
    book.made.answerable[question.id] = trace.retrieved.answerable


def as_run(rankings: Mapping[str, Ranking]) -> dict[str, dict[str, float]]:
    """Rankings with scores that fall by one from place to place, as equal ones would be ordered at will."""
    return {
        question: {article: float(len(ranking) - place) for place, (article, _) in enumerate(ranking)}
        for question, ranking in rankings.items()
    }


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed; nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))] if ordered else 0.0
