"""Folders that yt-dlp filled: which caption file and which `.info.json` are of the same recording."""

import re
from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from pathlib import Path

INFO = ".info.json"
CAPTION_SUFFIXES = (".vtt", ".srt", ".json3")  # best first
NO_CAPTIONS = "the video has no captions: `yt-dlp --write-subs --write-auto-subs` fetches them"
_HEAD = 2**16
_LANGUAGE = re.compile(rb'"language"\s*:\s*"([A-Za-z-]{2,12})"')
_PLAYLIST = re.compile(rb'"_type"\s*:\s*"(?:playlist|multi_video)"')


@dataclass(slots=True)
class Exports:
    """What belongs together in one folder.

    `info_of` gives the info of each caption file that is to be read; `parts` are files that are no documents of their
    own; `left_out` has those of which a curator should know, with the reason.
    """

    info_of: dict[Path, Path] = field(default_factory=dict)
    parts: set[Path] = field(default_factory=set)
    left_out: list[tuple[Path, str]] = field(default_factory=list)


def exports_in(files: Sequence[Path]) -> Exports:
    """The recordings that yt-dlp exported among the files of one folder."""
    exports = Exports()
    infos = {file.name.removesuffix(INFO): file for file in files if file.name.endswith(INFO)}
    belonging: defaultdict[str, list[Path]] = defaultdict(list)
    for file in files:
        if (owner := _owner(file.name, infos)) is not None:
            belonging[owner].append(file)
    for stem, info in infos.items():
        own = belonging[stem]
        exports.parts.update(own)
        captions = [file for file in own if file.suffix.lower() in CAPTION_SUFFIXES]
        head = _head(info)
        if captions:
            language = _LANGUAGE.search(head)
            best = min(captions, key=lambda file: _rank(file, stem, language.group(1).decode() if language else "en"))
            exports.info_of[best] = info
            exports.parts.discard(best)
            reason = f"another caption file of the recording of which {best.name} is read"
            exports.left_out += [(file, reason) for file in captions if file != best]
        elif not _PLAYLIST.search(head):
            exports.left_out.append((info, NO_CAPTIONS))
    return exports


def _owner(name: str, stems: Container[str]) -> str | None:
    """The recording whose file it is, by the longest name that fits: those of `Go 1.21` are none of `Go 1`."""
    stem, dot, _ = name.rpartition(".")
    while dot and stem not in stems:
        stem, dot, _ = stem.rpartition(".")
    return stem if dot else None


def _rank(file: Path, stem: str, language: str) -> tuple[int, int, str]:
    """Lower is better: the recording's own language, as it was spoken, in the format that tells most."""
    given = file.name.removeprefix(f"{stem}.").removesuffix(file.suffix).rstrip(".").lower()
    wanted = language.lower().split("-")[0]
    if given in (wanted, language.lower()):
        closeness = 0
    elif given == f"{wanted}-orig":
        closeness = 1
    elif given.startswith(f"{wanted}-"):
        closeness = 2
    else:
        closeness = 3 if given else 2
    return closeness, CAPTION_SUFFIXES.index(file.suffix.lower()), file.name


def _head(info: Path) -> bytes:
    try:
        with info.open("rb") as file:
            return file.read(_HEAD)
    except OSError:
        return b""
