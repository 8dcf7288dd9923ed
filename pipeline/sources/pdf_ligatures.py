"""Letters that PDFium loses: of a glyph that a font calls `f_i` it tells the "f" only, and "profit" reads "proft".

The glyph is known by its width, and the lost letter by what follows it in the languages that are written with it.
"""

import ctypes
from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import median_low

import pypdfium2.raw as pdfium
from pypdfium2 import PdfTextPage

_WIDER = 1.3  # times as wide as most of its font on the page
_SMALLEST = 2.0  # points; what is smaller cannot be read, and its widths are rounded away
_NAME_BYTES = 128
# What follows "fie": specified, satisfies, amplifier, airfield; field, fierce, fiend.
_WITHIN = frozenset("dslr")
_AT_BEGINNING = frozenset("lrn")


def lost_letters(text: PdfTextPage, codes: Sequence[int]) -> dict[int, str]:
    """The letter that is missing after a character, by that one's index; `codes` are the code points of the page."""
    fonts: defaultdict[bytes, list[tuple[int, float]]] = defaultdict(list)
    for font, index, width in _widths(text, codes):
        fonts[font].append((index, width))
    lost: dict[int, str] = {}
    for glyphs in fonts.values():
        usual = median_low([width for _, width in glyphs])
        lost |= {index: _missing(codes, index) for index, width in glyphs if width > _WIDER * usual}
    return lost


def _widths(text: PdfTextPage, codes: Sequence[int]) -> Iterator[tuple[bytes, int, float]]:
    """The font, the index and the width of every "f", in heights of its line."""
    name = ctypes.create_string_buffer(_NAME_BYTES)
    flags = ctypes.c_int()
    box = pdfium.FS_RECTF()
    for index, code in enumerate(codes):
        if code != ord("f") or not pdfium.FPDFText_GetLooseCharBox(text, index, box):
            continue
        if box.top - box.bottom < _SMALLEST:
            continue
        pdfium.FPDFText_GetFontInfo(text, index, name, _NAME_BYTES, flags)
        yield name.value, index, (box.right - box.left) / (box.top - box.bottom)


def _missing(codes: Sequence[int], index: int) -> str:
    """An "i" before a consonant (first); before vowels mostly an "l" (flow, conflict, reflect), but for the many words
    in -field, -fied, -fies and -fier."""
    before, after, later = (chr(codes[at]) if 0 <= at < len(codes) else " " for at in (index - 1, index + 1, index + 2))
    if after == "e":
        return "i" if later in (_WITHIN if before.isalpha() else _AT_BEGINNING) else "l"
    return "l" if after in "aiouy" else "i"
