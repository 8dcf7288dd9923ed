"""What there is to ingest in a folder: the documents, whose they are, and the files that are none."""

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from backend.errors import ConfigurationError
from backend.knowledge.models import Creator
from pipeline.creators import PROFILE, creator_named, named_after, read_profile
from pipeline.exports import exports_in
from pipeline.load import LANGUAGE
from pipeline.owners import Folders
from pipeline.source import Request, Source
from pipeline.sources.detect import CAPTIONS, HEAD_BYTES, LISTS, Kind, kind_of

_NOTE = re.compile(r"(?:SOURCE-)?(?:README|LICEN[CS]E|COPYING).*|(?i:readme|licen[cs]e|copying)(?:\..*)?")
_SIDECAR_SUFFIXES = (".yaml", ".yml")
_LEADS_ON = "it only leads to documents: name it itself, or its address, to ingest them"
_CLOSED = "The folder cannot be opened: nothing in it was looked at, and what came from it before stays."


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that is not ingested, and why; `origin` as in `Source`."""

    origin: str
    reason: str


@dataclass(frozen=True, slots=True)
class Owner:
    """A creator whose content was found. `is_described` says whether a `creator.yaml` tells more than the slug."""

    creator: Creator
    is_described: bool


@dataclass(slots=True)
class Found:
    """What a target holds, in a fixed order.

    `archives` are still to be opened; `opened` are the origins of those that were. `failed` are sources that cannot be
    had, with the reason.
    """

    sources: list[Source] = field(default_factory=list)
    owners: dict[str, Owner] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    archives: list[Source] = field(default_factory=list)
    opened: set[str] = field(default_factory=set)
    failed: list[tuple[Source, str]] = field(default_factory=list)

    def add(self, other: "Found") -> None:
        """Adds what another target holds; a creator who is described there is described."""
        self.sources += other.sources
        self.left_out += other.left_out
        self.archives += other.archives
        self.opened |= other.opened
        self.failed += other.failed
        for slug, owner in other.owners.items():
            if slug not in self.owners or owner.is_described:
                self.owners[slug] = owner


def find(path: Path, request: Request, without: Path | None = None) -> Found:
    """The documents in a file or below a folder.

    A document is the creator's of the command line, else of the nearest `creator.yaml` above it, else of the folder
    that bears a name (`pipeline.owners`); where none does, only the document itself can say.
    The folder `without`, which is our own, is passed over. Raises `ConfigurationError` where the path does not exist, a
    profile is wrong, or there is nothing to ingest.
    """
    path = path.resolve()
    if not path.exists():
        raise ConfigurationError(f"{request.target} does not exist.")
    found = Found()
    infos: dict[Path, Path | None] = {}
    archives: list[Path] = []

    def close(error: OSError) -> None:
        # Nobody's, so that it is told each time and kept nowhere: it is no document that could be tried again.
        folder = Path(error.filename)
        found.failed.append((Source(folder, folder.name, str(folder), request), _CLOSED))

    for files in _walk(path, without, close):
        exports = exports_in(files)
        found.left_out += [LeftOut(str(file), reason) for file, reason in exports.left_out]
        kinds = {file: _kind(file) for file in files if file not in exports.parts}
        described = _described(kinds)
        for file, kind in kinds.items():
            if kind == "archive" and str(file).isprintable():
                archives.append(file)
            elif not _describes(file, described) and _is_document(file, kind, found, is_named=file == path):
                infos[file] = exports.info_of.get(file)
    if not infos and not archives and not found.left_out and not found.failed:
        raise ConfigurationError(f"There is no file in {request.target}.")
    folders = Folders(path if path.is_dir() else path.parent, list(infos), is_whole=path.is_dir())
    whose = _Whose(request, folders)

    def source(file: Path, info: Path | None = None, sidecar: Path | None = None) -> Source:
        root, owner = whose.of(file)
        if owner is not None:
            found.owners.setdefault(owner.creator.slug, owner)
        uri, slug = file.relative_to(root).as_posix(), owner.creator.slug if owner else None
        return Source(file, uri, str(file), request, creator=slug, sidecar=sidecar, info=info)

    found.sources = [source(file, info, _sidecar(file)) for file, info in infos.items()]
    found.archives = [source(file) for file in archives]
    return found


def find_in_archive(archive: Source, folder: Path) -> Found:
    """The documents of an archive that was unpacked into `folder`, named as they are in it.

    They are the creator's of a `creator.yaml` in the archive, else the archive's own, else of a folder in it.
    """
    found = find(folder, archive.request)

    def origin(path: str) -> str:
        return f"{archive.origin}/{Path(path).relative_to(folder).as_posix()}"

    def named(source: Source) -> Source:
        inner = source.path.relative_to(folder).as_posix()
        if any((above / PROFILE).is_file() for above in source.path.parents if above.is_relative_to(folder)):
            return replace(source, origin=origin(source.origin))
        creator = archive.creator or source.creator
        return replace(source, origin=origin(source.origin), uri=f"{archive.uri}/{inner}", creator=creator)

    inside = "it lies in another archive: unpack that one first"
    sources = [named(source) for source in found.sources]
    used = {source.creator for source in sources}
    return Found(
        sources=sources,
        owners={slug: owner for slug, owner in found.owners.items() if slug in used},
        left_out=[
            *(LeftOut(origin(left_out.origin), left_out.reason) for left_out in found.left_out),
            *(LeftOut(origin(nested.origin), inside) for nested in found.archives),
        ],
        opened={archive.origin},
    )


def _walk(path: Path, without: Path | None, close: Callable[[OSError], None]) -> Iterator[list[Path]]:
    """The files of each folder, in order and without the hidden ones; links to folders are not followed.

    `close` is called for each folder that cannot be opened.
    """
    if not path.is_dir():
        yield [path]
        return
    for folder, subfolders, names in os.walk(path, onerror=close):
        subfolders[:] = sorted(
            name for name in subfolders if not name.startswith(".") and Path(folder) / name != without
        )
        yield [Path(folder) / name for name in sorted(names) if not name.startswith(".")]


def _is_document(file: Path, kind: Kind | None, found: Found, *, is_named: bool) -> bool:
    """Whether the file is to be read; if not, `found` gets the reason."""
    if not str(file).isprintable():
        reason = "its name has characters that cannot be kept"
    elif kind is None and not os.path.isfile(file):
        reason = "it is no file but a pipe, a device or a broken link"
    elif kind is None:
        reason = f"{file.suffix or 'a file without a suffix'} is not a kind that is read"
    elif kind not in CAPTIONS and _NOTE.fullmatch(file.stem) and not is_named:
        reason = "a note about the folder, not content"
    elif kind in LISTS:
        reason = _LEADS_ON
    else:
        return True
    found.left_out.append(LeftOut(str(file), reason))
    return False


def _kind(file: Path) -> Kind | None:
    """The kind of a regular file; pipes and devices, which would never end, are of none, nor are broken links."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return None
        with file.open("rb") as opened:
            return kind_of(file.name, opened.read(HEAD_BYTES))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return None
        return kind_of(file.name, b"")  # reading it will fail again, and be a failure of the document


def _described(kinds: Mapping[Path, Kind | None]) -> set[str]:
    """What a sidecar may be called before its suffix: the names of what it may describe, cut at any of their dots."""
    names = (file.name for file, kind in kinds.items() if kind is not None and not _may_describe(file))
    return {name[:place] for name in names for place, character in enumerate(name) if character == "."}


def _describes(file: Path, described: set[str]) -> bool:
    """Whether it says something about a creator, or about a document beside it."""
    return file.name == PROFILE or (_may_describe(file) and file.stem in described)


def _may_describe(file: Path) -> bool:
    return file.suffix.lower() in _SIDECAR_SUFFIXES


def _sidecar(file: Path) -> Path | None:
    """What describes the file: `talk.en.yaml` of `talk.en.vtt`, else `talk.yaml`, which is of every language."""
    names = dict.fromkeys((file.stem, LANGUAGE.sub("", file.stem)))
    paths = (file.with_name(f"{name}{suffix}") for name in names for suffix in _SIDECAR_SUFFIXES)
    return next((path for path in paths if os.path.isfile(path)), None)


class _Whose:
    """Decides it for the documents of one target; a profile is read once."""

    def __init__(self, request: Request, folders: Folders) -> None:
        self._request = request
        self._folders = folders
        self._described: dict[Path, Owner] = {}

    def of(self, file: Path) -> tuple[Path, Owner | None]:
        """The folder from which the document's path counts, and whose it is."""
        profile = self._folders.profile(file)
        if profile is not None:
            if profile not in self._described:
                self._described[profile] = Owner(self._with_slug(read_profile(profile / PROFILE)), is_described=True)
            return profile, self._described[profile]
        if self._request.creator is not None:
            return self._folders.base, Owner(named_after(self._request.creator), is_described=False)
        named = self._folders.named(file)
        creator = creator_named(named.name) if named else None
        if named is None or creator is None:
            return self._folders.base, None
        return named, Owner(creator, is_described=False)

    def _with_slug(self, creator: Creator) -> Creator:
        slug = self._request.creator
        return creator if slug is None else replace(creator, slug=named_after(slug).slug)
