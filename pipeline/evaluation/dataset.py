"""Judged questions over a corpus, read from a folder in the form of BEIR.

`corpus.jsonl` has `_id`, `title`, `text`, and optionally `creator` and `metadata`; `queries.jsonl` has `_id`, `text`
and, optionally, `metadata` (`scope`, `answerable`, `answers`); `qrels.tsv` says which articles are right;
`conversations.jsonl` has the `turns` of conversations whose last question is the query of the same `_id`.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.errors import ConfigurationError
from pipeline.clean import clean_characters, clean_values, flow

_KEY_LENGTH = 80  # characters of a key that are told
_ENCODING = "utf-8-sig"  # UTF-8; some editors put a byte-order mark before it
_HEADINGS = ("query-id", "corpus-id", "score")

Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Article:
    """A text of the corpus. `traits` are what a question's scope may ask for, `key=value` each."""

    id: str
    title: str
    text: str
    creator: str
    traits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JudgedQuestion:
    """A question as a visitor would ask it. `earlier` are the questions before it, oldest first.

    `creator` and `trait` are its scope. `answerable` is None where nobody has judged that; `answers` are gold answers.
    """

    id: str
    text: str
    earlier: tuple[str, ...]
    creator: str | None
    trait: str | None
    answerable: bool | None
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    """`relevant` has the grades, 1 or more, of the right articles of each question that has any."""

    name: str
    articles: tuple[Article, ...]
    questions: tuple[JudgedQuestion, ...]
    relevant: Mapping[str, Mapping[str, int]]

    @property
    def creators_narrow(self) -> bool:
        """Whether asking a question's own creator leaves out anything: not where its trait is only ever theirs."""
        owners: dict[str, set[str]] = {}
        for one in self.articles:
            for trait in one.traits:
                owners.setdefault(trait, set()).add(one.creator)
        return any(
            asked.creator and not (asked.trait and owners.get(asked.trait) == {asked.creator})
            for asked in self.questions
        )


class _Row(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: str = Field(alias="_id", min_length=1)


class _Article(_Row):
    title: str | None = None
    text: str
    creator: str | None = None
    metadata: dict[str, object] | None = None


class _Judgement(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    scope: dict[str, str] | None = None
    answerable: bool | None = None
    answers: tuple[str, ...] | None = None


class _Question(_Row):
    text: str
    metadata: _Judgement | None = None


class _Turn(BaseModel):
    role: str
    text: str


class _Conversation(_Row):
    turns: tuple[_Turn, ...]


Row = TypeVar("Row", bound=_Row)


def read_dataset(folder: Path) -> Dataset:
    """The dataset in a folder. Raises `ConfigurationError` with the file and line that cannot be understood."""
    name = folder.resolve().name
    conversations = folder / "conversations.jsonl"
    talks = {row.id: row for row in rows(conversations, _Conversation)} if conversations.exists() else {}
    asked = list(rows(folder / "queries.jsonl", _Question))
    keys = {tuple(sorted(_scope(row).keys() - {"creator"})) for row in asked} - {()}
    questions = tuple(question(row, talks.get(row.id)) for row in asked)
    articles = tuple(article(row, name, keys) for row in rows(folder / "corpus.jsonl", _Article))
    for file, held in (("queries.jsonl", questions), ("corpus.jsonl", articles)):
        if not held:
            raise ConfigurationError(f"{folder / file} is empty: there is nothing to measure.")
    relevant = grades(folder / "qrels.tsv")
    if unknown := {found for judged in relevant.values() for found in judged} - {one.id for one in articles}:
        raise ConfigurationError(f"{folder / 'qrels.tsv'} judges `{min(unknown)}`, which is not in corpus.jsonl.")
    if unknown := relevant.keys() - {one.id for one in questions}:
        raise ConfigurationError(f"{folder / 'qrels.tsv'} judges `{min(unknown)}`, which is not in queries.jsonl.")
    creators = {one.creator for one in questions if one.creator}
    if unknown := creators - {one.creator for one in articles}:
        raise ConfigurationError(
            f"{folder / 'queries.jsonl'} asks `{min(unknown)}`, who has no article in corpus.jsonl."
        )
    traits = {one.trait for one in questions if one.trait}
    if unknown := traits - {trait for one in articles for trait in one.traits}:
        raise ConfigurationError(
            f"{folder / 'queries.jsonl'} asks within `{min(unknown)}`, which no article of corpus.jsonl has."
        )
    return Dataset(name, articles, questions, relevant)


def article(row: _Article, name: str, asked: set[Keys]) -> Article:
    """One line of the corpus, with the traits that are `asked` for; what nobody owns belongs to the dataset."""
    metadata = {key: str(value) for key, value in (row.metadata or {}).items() if isinstance(value, str | int)}
    traits = tuple(_trait(keys, metadata) for keys in sorted(asked) if metadata.keys() >= set(keys))
    return Article(row.id, row.title or "", row.text, row.creator or name, traits)


def question(row: _Question, talk: _Conversation | None) -> JudgedQuestion:
    """One line of the questions, with its conversation, of which the last question may be this one."""
    judged, scope = row.metadata or _Judgement(), _scope(row)
    keys = tuple(sorted(scope.keys() - {"creator"}))
    asked = [turn.text for turn in talk.turns if turn.role == "user"] if talk else []
    if asked and asked[-1] == row.text:
        asked.pop()
    return JudgedQuestion(
        row.id,
        row.text,
        tuple(asked),
        scope.get("creator"),
        _trait(keys, scope) if keys else None,
        judged.answerable,
        judged.answers or (),
    )


def rows(path: Path, kind: type[Row]) -> Iterator[Row]:
    """The objects of a file, one a line, each with an `_id` of its own; empty lines are none."""
    seen: set[str] = set()
    try:
        with path.open(encoding=_ENCODING) as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                row = _row(line, kind, f"{path}, line {number}")
                if row.id in seen:
                    raise ConfigurationError(f"{path}, line {number}: there is another `{row.id}` above.")
                seen.add(row.id)
                yield row
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: a dataset is a folder in the form of BEIR.") from error


def grades(path: Path) -> dict[str, dict[str, int]]:
    """The judgements that are above 0: question, article and grade in three columns, under a line of headings or
    without one."""
    relevant: dict[str, dict[str, int]] = {}
    try:
        with path.open(encoding=_ENCODING, newline="") as lines:
            for number, columns in enumerate(csv.reader(lines, delimiter="\t"), 1):
                if not columns or (number == 1 and _are_headings(columns)):
                    continue
                try:
                    asked, found, grade = map(clean_characters, columns)
                    if int(grade) > 0:
                        relevant.setdefault(asked, {})[found] = int(grade)
                except ValueError as error:
                    raise ConfigurationError(
                        f"{path}, line {number}: three columns with tabs between them, the last a whole number."
                    ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path} cannot be read: a dataset is a folder in the form of BEIR.") from error
    return relevant


def _are_headings(columns: Sequence[str]) -> bool:
    """Whether a first line names the columns, and is not the first judgement of a file that does not name them."""
    return len(columns) == len(_HEADINGS) and not columns[-1].strip().lstrip("-").isdecimal()


def _row(line: str, kind: type[Row], place: str) -> Row:
    try:
        return kind.model_validate(clean_values(json.loads(line)))
    except ValidationError as error:
        where = error.errors(include_url=False)[0]["loc"]
        if where in ((), ("_id",)):
            raise ConfigurationError(f"{place}: it is no JSON object with an `_id`.") from error
        key = flow(".".join(map(str, where)))[:_KEY_LENGTH]
        raise ConfigurationError(f"{place}: `{key}` is missing, or is not what belongs there.") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{place}: it is no JSON object with an `_id`.") from error


def _scope(row: _Question) -> Mapping[str, str]:
    return (row.metadata and row.metadata.scope) or {}


def _trait(keys: Sequence[str], values: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={values[key]}" for key in keys)
