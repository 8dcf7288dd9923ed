"""Figures beside those of an earlier evaluation, and which of them that matter are worse."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from backend.errors import ConfigurationError
from pipeline.evaluation.results import FORMAT, Evaluated

# A figure may be lower by so much: of a thousand questions five may fare worse, which other hardware can do.
TOLERANCE = 0.005
MOST_BYTES = 64 << 20

Key = tuple[str, bool]
Row = tuple[str, str]  # stage, or what else was measured; measure


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure before and after. `is_watched`: a loss of it fails the comparison. None where it was not measured."""

    dataset: str
    scoped: bool
    what: str
    measure: str
    before: float | None
    after: float | None
    is_watched: bool

    @property
    def change(self) -> float | None:
        """After less before."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def is_loss(self) -> bool:
        """Whether it is watched and lower by more than the tolerance."""
        return self.is_watched and self.change is not None and self.change < -TOLERANCE


class _Figures(BaseModel):
    """What is compared of `Figures`, as results.json has it."""

    model_config = ConfigDict(extra="ignore")

    dataset: str
    scoped: bool
    questions: int
    final: str
    stages: dict[str, dict[str, float]]
    abstention: dict[str, object] | None
    answers: dict[str, object] | None
    golden: dict[str, object] | None


class _Results(BaseModel):
    model_config = ConfigDict(extra="ignore")

    format: int
    together: bool
    figures: list[_Figures]


class Baseline:
    """An earlier results.json."""

    def __init__(self, path: Path, results: _Results) -> None:
        self._path = path
        self._together = results.together
        self._figures: Mapping[Key, _Figures] = {(one.dataset, one.scoped): one for one in results.figures}

    def check(self, datasets: Mapping[str, int], *, together: bool) -> None:
        """That these datasets can be compared, by name with the number of their questions, before anything long runs.

        Raises `ConfigurationError`.
        """
        known = {dataset: one.questions for (dataset, _), one in self._figures.items()}
        for name, questions in datasets.items():
            if name not in known:
                raise ConfigurationError(
                    f"{self._path} has no figures of `{name}`, only of {', '.join(f'`{one}`' for one in known)}: "
                    "evaluate without `--baseline` first, and keep that results.json."
                )
            if known[name] != questions:
                raise ConfigurationError(
                    f"{self._path} has figures of {known[name]:,} questions of `{name}`, which has {questions:,} now: "
                    "they cannot be compared. Evaluate without `--baseline`, and keep that results.json."
                )
        if together != self._together:
            raise ConfigurationError(
                f"{self._path} was made {'with' if self._together else 'without'} `--together`, and this is not: "
                "they cannot be compared."
            )

    def compare(self, found: Sequence[Evaluated]) -> list[Difference]:
        """Every figure beside the earlier one."""
        return [difference for one in found for difference in self._differences(one)]

    def _differences(self, one: Evaluated) -> Iterator[Difference]:
        now = _Figures.model_validate(one.as_json())
        before = self._figures.get((now.dataset, now.scoped))
        older, newer = dict(_rows(before)) if before else {}, dict(_rows(now))
        for row in dict.fromkeys([*newer, *older]):
            what, measure = row
            is_watched = what in WATCHED or (before is not None and what == before.final == now.final)
            yield Difference(now.dataset, now.scoped, what, measure, older.get(row), newer.get(row), is_watched)
        if before and before.final != now.final:  # stages came or went: what a visitor is shown is compared with that
            for measure, value in now.stages.get(now.final, {}).items():
                old = before.stages.get(before.final, {}).get(measure)
                what = f"{before.final} → {now.final}"
                yield Difference(now.dataset, now.scoped, what, measure, old, value, is_watched=True)


ABSTENTION, ANSWERS, GOLDEN = "abstention", "answers", "golden questions"
WATCHED = (ABSTENTION, ANSWERS, GOLDEN)


def read_baseline(path: Path) -> Baseline:
    """The results.json at this path. Raises `ConfigurationError` where it is none."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigurationError(f"{path} is too large for a results.json.")
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: name the results.json of an earlier evaluation.") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is no results.json: it is no JSON.") from error
    stated = values.get("format") if isinstance(values, dict) else None
    if stated != FORMAT:
        raise ConfigurationError(
            f"{path} is no results.json of format {FORMAT}: evaluate without `--baseline`, and keep the new one."
        )
    try:
        return Baseline(path, TypeAdapter(_Results).validate_python(values))
    except ValidationError as error:
        raise ConfigurationError(f"{path} is no whole results.json: name one that `--output` has written.") from error


def _rows(figures: _Figures) -> Iterator[tuple[Row, float]]:
    for stage, means in figures.stages.items():
        for measure, value in means.items():
            yield (stage, measure), value
    for what, said, values, key in (
        (ABSTENTION, "AUROC", figures.abstention, "auroc"),
        (ANSWERS, "contain a gold answer", figures.answers, "contain"),
        (GOLDEN, "found", figures.golden, "found"),
        (GOLDEN, "at the moment", figures.golden, "at_moment"),
        (GOLDEN, "refused where not here", figures.golden, "refused"),
    ):
        share = values and values.get(key)
        if isinstance(share, float | int):
            yield (what, said), float(share)
