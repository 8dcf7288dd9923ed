"""Judged questions over a corpus, read from a folder in the form of BEIR.

`corpus.jsonl` has `_id`, `title`, `text`, and optionally `creator` and `metadata`; `queries.jsonl` has `_id`, `text`
and, optionally, `metadata` (`scope`, `answerable`, `answers`); `qrels.tsv` says which articles are right;
`conversations.jsonl` has the `turns` of conversations whose last question is the query of the same `_id`.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.errors import ConfigurationError


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


def read_dataset(folder: Path) -> Dataset:
    """The dataset in a folder. Raises `ConfigurationError` with the file and line that cannot be understood."""
    articles = tuple(article(row, folder.name) for row in rows(folder / "corpus.jsonl"))
    conversations = folder / "conversations.jsonl"
    turns = {row["_id"]: row["turns"] for row in rows(conversations)} if conversations.exists() else {}
    questions = tuple(question(row, turns.get(row["_id"], ())) for row in rows(folder / "queries.jsonl"))
    relevant = grades(folder / "qrels.tsv")
    unknown = {found for judged in relevant.values() for found in judged} - {one.id for one in articles}
    if unknown:
        raise ConfigurationError(f"{folder / 'qrels.tsv'} judges `{min(unknown)}`, which is not in corpus.jsonl.")
    return Dataset(folder.name, articles, questions, relevant)


def article(row: Mapping[str, Any], name: str) -> Article:
    """One line of the corpus; whose it is nobody says belongs to the dataset."""
    metadata = row.get("metadata") or {}
    traits = tuple(f"{key}={value}" for key, value in metadata.items() if isinstance(value, str))
    return Article(row["_id"], row.get("title") or "", row["text"], row.get("creator") or name, traits)


def question(row: Mapping[str, Any], turns: object) -> JudgedQuestion:
    """One line of the questions, with its conversation, of which the last question may be this one."""
    metadata = row.get("metadata") or {}
    scope = dict(metadata.get("scope") or {})
    creator = scope.pop("creator", None)
    traits = [f"{key}={value}" for key, value in scope.items()]
    asked = [turn["text"] for turn in turns if turn["role"] == "user"] if isinstance(turns, list) else []
    if asked and asked[-1] == row["text"]:
        asked.pop()
    return JudgedQuestion(
        row["_id"],
        row["text"],
        tuple(asked),
        creator,
        traits[0] if traits else None,
        metadata.get("answerable"),
        tuple(metadata.get("answers") or ()),
    )


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file, one a line, each with an `_id`."""
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    row = json.loads(line)
                    row["_id"] = str(row["_id"])
                except (ValueError, TypeError, KeyError) as error:
                    raise ConfigurationError(f"{path}, line {number}: it is no JSON object with an `_id`.") from error
                yield row
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: a dataset is a folder in the form of BEIR.") from error


def grades(path: Path) -> dict[str, dict[str, int]]:
    """The judgements that are above 0: question, article and grade in three columns under a line of headings."""
    relevant: dict[str, dict[str, int]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            for number, columns in enumerate(csv.reader(lines, delimiter="\t"), 1):
                if number == 1:
                    continue
                try:
                    asked, found, grade = columns
                    if int(grade) > 0:
                        relevant.setdefault(asked, {})[found] = int(grade)
                except ValueError as error:
                    raise ConfigurationError(f"{path}, line {number}: three columns, the last a number.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: a dataset is a folder in the form of BEIR.") from error
    return relevant
