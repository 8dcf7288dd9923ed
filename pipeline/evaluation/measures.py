"""From rankings to figures: nDCG@10, Recall@10 and MRR@10 of each stage, and how well the answerable are told apart."""

from collections.abc import Mapping
from dataclasses import dataclass

import ir_measures
from ir_measures import RR, R, nDCG
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from pipeline.evaluation.dataset import Dataset
from pipeline.evaluation.rankings import Rankings, as_run, percentile

MEASURES = {"nDCG@10": nDCG @ 10, "Recall@10": R @ 10, "MRR@10": RR @ 10}
REFUSED_ANSWERABLE = 0.1  # the share of answerable questions that may be refused


@dataclass(frozen=True, slots=True)
class Abstention:
    """`auroc`: how often an answerable question scores above an unanswerable one. `refused`: the share of unanswerable
    ones that are refused where a tenth of the answerable ones are; `rejected` and `missed` are the shares of both that
    the service refuses as it is set."""

    auroc: float
    refused: float
    rejected: float
    missed: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One dataset, asked in one way. `judged` questions have a right article; latencies are milliseconds."""

    dataset: str
    scoped: bool
    judged: int
    stages: Mapping[str, Mapping[str, float]]
    abstention: Abstention | None
    p50_ms: float
    p95_ms: float


def measure(dataset: Dataset, made: Rankings, *, scoped: bool) -> Figures:
    """The figures of a dataset, means over the questions that have a right article."""
    qrels = {asked: dict(found) for asked, found in dataset.relevant.items()}
    stages = {stage: _means(qrels, as_run(rankings)) for stage, rankings in made.stages.items()}
    return Figures(
        dataset.name,
        scoped,
        len(qrels),
        stages,
        abstention(dataset, made),
        percentile(made.latency_ms, 0.5),
        percentile(made.latency_ms, 0.95),
    )


def _means(qrels: dict[str, dict[str, int]], run: dict[str, dict[str, float]]) -> dict[str, float]:
    means = ir_measures.calc_aggregate(list(MEASURES.values()), qrels, run)
    return {name: float(means[wanted]) for name, wanted in MEASURES.items()}


def abstention(dataset: Dataset, made: Rankings) -> Abstention | None:
    """How answerable and unanswerable questions are told apart; None where not both are there."""
    yes = [question.id for question in dataset.questions if question.answerable is True]
    no = [question.id for question in dataset.questions if question.answerable is False]
    if not yes or not no:
        return None
    answerable = [made.best_cosine[question] for question in yes]
    unanswerable = [made.best_cosine[question] for question in no]
    threshold = percentile(answerable, REFUSED_ANSWERABLE)
    return Abstention(
        float(roc_auc_score([1] * len(yes) + [0] * len(no), answerable + unanswerable)),
        sum(score < threshold for score in unanswerable) / len(unanswerable),
        sum(not made.answerable[question] for question in no) / len(no),
        sum(not made.answerable[question] for question in yes) / len(yes),
    )
