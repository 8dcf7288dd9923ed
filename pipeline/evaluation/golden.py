"""A curator's golden questions: what their own library should find for each, or that it should find nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from backend.errors import ConfigurationError, ContentError
from pipeline.clean import flow
from pipeline.sources.decode import decode
from pipeline.sources.metadata import parse_yaml

MOST_BYTES = 1 << 20
MOST_QUESTIONS = 2000
MOST_CHARACTERS = 1000  # of a question: what the service takes
NOT_HERE = "not here"

_MOMENT = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):([0-5]?\d(?:\.\d{1,3})?)|(\d{1,6}(?:\.\d{1,3})?)")
_KEY_LENGTH = 80  # characters of a key that are told


@dataclass(frozen=True, slots=True)
class Right:
    """A document that answers the question, and the moment in it where it does, in seconds."""

    document: UUID
    title: str
    at_s: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the question `number` (from 1). `failure` says what is wrong, empty where nothing is.

    `is_found`: a right document is among the sources of an answer; `at_moment`: so is the moment, or a right document
    of which none is wanted, and None where none is named at all; `is_refused`: it was not answered. Else `answer` is
    what the extractive tier says, and `cited` names the sources that its markers stand for: `[1] Title by Creator,
    12:05`.
    """

    number: int
    question: str
    is_here: bool
    is_found: bool
    at_moment: bool | None
    is_refused: bool
    failure: str
    answer: str = ""
    cited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Golden:
    """Shares of golden questions: with a right document among their sources, with the moment among them where one is
    named, and, of those that are not here, refused. None where there are no such questions."""

    here: int
    found: float | None
    moments: int
    at_moment: float | None
    not_here: int
    refused: float | None


def _seconds(value: object) -> object:
    """A moment as one writes it, `12:30`, `1:02:05` or a number of seconds, in seconds."""
    if match := _MOMENT.fullmatch(str(value).strip()):
        hours, minutes, seconds, alone = match.groups()
        return float(alone) if alone else int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
    raise ValueError


def _spoken(value: object) -> object:
    """`Not here`, with any spaces and capitals, as the one phrase."""
    return NOT_HERE if isinstance(value, str) and flow(value).lower() == NOT_HERE else value


_Line = Annotated[str, AfterValidator(flow), Field(min_length=1, max_length=MOST_CHARACTERS)]


class Expected(BaseModel):
    """A document as other commands name it, and a moment."""

    model_config = ConfigDict(extra="forbid")

    document: _Line
    at: Annotated[float, BeforeValidator(_seconds)] | None = None


class GoldenQuestion(BaseModel):
    """One item of the file."""

    model_config = ConfigDict(extra="forbid")

    question: _Line
    creator: _Line | None = None
    topic: _Line | None = None
    expected: Annotated[Literal["not here"] | Expected | tuple[Expected, ...], BeforeValidator(_spoken)]
    earlier: Annotated[tuple[_Line, ...], Field(max_length=50)] = ()

    @property
    def wanted(self) -> tuple[Expected, ...]:
        """The documents of which each is right; none where it is not here."""
        match self.expected:
            case str():
                return ()
            case Expected():
                return (self.expected,)
        return self.expected


def read_golden(path: Path) -> list[GoldenQuestion]:
    """The questions in a file. Raises `ConfigurationError` with the number of the item that is wrong."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ConfigurationError(f"{path} is larger than golden questions are: {MOST_BYTES >> 20} MiB; divide it.")
        items = parse_yaml(decode(content)[0], str(path), strict=True)
    except ContentError as error:
        raise ConfigurationError(error.message) from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read.") from error
    if not isinstance(items, list) or not items:
        raise ConfigurationError(f"{path} is no list of questions: begin each with `- question:`.")
    if len(items) > MOST_QUESTIONS:
        raise ConfigurationError(f"{path} has {len(items):,} questions; {MOST_QUESTIONS:,} are the most: divide it.")
    return [_item(values, f"{path}, item {number}") for number, values in enumerate(items, 1)]


def summed(verdicts: Sequence[Verdict]) -> Golden:
    """The shares."""
    here = [one.is_found for one in verdicts if one.is_here]
    moments = [one.at_moment for one in verdicts if one.at_moment is not None]
    not_here = [one.is_refused for one in verdicts if not one.is_here]
    return Golden(len(here), _share(here), len(moments), _share(moments), len(not_here), _share(not_here))


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def _item(values: object, place: str) -> GoldenQuestion:
    try:
        item = GoldenQuestion.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(f"{place}: {_problem(error)}") from error
    if item.expected != NOT_HERE and not item.wanted:
        raise ConfigurationError(f"{place}: `expected` is empty: name a document, or say `{NOT_HERE}`.")
    return item


def _problem(error: ValidationError) -> str:
    """What is wrong with an item and what to do; of a choice, pydantic tells what is wrong with each."""
    problems = error.errors(include_url=False)
    first = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
    keys = [flow(str(part))[:_KEY_LENGTH] for part in first["loc"]]
    if not keys:
        return "it is no mapping with a `question` and what is `expected`."
    if first["type"] == "extra_forbidden":
        known = list(GoldenQuestion.model_fields if len(keys) == 1 else Expected.model_fields)
        near = get_close_matches(keys[-1], known, n=1)
        hint = f"Did you mean `{near[0]}`?" if near else f"There are {', '.join(f'`{name}`' for name in known)}."
        return f"`{keys[-1]}` is not a key here. {hint}"
    if any(one["loc"][-1:] == ("at",) for one in problems):
        return "`at` is no moment: write it as a player shows it, `12:30` or `1:02:05`, or in seconds."
    if keys[0] == "expected":
        return (
            f"`expected` is missing or wrong: say `{NOT_HERE}`, or `document:` with its id, path, address or title "
            "and perhaps `at:` with a moment, or a list of such."
        )
    if first["type"] == "missing":
        return f"`{keys[0]}` is missing."
    if keys[0] == "earlier":
        return "`earlier` is a list of the questions before this one, 50 at most."
    return f"`{keys[0]}` is a text of 1 to {MOST_CHARACTERS:,} characters."
