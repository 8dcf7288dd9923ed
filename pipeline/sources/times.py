"""`[mm:ss]` among the text of a transcript: where in the recording it is said."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from pipeline.sources.parsed import Block, Section
from pipeline.sources.sounds import without_sounds

# What follows the point in `[01:12:12.26]` counts frames in some editors, so the second is all that is believed. The
# words before a time may be "unintelligible"; a backslash too many is common where brackets are escaped.
_MARK = re.compile(r"\[([^\[\]\n\d]{0,40})(?:(\d{1,3}):(?=\d\d:))?(\d{1,3}):([0-5]\d)(?:[.,]\d{1,3})?\]")
_BARE = ("", "\\")
_BETWEEN = re.compile(r"[\s–—-]*(?:to)?[\s–—-]*")


def begins_with_time(text: str) -> bool:
    """Whether a paragraph begins with `[mm:ss]`."""
    match = _MARK.match(text)
    return match is not None and match[1] in _BARE


def only_times(text: str) -> str | None:
    """The marks of a text that has nothing else, such as "[07:13] to [08:53]"; None for other texts."""
    marks = "".join(match.group() for match in _MARK.finditer(text))
    return marks if _BETWEEN.fullmatch(_MARK.sub("", text)) else None


def with_times(sections: Sequence[Section]) -> tuple[Section, ...]:
    """The sections of a transcript with the times that are marked in it, without the marks and what nobody said.

    A block begins at the last mark at or before it and ends at the next one; before the first and after the last it is
    not known. Marks that run backwards are not believed: as few as possible are passed over.
    """
    divided = [[(block, _pieces(block)) for block in section.blocks] for section in sections]
    spans = iter(_spans([marked_s for blocks in divided for _, pieces in blocks for marked_s, _ in pieces]))
    timed: list[Section] = []
    for section, blocks in zip(sections, divided, strict=True):
        own: list[Block] = []
        for block, pieces in blocks:
            before = block.before
            for (_, text), (start_s, end_s) in zip(pieces, spans, strict=False):
                if text:
                    own.append(replace(block, text=text, before=before, start_s=start_s, end_s=end_s))
                    before = " "
        if own:
            timed.append(replace(section, blocks=tuple(own)))
    return tuple(timed)


def _pieces(block: Block) -> list[tuple[float | None, str]]:
    """The text of a block, divided at its marks, each piece after the time of the mark that it begins with."""
    if block.verbatim:
        return [(None, block.text)]
    pieces: list[tuple[float | None, str]] = []
    start, marked_s = 0, None
    for match in _MARK.finditer(block.text):
        is_bare = match[1] in _BARE
        if is_bare or without_sounds(match.group()) in ("", "…"):
            pieces.append((marked_s, without_sounds(block.text[start : match.start()])))
            start = match.end() if is_bare else match.start()
            marked_s = int(match[2] or 0) * 3600.0 + int(match[3]) * 60 + int(match[4])
    return [*pieces, (marked_s, without_sounds(block.text[start:]))]


def _spans(marks: Sequence[float | None]) -> list[tuple[float | None, float | None]]:
    """Begin and end of each piece: the last mark that is believed at or before it, and the next one after it."""
    believed = _rising([(position, mark) for position, mark in enumerate(marks) if mark is not None])
    spans: list[tuple[float | None, float | None]] = []
    passed = 0
    for position in range(len(marks)):
        if passed < len(believed) and believed[passed][0] == position:
            passed += 1
        start_s = believed[passed - 1][1] if passed else None
        spans.append((start_s, believed[passed][1] if passed and passed < len(believed) else None))
    return spans


def _rising(marks: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """As many of the marks as never run backwards: the longest non-decreasing subsequence, by patience sorting."""
    lowest: list[float] = []  # the lowest time that a sequence of this length and one more can end with
    ends: list[int] = []
    before: list[int | None] = []
    for index, (_, time) in enumerate(marks):
        length = bisect_right(lowest, time)
        before.append(ends[length - 1] if length else None)
        lowest[length : length + 1], ends[length : length + 1] = [time], [index]
    chosen: list[tuple[int, float]] = []
    last = ends[-1] if ends else None
    while last is not None:
        chosen.append(marks[last])
        last = before[last]
    return chosen[::-1]
