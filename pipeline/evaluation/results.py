"""`results.json`: the figures of one evaluation as a file, and the runs beside it for other tools."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import urlsplit

from backend.errors import ConfigurationError
from backend.settings import Settings
from pipeline.evaluation.dataset import Dataset
from pipeline.evaluation.golden import Golden, Verdict
from pipeline.evaluation.measures import Figures
from pipeline.evaluation.rankings import Rankings

RESULTS = "results.json"
FORMAT = 1  # of results.json; counted up when a reader of the old one would misread the new one
LIBRARIES = ("qdrant-edge-py", "onnxruntime", "tokenizers")  # what decides an order besides our own code


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One dataset, asked in one way; `titles` say of documents, by the names that rankings have, which they are.

    `verdicts` and `golden` are there for a curator's own questions.
    """

    dataset: Dataset
    rankings: Rankings
    figures: Figures
    titles: Mapping[str, str]
    golden: Golden | None = None
    verdicts: tuple[Verdict, ...] = ()

    @property
    def key(self) -> str:
        """What it is called in files and messages."""
        return f"{self.figures.dataset}.{'scoped' if self.figures.scoped else 'all'}"

    def as_json(self) -> dict[str, object]:
        """The figures as results.json has them."""
        return asdict(self.figures) | {"golden": asdict(self.golden) if self.golden else None}


@dataclass(frozen=True, slots=True)
class Setting:
    """What was measured with: day and time, versions, and the settings of retrieval by their names."""

    made: str
    together: bool
    versions: Mapping[str, str]
    settings: Mapping[str, str]


def setting_of(settings: Settings, models: Sequence[str], *, together: bool) -> Setting:
    """The setting of an evaluation that is made now; `models` are the ids of the embedding models. Without secrets."""
    versions = {"footnote": version("footnote"), "Python": platform.python_version()}
    versions |= {name: version(name) for name in LIBRARIES} | {"embedding": ", ".join(models)}
    return Setting(
        datetime.now(UTC).isoformat(timespec="minutes"),
        together,
        versions,
        flattened(settings.retrieval.model_dump(mode="json"), "retrieval"),
    )


def flattened(values: Mapping[str, object], path: str) -> dict[str, str]:
    """Settings by their whole names, without keys, and of addresses only the host: the page may be sent around."""
    found: dict[str, str] = {}
    for key, value in values.items():
        name = f"{path}.{key}"
        if isinstance(value, Mapping):
            found |= flattened(value, name)
        elif value is not None and key != "api_key":
            found[name] = urlsplit(str(value)).hostname or "" if key == "url" else str(value)
    return found


def write(target: Path, found: Sequence[Evaluated], setting: Setting) -> None:
    """A TREC run for each stage, and all figures as JSON."""
    for one in found:
        for stage, ranked in one.rankings.stages.items():
            lines = [
                f"{_word(question)} Q0 {_word(article)} {place} {score:.6f} footnote-{stage}\n"
                for question, ranking in ranked.items()
                for place, (article, score) in enumerate(ranking, 1)
            ]
            (target / f"{one.key}.{stage}.run").write_text("".join(lines), encoding="utf-8")
    results = {"format": FORMAT, **asdict(setting), "figures": [one.as_json() for one in found]}
    (target / RESULTS).write_text(json.dumps(results, indent=1), encoding="utf-8")


def made(output: str) -> Path:
    """The folder to write to, made where it is missing. Raises `ConfigurationError` where it cannot be, or nothing can
    be written there."""
    try:
        Path(output).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{output} cannot be made: name a folder that you may write to.") from error
    try:
        TemporaryFile(dir=output).close()
    except OSError as error:
        raise ConfigurationError(f"{output} cannot be written to: name a folder that you may write to.") from error
    return Path(output)


def _word(name: str) -> str:
    """A name as one word, as the columns of a run are divided by white space."""
    return "_".join(name.split()) or "_"
