"""The plots of the page, as SVG images that follow the reader's light or dark."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from pipeline.evaluation.measures import MAIN_MEASURE, Bin
from pipeline.evaluation.rankings import percentile

# Drawn in colours that nothing else has, which then become variables. An image runs no script and asks for nothing.
INK, SOFT, LINE, FIRST, SECOND = "#010101", "#020202", "#030303", "#040404", "#050505"
COLOURS = {  # light, dark
    INK: ("#1c2024", "#e9ebec"),
    SOFT: ("#5b6269", "#a2a9af"),
    LINE: ("#d9dcdb", "#343a3f"),
    FIRST: ("#0d6b50", "#7fd4b4"),
    SECOND: ("#c9752d", "#e9b27c"),
}
STYLE: dict[Any, object] = {  # matplotlib types the names as one literal of hundreds
    "font.size": 9,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.fonttype": "none",
    "svg.hashsalt": "footnote",
}
WIDTH, HEIGHT = 4.6, 2.9  # inches: what a telephone shows without making the letters small
BAR = 0.22  # inches
BINS = 20


@dataclass(frozen=True, slots=True)
class Plot:
    """An image: its `data:` address, and in words what it shows."""

    title: str
    address: str
    alt: str


@matplotlib.rc_context(STYLE)
def stages(ways: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Plot:
    """nDCG@10 of every stage; `ways` are the stages' measures by how the dataset was asked, one or two of them."""
    names = list(dict.fromkeys(name for means in ways.values() for name in means))
    figure, axes = _axes(0.9 + BAR * len(names) * (len(ways) + 0.6))
    height = 0.8 / len(ways)
    for number, (way, means) in enumerate(ways.items()):
        places = [index + (number - (len(ways) - 1) / 2) * height for index, name in enumerate(names) if name in means]
        values = [means[name][MAIN_MEASURE] for name in names if name in means]
        bars = axes.barh(places, values, height * 0.9, color=(FIRST, SECOND)[number % 2], label=way)
        axes.bar_label(bars, fmt="%.3f", padding=3, fontsize=8)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlim(0, 1.12)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    if len(ways) > 1:
        axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=2)
    said = "; ".join(
        f"{way}: {', '.join(f'{name} {values[MAIN_MEASURE]:.3f}' for name, values in means.items())}"
        for way, means in ways.items()
    )
    return _plot(figure, f"{MAIN_MEASURE} of each stage", f"Bars of {MAIN_MEASURE}. {said}.")


@matplotlib.rc_context(STYLE)
def confidences(answerable: Sequence[float], unanswerable: Sequence[float], least: float) -> Plot:
    """Two histograms of the confidence, and where the service begins to answer."""
    figure, axes = _axes(HEIGHT)
    low = min(0.0, *answerable, *unanswerable)
    high = max(1.0, *answerable, *unanswerable)
    edges = [low + (high - low) * step / BINS for step in range(BINS + 1)]
    for scores, colour, label in ((answerable, FIRST, "answerable"), (unanswerable, SECOND, "unanswerable")):
        weights = [1 / len(scores)] * len(scores)
        axes.hist(scores, edges, weights=weights, color=colour, alpha=0.6, label=label)
    axes.axvline(least, color=INK, linewidth=1, linestyle="--")
    _note(axes, least, "answers from here")
    axes.set_xlabel("confidence that it can be answered")
    axes.set_ylabel("share of questions")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    middle = f"{percentile(answerable, 0.5):.2f} and {percentile(unanswerable, 0.5):.2f}"
    alt = f"Two histograms of the confidence in {len(answerable)} answerable and {len(unanswerable)} unanswerable"
    return _plot(figure, "Confidence", f"{alt} questions. Their medians are {middle}.")


@matplotlib.rc_context(STYLE)
def refusals(answerable: Sequence[float], unanswerable: Sequence[float], auroc: float) -> Plot:
    """The share of unanswerable questions that are refused over the share of answerable ones that are (ROC)."""
    figure, axes = _axes(HEIGHT)
    truth = [0] * len(answerable) + [1] * len(unanswerable)
    false, true, _ = roc_curve(truth, [-score for score in (*answerable, *unanswerable)])
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=1)
    axes.plot(false, true, color=FIRST, linewidth=1.8)
    axes.axvline(0.1, color=INK, linewidth=0.8, linestyle="--")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("answerable questions refused")
    axes.set_ylabel("unanswerable questions refused")
    shown = ", ".join(f"{_at(false, true, share):.0%} at {share:.0%}" for share in (0.05, 0.1, 0.2))
    alt = f"Curve of refused unanswerable over refused answerable questions: {shown}; area {auroc:.3f}."
    return _plot(figure, f"Refusals (AUROC {auroc:.3f})", alt)


@matplotlib.rc_context(STYLE)
def calibration(bins: Sequence[Bin]) -> Plot:
    """The predicted probability that a question can be answered beside the share that could be, with counts."""
    figure, axes = _axes(HEIGHT)
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=1)
    axes.plot([one.predicted for one in bins], [one.observed for one in bins], color=FIRST, marker="o", markersize=4)
    for one in bins:
        above = one.observed < 0.85
        axes.annotate(
            f"{one.count:,}",
            (one.predicted, one.observed),
            (0, 6 if above else -6),
            textcoords="offset points",
            ha="center",
            va="bottom" if above else "top",
            fontsize=7,
            color=SOFT,
        )
    axes.set_xlim(min(0.0, *(one.predicted for one in bins)), 1)
    axes.set_ylim(-0.02, 1.05)
    axes.set_xlabel("predicted probability of an answer")
    axes.set_ylabel("share that has one")
    said = ", ".join(f"{one.predicted:.2f} predicted and {one.observed:.2f} observed ({one.count})" for one in bins)
    return _plot(figure, "Calibration", f"Calibration curve, with the number of questions: {said}.")


@matplotlib.rc_context(STYLE)
def latency(milliseconds: Sequence[float]) -> Plot:
    """How long questions took that were asked one at a time; beyond the 99th percentile they share the last bar."""
    figure, axes = _axes(HEIGHT)
    end = percentile(milliseconds, 0.99)
    axes.hist([min(one, end) for one in milliseconds], BINS, color=FIRST, alpha=0.75)
    middle, most = percentile(milliseconds, 0.5), percentile(milliseconds, 0.95)
    for value, name in ((middle, "p50"), (most, "p95")):
        axes.axvline(value, color=INK, linewidth=1, linestyle="--")
        _note(axes, value, name)
    axes.set_xlabel("milliseconds")
    axes.set_ylabel("questions")
    alt = f"Histogram of the latency of {len(milliseconds)} questions: median {middle:.1f} ms, p95 {most:.1f} ms."
    return _plot(figure, "Latency", alt)


def _note(axes: Axes, value: float, text: str) -> None:
    """Words beside the top of a vertical line."""
    axes.annotate(
        text,
        (value, 1),
        (4, -1),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        va="top",
        fontsize=8,
        color=SOFT,
    )


def _at(false: Sequence[float], true: Sequence[float], share: float) -> float:
    """The highest refused share at no more than this share of false refusals."""
    return max(float(refused) for wrong, refused in zip(false, true, strict=True) if wrong <= share)


def _axes(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots()


def _plot(figure: Figure, title: str, alt: str) -> Plot:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    drawn = buffer.getvalue().replace("'DejaVu Sans'", "system-ui").replace("<defs>", f"{_palette()}<defs>", 1)
    for colour in COLOURS:
        drawn = drawn.replace(colour, f"var({_variable(colour)})")
    address = "data:image/svg+xml;base64," + base64.b64encode(drawn.encode()).decode()
    return Plot(title, address, alt)


def _palette() -> str:
    light = "".join(f"{_variable(colour)}:{light};" for colour, (light, _) in COLOURS.items())
    dark = "".join(f"{_variable(colour)}:{dark};" for colour, (_, dark) in COLOURS.items())
    return f"<style>:root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}</style>"


def _variable(colour: str) -> str:
    """The variable's name, in which the colour itself does not occur."""
    return f"--c{colour[-1]}"
