"""Captions that roll: each cue repeats what the one before it showed last, and adds some words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

_MOST_LINES = 4  # that are on the screen at once
_FEWEST = 2  # cues that carry on another before a file is said to roll
_GAP_S = 1.0  # what stays on the screen has no gap; the same words after one are said anew


@dataclass(frozen=True, slots=True)
class Shown:
    """The lines that one cue shows, without markup; none of them is empty."""

    lines: tuple[str, ...]
    start_s: float
    end_s: float


def unrolled(cues: Sequence[Shown]) -> list[Shown] | None:
    """What each cue adds to the one before it, or None where the captions do not roll.

    They do where more cues begin with the last lines of the one before and go on, than begin anew. A refrain repeats
    lines too, but the cue that repeats adds nothing, or is one of few.
    """
    added = [_added(before, cue) for before, cue in pairwise(cues)]
    carry_on = sum(len(lines) > 0 for lines in added if lines is not None)
    anew = sum(lines is None for lines in added)
    if carry_on < _FEWEST or carry_on <= anew:
        return None
    news = [cue.lines if lines is None else lines for cue, lines in zip(cues[1:], added, strict=True)]
    return [cues[0], *(replace(cue, lines=lines) for cue, lines in zip(cues[1:], news, strict=True) if lines)]


def _added(before: Shown, cue: Shown) -> tuple[str, ...] | None:
    """The lines that are new in a cue that carries on the one before it, None where it does not. The last of the
    repeated lines may have grown."""
    if cue.start_s - before.end_s > _GAP_S:
        return None
    for count in range(min(len(before.lines), len(cue.lines), _MOST_LINES), 0, -1):
        *old, last = before.lines[-count:]
        *same, grown = cue.lines[:count]
        if old == same and (grown == last or grown.startswith(f"{last} ")):
            rest = grown[len(last) :].strip()
            return (*((rest,) if rest else ()), *cue.lines[count:])
    return None
