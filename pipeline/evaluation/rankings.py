"""What each stage of retrieval makes of every judged question."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from backend.knowledge.models import Hit
from backend.llm.extractive_tier import ExtractiveTier
from backend.retrieval.models import Trace
from backend.retrieval.retriever import Retriever
from pipeline.evaluation.answers import Given, answer, has_short_answers
from pipeline.evaluation.dataset import Dataset, JudgedQuestion
from pipeline.evaluation.library import Tell

DEPTH = 100  # articles of a ranking that are kept
AT_ONCE = 16  # questions that share the encoder; one where there is a reranker, whose deadline counts
SAMPLED = 200  # questions that are asked one at a time, for the latency
FUSED = "fused"  # the last stage that is measured without what was said before
REWRITTEN = "rewritten"
RERANKED = "reranked"
WIDENED = "widened"

Ranking = list[tuple[str, float]]  # articles with scores, best first
Name = Callable[[UUID], str]


@dataclass(slots=True)
class Rankings:
    """`stages` has a ranking for each question by stage, `final` is the stage that a visitor is shown.

    `confidence` is what the answerable are told from, `answerable` what was decided, both by question; `given` are
    answers where there are gold ones. Of the passages within a scope `foreign` are of other creators (none may be);
    `widened` counts questions that went beyond it where they were allowed to, and `unmarked` the foreign passages
    that were then found and not said to be foreign (none may be).
    """

    stages: dict[str, dict[str, Ranking]] = field(default_factory=dict)
    final: str = FUSED
    confidence: dict[str, float] = field(default_factory=dict)
    answerable: dict[str, bool] = field(default_factory=dict)
    given: list[Given] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)
    foreign: int = 0
    widened: int = 0
    unmarked: int = 0


async def rank(
    dataset: Dataset,
    retriever: Retriever,
    name: Name,
    tell: Tell,
    *,
    scoped: bool,
    reranks: bool,
    tier: ExtractiveTier | None = None,
) -> Rankings:
    """Asks every question, of its own creator where it is `scoped`, with what was said before where there is such.

    A scope that is not the creator's alone is always kept: without the meeting that it is about, a question asks
    nothing. `name` is how the judgements call a document, `reranks` says whether there is a reranker, `tier` is
    what answers, None where nobody asks for that.
    """
    desk = Desk(
        retriever,
        name,
        scoped=scoped,
        has_scopes=scoped or any(question.trait for question in dataset.questions),
        has_conversations=any(question.earlier for question in dataset.questions),
        has_answers=has_short_answers(dataset),
        reranks=reranks,
        tier=tier,
    )
    slots, done = asyncio.Semaphore(1 if reranks else AT_ONCE), 0
    what = f"Asking {dataset.name}{' within scopes' if scoped else ''}"

    async def ask(question: JudgedQuestion) -> None:
        nonlocal done
        async with slots:
            await desk.ask(question)
        done += 1
        tell(what, done, len(dataset.questions))

    try:
        async with asyncio.TaskGroup() as asking:
            for question in dataset.questions:
                asking.create_task(ask(question))
    except BaseExceptionGroup as error:  # what is away is away for all of them, and one of them can tell
        raise error.exceptions[0] from error
    for question in dataset.questions[:: max(1, len(dataset.questions) // SAMPLED)]:
        begun = time.perf_counter()
        await desk.trace(question, question.earlier)
        desk.made.latency_ms.append((time.perf_counter() - begun) * 1000)
    return desk.made


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the questions of one dataset are asked, and what was found is written down."""

    retriever: Retriever
    name: Name
    scoped: bool
    has_scopes: bool
    has_conversations: bool
    has_answers: bool
    reranks: bool
    tier: ExtractiveTier | None
    made: Rankings = field(default_factory=Rankings)

    async def trace(self, question: JudgedQuestion, earlier: Sequence[str], *, widen: bool = False) -> Trace:
        """One search."""
        creator = question.creator if self.scoped else None
        return await self.retriever.trace(
            question.text, earlier=earlier, creator=creator, topic=question.trait, widen=widen
        )

    async def ask(self, question: JudgedQuestion) -> None:
        """One question, stage by stage and with each ablation.

        The two searches and their fusion are measured for the question as it is, `rewritten` is the fused order for
        its standalone form, and so are the stages behind it. `widened` is the last stage where the search may go on
        beyond its scope.
        """
        bare = await self.trace(question, ())
        full = await self.trace(question, question.earlier) if question.earlier else bare
        wide = full
        if self.has_scopes and not full.retrieved.answerable:  # a search goes on only where its scope cannot answer
            wide = await self.trace(question, question.earlier, widen=True)
        if self.tier and question.answers and question.answerable is not False and self.has_answers:
            self.made.given.append(await answer(question, full.retrieved, self.tier))
        # Nothing is awaited from here on, so that the stages come in their order.
        names = list(full.stages)
        first, behind = names[: names.index(FUSED) + 1], names[names.index(FUSED) + 1 :]
        for stage in first:
            self.keep(stage, question, bare.stages[stage])
        if self.has_conversations:
            self.keep(REWRITTEN, question, full.stages[FUSED])
        if self.reranks and RERANKED not in behind:  # it was too late, and a visitor gets the order from before
            self.keep(RERANKED, question, full.stages[FUSED])
        for stage in behind:
            self.keep(stage, question, full.stages[stage])
        self.made.final = names[-1]
        self.made.confidence[question.id] = full.confidence
        self.made.answerable[question.id] = full.retrieved.answerable
        if self.has_scopes:
            self.keep(WIDENED, question, wide.stages[names[-1]])
            self.made.widened += wide.retrieved.scope != full.retrieved.scope
        if self.scoped and question.creator:
            self.look_beyond(question.creator, full, wide)

    def keep(self, stage: str, question: JudgedQuestion, hits: Iterable[Hit]) -> None:
        """A stage's order of articles: an article stands where the first of its passages does."""
        best: dict[UUID, float] = {}
        for hit in hits:
            best.setdefault(hit.chunk.document_id, hit.score)
        ranking = [(self.name(document), score) for document, score in list(best.items())[:DEPTH]]
        self.made.stages.setdefault(stage, {})[question.id] = ranking

    def look_beyond(self, creator: str, full: Trace, wide: Trace) -> None:
        """Counts what is not from the creator who was asked."""
        self.made.foreign += sum(one.chunk.creator != creator for one in full.retrieved.passages)
        self.made.unmarked += sum(
            one.chunk.creator != creator and one.scope == "creator" for one in wide.retrieved.passages
        )


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
