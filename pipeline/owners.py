"""Whose a document is, as far as its folder can tell."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pipeline.creators import PROFILE, slug_from

# Names of folders that sort content and name nobody: years, seasons, languages, kinds of files, places on a disk.
_SORTING = re.compile(
    r"(?:\d[\d\W_]*|(?:season|staffel|s|vol|volume|part|episode|ep)[\W_]*\d+|\W+|[a-z]{2}[-_][A-Z]{2}"
    r"|en|de|fr|es|it|pt|nl|pl|sv|ru|uk|zh|ja|ko|ar|hi|tr"
    r"|articles?|posts?|pages?|blogs?|docs?|documents?|papers?|books?|pdfs?|texts?|notes?|markdown|md|html?|txt"
    r"|videos?|audios?|recordings?|talks?|episodes?|podcasts?|media|youtube|yt-dlp|vimeo|feeds?|rss"
    r"|transcripts?|captions?|subtitles?|subs|vtt|srt|json"
    r"|creators?|authors?|channels?|shows?|content|contents|data|dataset|sources?|library|knowledge"
    r"|downloads?|desktop|exports?|imports?|inputs?|outputs?|files?|archives?|backups?|uploads?|staging"
    r"|public|private|shared|static|assets|src|tmp|temp|test|tests|misc|new|old|all|main|root|home|mnt|srv|var|usr)",
    re.IGNORECASE,
)
_SEVERAL = 2  # documents; a folder that holds a single one may be that document's own


class Folders:
    """The folders of one target and how many documents each holds.

    `base` is the folder that was named, or in which the named file lies; only with `is_whole` may its own name count.
    """

    def __init__(self, base: Path, documents: Sequence[Path], *, is_whole: bool) -> None:
        self.base = base
        self._is_whole = is_whole
        self._profiles: dict[Path, Path | None] = {}
        self._directly = Counter(file.parent for file in documents)
        self._below = Counter(folder for file in documents for folder in file.parents if folder.is_relative_to(base))

    def profile(self, file: Path) -> Path | None:
        """The nearest folder above the file that has a `creator.yaml`."""
        if file.parent not in self._profiles:
            above = (folder for folder in file.parents if os.path.isfile(folder / PROFILE))
            self._profiles[file.parent] = next(above, None)
        return self._profiles[file.parent]

    def named(self, file: Path) -> Path | None:
        """The folder whose name is taken for the creator's, or None.

        The nearest one that holds several documents, else the outermost one below which there are several, else the
        one that was named, else the outermost; folders that only sort content ("2024", "transcripts") do not count.
        """
        between = [folder for folder in file.parents if folder.is_relative_to(self.base) and folder != self.base]
        names = [folder for folder in between if _is_name(folder)]
        own = [self.base] if self._is_whole and _is_name(self.base) else []
        candidates = (
            *(folder for folder in names if self._directly[folder] >= _SEVERAL),
            *(folder for folder in reversed(names) if self._below[folder] >= _SEVERAL),
            *own,
            *reversed(names),
        )
        return next(iter(candidates), None)


def _is_name(folder: Path) -> bool:
    return not _SORTING.fullmatch(folder.name) and slug_from(folder.name) is not None
