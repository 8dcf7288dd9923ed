"""What stands at the same place of many pages and belongs to none: running heads and feet, page numbers, watermarks."""

import re
from collections import Counter
from collections.abc import Callable, Sequence

from pipeline.sources.pdf_stretches import Stretch

_EDGE = 4.0  # heights of a line, from the first or last of a page, that heads and feet may take
_STEP = 3.0  # points; heights that differ by less are the same
_DIGITS = re.compile(r"\d+")
_PAGE_DIGITS = 5  # that a page's number has at most


def without_running_text(pages: Sequence[Sequence[Stretch]]) -> list[list[Stretch]]:
    """The pages without what is repeated at the same height.

    First and last on a page, twice is enough, since heads of left and right pages and of chapters take turns, and
    numbers do not count. Elsewhere it must be the same on most of the pages, three at least.
    """
    times_at_edge = _counter(pages, _without_numbers)
    times = _counter(pages, lambda stretch, number: stretch.text)
    most = max(3, len(pages) // 2 + 1)
    kept: list[list[Stretch]] = []
    for number, page in enumerate(pages):
        top = max((stretch.box.top for stretch in page), default=0.0)
        bottom = min((stretch.box.bottom for stretch in page), default=0.0)
        kept.append([])
        for stretch in page:
            edge = _EDGE * stretch.box.height
            outermost = stretch.box.top > top - edge or stretch.box.bottom < bottom + edge
            repeated = times(stretch, number) >= most or (outermost and times_at_edge(stretch, number) >= 2)
            if not repeated:
                kept[-1].append(stretch)
    return kept


def _counter(pages: Sequence[Sequence[Stretch]], key: Callable[[Stretch, int], str]) -> Callable[[Stretch, int], int]:
    """Tells on how many pages there is a text with the same key at about the same height."""
    counts = Counter(
        place
        for number, page in enumerate(pages)
        for place in {(key(stretch, number), _height(stretch)) for stretch in page}
    )

    def times(stretch: Stretch, number: int) -> int:
        text, height = key(stretch, number), _height(stretch)
        return sum(counts[text, height + step] for step in (-1, 0, 1))

    return times


def _height(stretch: Stretch) -> int:
    return round(stretch.box.bottom / _STEP)


def _without_numbers(stretch: Stretch, number: int) -> str:
    """The text with any number as good as another; a number alone counts by how far it is from the page's."""
    text = stretch.text
    if text.isdecimal() and len(text) <= _PAGE_DIGITS:
        return f"#{int(text) - number}"
    return _DIGITS.sub("#", text) if any(character.isalpha() for character in text) else text
