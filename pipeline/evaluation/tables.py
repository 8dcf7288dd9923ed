"""The figures as tables on a terminal."""

from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.table import Table

from pipeline.evaluation.baseline import TOLERANCE, Difference
from pipeline.evaluation.golden import Golden, Verdict
from pipeline.evaluation.measures import Figures
from pipeline.evaluation.results import Evaluated
from pipeline.terminal import Terminal, one_line

FAILURES_SHOWN = 20  # of golden questions; the page has them all


def report(one: Evaluated, terminal: Terminal) -> None:
    """One dataset, asked in one way: a line for each stage, and sentences for the rest."""
    if one.figures.stages:
        terminal.print(stages(one.figures, scope_of(one)))
    for line in sentences(one.figures, one.golden):
        terminal.print(line)
    failures = [verdict for verdict in one.verdicts if verdict.failure]
    for verdict in failures[:FAILURES_SHOWN]:
        terminal.print(f"[yellow]{verdict.number}.[/] {escape(told(verdict))}")
    if len(failures) > FAILURES_SHOWN:
        terminal.print(f"… and {len(failures) - FAILURES_SHOWN} more: `--output FOLDER` writes all of them.")
    terminal.print("")


def told(verdict: Verdict) -> str:
    """A golden question and what is wrong."""
    return one_line(f"{verdict.question} — {verdict.failure}")


def scope_of(one: Evaluated) -> str:
    """Of what the questions were asked, in words."""
    if one.golden:
        return "your library"
    if one.figures.scoped:
        return "each creator alone"
    return "each scope alone" if any(question.trait for question in one.dataset.questions) else "everything"


def stages(figures: Figures, scope: str) -> Table:
    """A line for each stage."""
    asked = f"{figures.judged:,} judged questions, asked of {scope}"
    table = Table(title=escape(one_line(f"{figures.dataset}, {asked}")), title_justify="left")
    names = list(next(iter(figures.stages.values())))
    for heading in ("", *names):
        table.add_column(heading, justify="right" if heading else "left")
    for stage, means in figures.stages.items():
        table.add_row(stage, *(f"{means[name]:.3f}" for name in names))
    return table


def sentences(figures: Figures, golden: Golden | None) -> Iterator[str]:
    """What is no figure of a stage."""
    if golden:
        yield from _golden(golden)
    if told := figures.abstention:
        yield (
            f"abstention: AUROC {told.auroc:.3f}; {told.refused:.0%} of the unanswerable refused where 10% of the "
            f"answerable are; as it is set, {told.rejected:.0%} and {told.missed:.0%}"
        )
    if said := figures.answers:
        yield (
            f"answers: {said.contain:.1%} of {said.questions:,} contain a gold answer in their first 60 words, "
            f"{said.given:.1%} if refused ones count as wrong; {said.words:.0f} words on average"
        )
    if reach := figures.reach:
        yield (
            f"scope: {reach.foreign} passages of other creators; widened for {reach.widened:,} questions, where "
            f"{reach.unmarked} foreign passages were not marked"
        )
    yield f"latency: p50 {figures.p50_ms:.1f} ms, p95 {figures.p95_ms:.1f} ms"


def _golden(golden: Golden) -> Iterator[str]:
    if golden.found is not None:
        yield f"found: {golden.found:.0%} of {golden.here} have an expected document among their sources"
    if golden.at_moment is not None:
        yield f"moment: {golden.at_moment:.0%} of {golden.moments} have the moment among their sources"
    if golden.refused is not None:
        yield f"not here: {golden.refused:.0%} of {golden.not_here} are refused"


def compare(differences: Sequence[Difference], terminal: Terminal) -> list[str]:
    """Prints before, after and the difference of every figure; returns a sentence for each loss that matters."""
    table = Table(title="compared with the baseline", title_justify="left")
    for heading in ("dataset", "asked of", "stage", "measure"):
        table.add_column(heading, overflow="fold")
    for heading in ("before", "after", "difference"):
        table.add_column(heading, justify="right")
    for one in differences:
        style = "red" if one.is_loss else None
        cells = (one.dataset, "creator" if one.scoped else "everything", one.what, one.measure)
        figures = (number(one.before), number(one.after), number(one.change, signed=True))
        table.add_row(*(escape(one_line(cell)) for cell in cells), *figures, style=style)
    terminal.print(table)
    return [loss(one) for one in differences if one.is_loss]


def loss(one: Difference) -> str:
    """What is worse, in words."""
    where = f"{one.dataset}{', each creator alone' if one.scoped else ''}"
    return one_line(
        f"{where}: {one.measure} of {one.what} fell from {number(one.before)} to {number(one.after)}, "
        f"by more than {TOLERANCE:g}."
    )


def number(value: float | None, *, signed: bool = False) -> str:
    """A figure with three digits; one that was not measured is a dash."""
    return "–" if value is None else f"{value:+.3f}" if signed else f"{value:.3f}"
