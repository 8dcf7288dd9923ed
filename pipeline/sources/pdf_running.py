"""What stands at the same place of many pages and belongs to none: running heads and feet, page numbers, watermarks."""

import re
from collections import Counter
from collections.abc import Sequence

from pipeline.sources.pdf_stretches import Stretch

_EDGE = 4.0  # heights of a line, from the first or last of a page, that heads and feet may take
_STEP = 3.0  # points; heights that differ by less are the same
_DIGITS = re.compile(r"\d+")


def without_running_text(pages: Sequence[Sequence[Stretch]]) -> list[list[Stretch]]:
    """The pages without what is repeated.

    First and last on a page, twice is enough, since heads of left and right pages and of chapters take turns; elsewhere
    it must be on most of the pages, three at least. Page numbers count as the same text.
    """
    counts = Counter(key for number, page in enumerate(pages) for key in {_key(one, number) for one in page})

    def is_repeated(stretch: Stretch, number: int, enough: int) -> bool:
        text, place = _key(stretch, number)
        return sum(counts[text, place + step] for step in (-1, 0, 1)) >= enough

    kept: list[list[Stretch]] = []
    for number, page in enumerate(pages):
        top = max((stretch.box.top for stretch in page), default=0.0)
        bottom = min((stretch.box.bottom for stretch in page), default=0.0)
        kept.append([])
        for stretch in page:
            edge = _EDGE * stretch.box.height
            outermost = stretch.box.top > top - edge or stretch.box.bottom < bottom + edge
            if not is_repeated(stretch, number, 2 if outermost else max(3, len(pages) // 2 + 1)):
                kept[-1].append(stretch)
    return kept


def _key(stretch: Stretch, number: int) -> tuple[str, int]:
    """The same for the same text at the same height; a number alone by how far it is from the page's."""
    text = stretch.text
    if text.isdecimal() and len(text) < 6:
        text = f"#{int(text) - number}"
    elif any(character.isalpha() for character in text):
        text = _DIGITS.sub("#", text)
    return text, round(stretch.box.bottom / _STEP)
