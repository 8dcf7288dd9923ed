"""From rankings to figures: nDCG@10, Recall@10 and MRR@10 of each stage, and how well the answerable are told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ir_measures
from ir_measures import RR, R, nDCG
from sklearn.metrics import roc_auc_score

from pipeline.evaluation.answers import Answers, summed
from pipeline.evaluation.dataset import Dataset
from pipeline.evaluation.rankings import Rankings, as_run, percentile

MAIN_MEASURE = "nDCG@10"
MEASURES = {MAIN_MEASURE: nDCG @ 10, "Recall@10": R @ 10, "MRR@10": RR @ 10}
REFUSED_ANSWERABLE = 0.1  # the share of answerable questions that may be refused
BINS = 10  # of the calibration curve


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions whose predicted probability is about the same: its mean, and the share that can be answered."""

    predicted: float
    observed: float
    count: int


@dataclass(frozen=True, slots=True)
class Abstention:
    """`auroc`: how often an answerable question scores above an unanswerable one. `refused`: the share of unanswerable
    ones that are refused where a tenth of the answerable ones are; `rejected` and `missed` are the shares of both that
    the service refuses as it is set. `calibration` has the bins of a tenth that are not empty."""

    answerable: int
    unanswerable: int
    auroc: float
    refused: float
    rejected: float
    missed: float
    calibration: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """See `Rankings`: passages from outside without widening; questions that went on; foreign ones not marked."""

    foreign: int
    widened: int
    unmarked: int


@dataclass(frozen=True, slots=True)
class Figures:
    """One dataset, asked in one way. `judged` questions have a right article; latencies are milliseconds.

    `scoped` says whether it is the second way, each question of its own creator alone. `final` names the stage that a
    visitor is shown. None stands where nothing could be measured.
    """

    dataset: str
    scoped: bool
    documents: int
    passages: int
    questions: int
    judged: int
    stages: Mapping[str, Mapping[str, float]]
    final: str
    abstention: Abstention | None
    answers: Answers | None
    reach: Reach | None
    p50_ms: float
    p95_ms: float


def measure(dataset: Dataset, made: Rankings, *, scoped: bool, documents: int, passages: int) -> Figures:
    """The figures of a dataset, means over the questions that have a right article."""
    qrels = {asked: dict(found) for asked, found in dataset.relevant.items()}
    stages = {stage: _means(qrels, as_run(rankings)) for stage, rankings in made.stages.items()} if qrels else {}
    return Figures(
        dataset=dataset.name,
        scoped=scoped,
        documents=documents,
        passages=passages,
        questions=len(dataset.questions),
        judged=len(qrels),
        stages=stages,
        final=made.final,
        abstention=abstention(dataset, made),
        answers=summed(made.given),
        reach=Reach(made.foreign, made.widened, made.unmarked) if scoped else None,
        p50_ms=percentile(made.latency_ms, 0.5),
        p95_ms=percentile(made.latency_ms, 0.95),
    )


def _means(qrels: dict[str, dict[str, int]], run: dict[str, dict[str, float]]) -> dict[str, float]:
    means = ir_measures.calc_aggregate(list(MEASURES.values()), qrels, run)
    return {name: float(means[wanted]) for name, wanted in MEASURES.items()}


def by_question(dataset: Dataset, made: Rankings) -> dict[str, float]:
    """nDCG@10 of the final stage for each question that has a right article."""
    qrels = {asked: dict(found) for asked, found in dataset.relevant.items()}
    run = as_run(made.stages.get(made.final, {}))
    found = {one.query_id: float(one.value) for one in ir_measures.iter_calc([MEASURES[MAIN_MEASURE]], qrels, run)}
    return {question: found.get(question, 0.0) for question in qrels}


def told_apart(dataset: Dataset, made: Rankings) -> tuple[list[float], list[float]]:
    """The confidence in the questions that can be answered, and in those that cannot."""
    yes = [made.confidence[question.id] for question in dataset.questions if question.answerable is True]
    no = [made.confidence[question.id] for question in dataset.questions if question.answerable is False]
    return yes, no


def abstention(dataset: Dataset, made: Rankings) -> Abstention | None:
    """How answerable and unanswerable questions are told apart; None where not both are there."""
    answerable, unanswerable = told_apart(dataset, made)
    if not answerable or not unanswerable:
        return None
    refused = {question.id for question in dataset.questions if not made.answerable[question.id]}
    threshold = percentile(answerable, REFUSED_ANSWERABLE)
    truth = [1] * len(answerable) + [0] * len(unanswerable)
    return Abstention(
        answerable=len(answerable),
        unanswerable=len(unanswerable),
        auroc=float(roc_auc_score(truth, answerable + unanswerable)),
        refused=sum(score < threshold for score in unanswerable) / len(unanswerable),
        rejected=sum(one.id in refused for one in dataset.questions if one.answerable is False) / len(unanswerable),
        missed=sum(one.id in refused for one in dataset.questions if one.answerable is True) / len(answerable),
        calibration=calibration(answerable, unanswerable),
    )


def calibration(answerable: Sequence[float], unanswerable: Sequence[float]) -> tuple[Bin, ...]:
    """What was predicted beside what was so, in bins of a tenth, without those that are empty."""
    binned: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for scores, truth in ((answerable, True), (unanswerable, False)):
        for score in scores:
            binned[min(BINS - 1, max(0, int(score * BINS)))].append((score, truth))
    return tuple(
        Bin(sum(score for score, _ in found) / len(found), sum(truth for _, truth in found) / len(found), len(found))
        for found in binned
        if found
    )
