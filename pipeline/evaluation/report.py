"""`report.html`: an evaluation as one page that can be sent to a colleague and needs nothing but a browser."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.clean import clean_characters, flow
from pipeline.evaluation import plots
from pipeline.evaluation.baseline import TOLERANCE, Difference
from pipeline.evaluation.dataset import Dataset, JudgedQuestion
from pipeline.evaluation.golden import Verdict
from pipeline.evaluation.measures import MAIN_MEASURE, MEASURES, Figures, by_question, told_apart
from pipeline.evaluation.plots import Plot
from pipeline.evaluation.results import Evaluated, Setting
from pipeline.evaluation.tables import number, scope_of
from pipeline.terminal import one_line

PAGE = "report.html"
TEMPLATE = "report.html.jinja"
WORST = 20  # questions of a dataset that are listed for reading
NAMED = 3  # documents that are named for one question
LONGEST = 240  # characters of a question or a title
FAILURES = 500  # golden questions that are listed


@dataclass(frozen=True, slots=True)
class Poor:
    """A question whose right documents do not come first: what is wanted, and what came instead."""

    question: str
    value: float
    wanted: tuple[str, ...]
    came: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One dataset on the page: the ways in which it was asked, in words, with their figures and plots."""

    name: str
    ways: Mapping[str, Evaluated]
    figures: Figures
    stages: Plot | None
    details: Mapping[str, Sequence[Plot]]
    worst: Mapping[str, Sequence[Poor]]
    failures: Sequence[Verdict]
    verdicts: Sequence[Verdict]


def write(target: Path, found: Sequence[Evaluated], setting: Setting, differences: Sequence[Difference]) -> None:
    """Writes the page; `differences` are those from the baseline, where there is one."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # questions and titles are anybody's
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "share": share, "brief": brief, "paragraphs": paragraphs}
    page = environment.get_template(TEMPLATE).render(
        setting=setting,
        parts=parts(found, float(setting.settings["retrieval.min_confidence"])),
        found=[(one, scope_of(one)) for one in found],
        differences=differences,
        measures=list(MEASURES),
        main_measure=MAIN_MEASURE,
        tolerance=TOLERANCE,
    )
    (target / PAGE).write_text(clean_characters(page), encoding="utf-8")


def parts(found: Iterable[Evaluated], least: float) -> list[Part]:
    """The datasets in their order, each with all its plots."""
    ways: dict[str, dict[str, Evaluated]] = {}
    for one in found:
        ways.setdefault(one.figures.dataset, {})[scope_of(one)] = one
    return [_part(name, asked, least) for name, asked in ways.items()]


def worst(dataset: Dataset, one: Evaluated) -> list[Poor]:
    """The questions with the lowest measure; among equal ones those first of which the service is surest."""
    values = by_question(dataset, one.rankings)
    lost = sorted(
        (question for question in dataset.questions if values.get(question.id, 1) < 1),
        key=lambda question: (values[question.id], -one.rankings.confidence[question.id], question.id),
    )
    return [_poor(question, values[question.id], one) for question in lost[:WORST]]


def brief(text: str) -> str:
    """One line of bounded length, in which nothing changes the direction of writing."""
    line = one_line(flow(text))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def paragraphs(answer: str) -> list[str]:
    """The paragraphs of an answer, each a line in which nothing changes the direction of writing; names not in bold."""
    return [one_line(flow(paragraph.replace("**", ""))) for paragraph in answer.split("\n\n")]


def share(value: float | None) -> str:
    """A share in per cent, with a decimal; one that was not measured is a dash."""
    return "–" if value is None else f"{value:.1%}"


def _part(name: str, ways: Mapping[str, Evaluated], least: float) -> Part:
    first = next(iter(ways.values()))
    measured = {way: one.figures.stages for way, one in ways.items() if one.figures.stages}
    return Part(
        name,
        ways,
        first.figures,
        plots.stages(measured) if measured else None,
        {way: _details(one, least) for way, one in ways.items()},
        {way: worst(one.dataset, one) for way, one in ways.items()},
        [verdict for verdict in first.verdicts if verdict.failure][:FAILURES],
        first.verdicts,
    )


def _details(one: Evaluated, least: float) -> list[Plot]:
    drawn = []
    if told := one.figures.abstention:
        answerable, unanswerable = told_apart(one.dataset, one.rankings)
        drawn.append(plots.confidences(answerable, unanswerable, least))
        drawn.append(plots.refusals(answerable, unanswerable, told.auroc))
        drawn.append(plots.calibration(told.calibration))
    if one.rankings.latency_ms:
        drawn.append(plots.latency(one.rankings.latency_ms))
    return drawn


def _poor(question: JudgedQuestion, value: float, one: Evaluated) -> Poor:
    wanted = list(one.dataset.relevant[question.id])[:NAMED]
    came = [name for name, _ in one.rankings.stages[one.rankings.final][question.id][:NAMED]]
    return Poor(
        question.text, value, *(tuple(one.titles.get(name, name) for name in names) for names in (wanted, came))
    )
