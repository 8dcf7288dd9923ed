"""A creator's profile: how they talk, in a file that a curator may edit.

    <data_dir>/profiles/<slug>.yaml

All but `measured` is the curator's: what they have changed there is never overwritten. `measured` is renewed whenever
the profile is made again. What stands in it as it was said names its documents: a sample is from one, and goes with it;
a phrase is from two at least, and goes when fewer than two of those that it names are left.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from pydantic import TypeAdapter, ValidationError

from backend.errors import ConfigurationError, ContentError
from backend.knowledge.disk import flush, unwritable
from backend.knowledge.models import Creator
from pipeline.creators import named_after
from pipeline.sources.metadata import read_yaml
from pipeline.voice.measure import Voice
from pipeline.voice.phrases import left_of

_HEAD = """\
# How {name} talks. `footnote profile {slug}` made this file.
# Run it again after every edit: it renews what is measured and publishes all of it.
#
# Yours to edit:
#   persona    off: answers never sound like them, whatever a visitor asks for.
#   voice      in prose: tone, rhythm, humour, whom they address. At first it is what creator.yaml says.
#   phrases    turns of speech that an answer in their voice may use. At first they are the measured ones; take out
#              what does not sound like them, add what does.
#   do, dont   what they do when they explain something, and what they never do: "gives a number", "swears".
# Yours to add; each takes the place of what was measured.
#   sentences  how long they are and how they begin: "short, rarely more than ten words".
#   person     whom they speak of and to: "says we, never I".
#   samples    passages in which they sound like themselves, each with its `document` (as below) and `text`.
# In every list the most telling comes first, and is used at any strength. What you change stays as it is; what you
# leave alone is renewed with the rest. `measured` is overwritten each time.

persona: on
"""
_KEYS = {"persona", "voice", "phrases", "do", "dont", "sentences", "person", "samples", "measured"}
_FRESH = ".new"
_WIDTH = 110


@dataclass(frozen=True, slots=True)
class Sample:
    """A passage that is typical of a creator; it goes when its document goes."""

    document: UUID
    text: str
    title: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was computed, from how many documents, and from whose words in them (`speech`).

    `described` is the creator's own description of their voice at that time.
    """

    speech: str
    documents: int
    described: str
    manner: Voice
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """A creator's profile. `measured` is None where a curator has written the file alone.

    `sentences`, `person` and `samples` are None where what was measured holds.
    """

    slug: str
    voice: str
    phrases: tuple[str, ...]
    measured: Measured | None
    persona: bool = True
    do: tuple[str, ...] = ()
    dont: tuple[str, ...] = ()
    sentences: str | None = None
    person: str | None = None
    samples: tuple[Sample, ...] | None = None


def profile_folder(data_dir: Path) -> Path:
    """Where the profiles of a data folder lie; it may not exist."""
    return data_dir / "profiles"


def profile_path(folder: Path, slug: str) -> Path:
    """The file of a creator's profile. Raises `ConfigurationError` for what is no slug."""
    return folder / f"{named_after(slug).slug}.yaml"


def load_profile(folder: Path, slug: str) -> Profile | None:
    """The profile, or None where there is none. Raises `ConfigurationError` that says what is wrong in the file."""
    path = profile_path(folder, slug)
    text = _read(path)
    return None if text is None else _parse(text, path)


def keep_profile(folder: Path, creator: Creator, measured: Measured) -> Profile:
    """Writes what was measured, and leaves alone what the curator has changed; the profile as it is now.

    Raises `ConfigurationError` where the file that is there cannot be understood, or the folder cannot be written.
    """
    path = profile_path(folder, creator.slug)
    text = _read(path)
    found = [phrase.text for phrase in measured.manner.phrases]
    if text is None:
        text = _HEAD.format(name=" ".join(creator.name.split()), slug=creator.slug)
        sections: dict[str, object] = {"voice": creator.voice, "phrases": found, "do": [], "dont": []}
    else:
        old = _parse(text, path)
        sections = {}
        if old.measured is None or old.voice == old.measured.described:
            sections["voice"] = old.voice if old.measured is None and old.voice else creator.voice
        if old.measured is not None and list(old.phrases) == [phrase.text for phrase in old.measured.manner.phrases]:
            sections["phrases"] = found
    sections["measured"] = _plain(measured)
    return _write(path, text, sections)


def documents_named(measured: Measured) -> set[UUID]:
    """The documents that samples and phrases are from."""
    phrases = (document for phrase in measured.manner.phrases for document in phrase.said_in)
    return {*phrases, *(sample.document for sample in measured.samples)}


def without_documents(measured: Measured, gone: Collection[UUID]) -> Measured:
    """What was measured, without the samples and phrases that go with these documents."""
    left = ((phrase, left_of(phrase.said_in, gone)) for phrase in measured.manner.phrases)
    phrases = tuple(replace(phrase, said_in=said_in) for phrase, said_in in left if said_in is not None)
    samples = tuple(sample for sample in measured.samples if sample.document not in gone)
    return replace(measured, manner=replace(measured.manner, phrases=phrases), samples=samples)


def drop_documents(folder: Path, documents: Collection[UUID]) -> None:
    """Takes every sample and phrase out that goes with these documents, of all profiles. A phrase that was measured
    leaves a list that a curator has edited as well.

    Raises `ConfigurationError` where a file that names one of them cannot be understood, after having done the others.
    """
    refused: list[ConfigurationError] = []
    for left_behind in folder.glob(f".*{_FRESH}"):
        left_behind.unlink(missing_ok=True)
    for path in sorted(folder.glob("*.yaml")):
        text = _read(path) or ""
        if not any(str(document) in text.lower() for document in documents):
            continue
        try:
            profile = _parse(text, path)
            sections: dict[str, object] = {}
            if profile.samples is not None:
                kept = [sample for sample in profile.samples if sample.document not in documents]
                sections["samples"] = TypeAdapter(list[Sample]).dump_python(kept, mode="json")
            if profile.measured is not None:
                measured = without_documents(profile.measured, documents)
                sections["measured"] = _plain(measured)
                gone = _texts(profile.measured) - _texts(measured)
                if not gone.isdisjoint(profile.phrases):
                    sections["phrases"] = [phrase for phrase in profile.phrases if phrase not in gone]
            _write(path, text, sections)
        except ConfigurationError as error:
            refused.append(error)
    if refused:
        raise refused[0]


def remove_profile(folder: Path, slug: str) -> None:
    """Removes a creator's profile, and what a killed writer may have left of it."""
    path = profile_path(folder, slug)
    for file in (path, _fresh(path)):
        file.unlink(missing_ok=True)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read as text: mend it, or delete it to have it made anew."
        ) from error


def _parse(text: str, path: Path) -> Profile:
    try:
        values = read_yaml(text, str(path))
    except ContentError as error:
        raise ConfigurationError(f"{error.message} Mend it, or delete it to have it made anew.") from error
    if unknown := sorted(values.keys() - _KEYS):
        raise ConfigurationError(f"{path}: `{unknown[0]}` is not a key of a profile: take it out.")
    given = {key: value for key, value in values.items() if value is not None}
    fields = {"slug": path.stem, "voice": "", "phrases": (), "measured": None, **given}
    try:
        return TypeAdapter(Profile).validate_python(fields)
    except ValidationError as error:
        key = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])
        raise ConfigurationError(
            f"{path}: `{key}` is wrong: mend it, or delete the file to have it made anew."
        ) from error


def _texts(measured: Measured) -> set[str]:
    return {phrase.text for phrase in measured.manner.phrases}


def _plain(measured: Measured) -> Mapping[str, Any]:
    plain: Mapping[str, Any] = TypeAdapter(Measured).dump_python(measured, mode="json")
    return plain


def _write(path: Path, text: str, sections: Mapping[str, object]) -> Profile:
    """Replaces sections of the file, each a key at its margin with what belongs to it; all else stays as it was."""
    wanted = dict(read_yaml(text, str(path)))
    for key, value in sections.items():
        block = yaml.safe_dump({key: value}, allow_unicode=True, sort_keys=False, width=_WIDTH)
        wanted |= read_yaml(block, key)
        text = _replaced(text, key, block)
    profile = _parse(text, path)
    if dict(read_yaml(text, str(path))) != wanted:
        raise ConfigurationError(f"{path} is written in a way that cannot be renewed: delete it to have it made anew.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = _fresh(path)
        fresh.write_text(text, encoding="utf-8")
        flush(fresh)
        os.replace(fresh, path)
        flush(path.parent)
    except OSError as error:
        raise unwritable(path.parent, error) from error
    return profile


def _replaced(text: str, key: str, block: str) -> str:
    lines = text.rstrip("\n").split("\n")
    first = next((number for number, line in enumerate(lines) if line.startswith(f"{key}:")), None)
    if first is None:
        return f"{text.rstrip()}\n\n{block}"
    last = first + 1
    while last < len(lines) and (not lines[last].strip() or lines[last][0] in " \t-"):
        last += 1
    while not lines[last - 1].strip():  # blank lines set the next section off
        last -= 1
    return "\n".join((*lines[:first], block.rstrip("\n"), *lines[last:])) + "\n"


def _fresh(path: Path) -> Path:
    return path.with_name(f".{path.name}{_FRESH}")
