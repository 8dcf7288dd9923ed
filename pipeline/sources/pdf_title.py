"""What a PDF is called: by itself, or by the largest words at the top of its first page."""

from collections.abc import Sequence
from itertools import takewhile
from statistics import median

from pypdfium2 import PdfDocument

from pipeline.sources.pdf_lines import Line
from pipeline.sources.properties import stated_title

_LARGER = 1.15  # times as high as the lines below, that a title is
_TOP = 3  # lines of the page, among which it begins
_MOST_LINES = 4
_MOST_CHARACTERS = 200


def find_title(document: PdfDocument, pages: Sequence[Sequence[Line]]) -> str | None:
    """The title that its properties state, else the one that the first page shows, if either is clear."""
    stated = stated_title(document.get_metadata_dict().get("Title", ""))
    return stated or (_shown_title(pages[0]) if pages else None)


def _shown_title(lines: Sequence[Line]) -> str | None:
    if not lines:
        return None
    height = max(line.box.height for line in lines)
    usual = median(line.box.height for line in lines)
    first = next(index for index, line in enumerate(lines) if line.box.height > 0.97 * height)
    title = list(takewhile(lambda line: line.box.height > 0.97 * height, lines[first:]))
    text = " ".join(line.text for line in title)
    is_clear = height > _LARGER * usual and first < _TOP and len(title) <= _MOST_LINES
    return text if is_clear and " " in text and len(text) <= _MOST_CHARACTERS and text[0].isalnum() else None
