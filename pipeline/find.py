"""What there is to ingest: the files of each creator, and those that are no content."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backend.errors import ConfigurationError
from backend.knowledge.models import Creator
from pipeline.creators import PROFILE, named_after, read_profile
from pipeline.sources.detect import CAPTIONS, is_readable

_NOTE = re.compile(r"(?:SOURCE-)?(?:README|LICEN[CS]E|COPYING).*|(?i:readme|licen[cs]e|copying)(?:\..*)?")
_SIDECAR_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Source:
    """A file to ingest.

    `uri` is its path from the creator's folder, with slashes: the same wherever the command runs. `topics` are those
    of the command line.
    """

    path: Path
    uri: str
    creator: str
    sidecar: Path | None = None
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is not ingested, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Collection:
    """A creator and their files. `is_described` says whether a `creator.yaml` tells more than the slug."""

    creator: Creator
    is_described: bool
    sources: tuple[Source, ...]
    left_out: tuple[LeftOut, ...]


def find_collections(
    paths: Sequence[Path], slug: str | None = None, topics: tuple[str, ...] = ()
) -> tuple[list[Collection], list[LeftOut]]:
    """The files under `paths` by creator, in a fixed order, and those that belong to none.

    A file belongs to the nearest `creator.yaml` in its folder or above it; `slug` overrides which creator that is.
    Raises `ConfigurationError` where a path does not exist, or nothing says whose content it is.
    """
    files: dict[Path, set[Path]] = {}
    orphans: list[LeftOut] = []
    for given in paths:
        path = given.resolve()
        if not path.exists():
            raise ConfigurationError(f"{given} does not exist.")
        found = {file: _owner(file, path, slug) for file in _walk(path)}
        if not any(found.values()):
            raise ConfigurationError(_whose(given) if found else f"There is no file in {given}.")
        for file, owner in found.items():
            if owner is None:
                orphans.append(LeftOut(file, "no creator.yaml says whose it is"))
            else:
                files.setdefault(owner, set()).add(file)
    return [_collection(root, sorted(files[root]), slug, topics) for root in sorted(files)], orphans


def _whose(given: Path) -> str:
    return f"Whose content is {given}? Say `--creator SLUG`, or put a {PROFILE} with `slug` and `name` into the folder."


def _walk(path: Path) -> Iterator[Path]:
    """The file itself, or every file below that is not hidden; links to folders are not followed."""
    if path.is_file():
        yield path
        return
    for folder, subfolders, names in os.walk(path):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from (Path(folder) / name for name in sorted(names) if not name.startswith("."))


def _owner(file: Path, given: Path, slug: str | None) -> Path | None:
    """The folder of the creator whose file it is. With a slug, all of `given` is one creator's."""
    if slug is not None:
        base = given if given.is_dir() else given.parent
        return next((folder for folder in (base, *base.parents) if (folder / PROFILE).is_file()), base)
    return next((folder for folder in file.parents if (folder / PROFILE).is_file()), None)


def _collection(root: Path, files: Sequence[Path], slug: str | None, topics: tuple[str, ...]) -> Collection:
    profile = root / PROFILE
    creator = read_profile(profile) if profile.is_file() else named_after(slug or root.name)
    if slug is not None:
        creator = replace(creator, slug=named_after(slug).slug)
    sources: list[Source] = []
    left_out: list[LeftOut] = []
    for file in files:
        if reason := _why_not(file):
            left_out.append(LeftOut(file, reason))
        elif is_readable(file):
            sources.append(Source(file, file.relative_to(root).as_posix(), creator.slug, _sidecar(file), topics))
    return Collection(creator, profile.is_file(), tuple(sources), tuple(left_out))


def _why_not(file: Path) -> str | None:
    """Why a file is no content, if that is worth telling; profiles and sidecars are not."""
    if not str(file).isprintable():
        return "its name has characters that cannot be kept"
    if is_readable(file):
        is_note = file.suffix.lower() not in CAPTIONS and _NOTE.fullmatch(file.stem)
        return "a note about the folder, not content" if is_note else None
    if file.suffix.lower() in _SIDECAR_SUFFIXES and (file.name == PROFILE or _described_by(file)):
        return None
    return f"{file.suffix or 'a file without a suffix'} is not a kind that is read"


def _described_by(sidecar: Path) -> bool:
    return any(is_readable(file) for file in sidecar.parent.glob(f"{_escaped(sidecar.stem)}.*"))


def _escaped(name: str) -> str:
    return re.sub(r"([\[\]*?])", r"[\1]", name)


def _sidecar(file: Path) -> Path | None:
    return next((path for suffix in _SIDECAR_SUFFIXES if (path := file.with_suffix(suffix)).is_file()), None)
