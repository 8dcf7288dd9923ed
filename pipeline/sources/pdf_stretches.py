"""The characters of a PDF page as stretches of text, and where these stand."""

import math
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

import pypdfium2.raw as pdfium
from pypdfium2 import PdfPage

from pipeline.clean import clean_characters, flow
from pipeline.sources.pdf_ligatures import lost_letters

HYPHEN = "\x02"  # PDFium's sign for a hyphen that divides a word at the end of a line
LEADER = " … "  # what becomes of the row of dots between a heading and its page
_SOFT_HYPHEN = "\u00ad"

_LIGATURES = re.compile("[\ufb00-\ufb06\ufb13-\ufb17]")
_LEADERS = re.compile(r"\s*(?:[.·…] ?){5,}\s*")
_SMALLEST = 2.0  # points; smaller type is not meant to be read
_SLANT = 0.1  # radians; text that stands more aslant runs along an edge or across the page
# In heights of the characters:
_WORD_GAP = 0.1
_COLUMN_GAP = 1.0
_LETTER_GAPS = 2.5  # as many times wider than the gaps of a word that is set with space between its letters


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in points, from the lower left of the page as it is seen."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def height(self) -> float:
        """About the size of the type, where the box is that of a line."""
        return self.top - self.bottom

    @property
    def width(self) -> float:
        """From its first character to its last, where the box is that of a line."""
        return self.right - self.left

    def with_(self, other: "Box") -> "Box":
        """The smallest box around both."""
        return Box(
            min(self.left, other.left),
            min(self.bottom, other.bottom),
            max(self.right, other.right),
            max(self.top, other.top),
        )

    def is_beside(self, other: "Box") -> bool:
        """Whether both stand on one line: they share half of the lower one's height."""
        shared = min(self.top, other.top) - max(self.bottom, other.bottom)
        return shared > 0.5 * min(self.height, other.height)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Text on one line without a gap that is wide enough to lie between columns. It may end with `HYPHEN`."""

    text: str
    box: Box


def read_stretches(page: PdfPage) -> Iterator[Stretch]:
    """What stands upright on the page and can be seen, in the order of the file."""
    width, height = page.get_size()
    run: _Run | None = None
    for character, box in _characters(page):
        if character.isspace():
            if run:
                run.space = " "
        elif run and run.reaches(box):
            run.add(character, box)
        else:
            if run:
                yield from run.stretch(width, height)
            run = _Run(character, box)
    if run:
        yield from run.stretch(width, height)


class _Run:
    """A stretch while it grows."""

    def __init__(self, character: str, box: Box) -> None:
        self.space = ""
        self._characters = [character]
        self._gaps = [0.0]  # before each character; infinite where there is a space
        self._box = box
        self._last = box

    def reaches(self, box: Box) -> bool:
        """Whether a character there goes on with this line."""
        return self._last.is_beside(box) and self._gap(box) < _COLUMN_GAP * self._box.height

    def add(self, character: str, box: Box) -> None:
        self._characters.append(character)
        self._gaps.append(math.inf if self.space else self._gap(box))
        self.space = ""
        self._box = self._box.with_(box)
        self._last = box

    def stretch(self, width: float, height: float) -> Iterator[Stretch]:
        """The finished stretch, if it can be seen on a page of this size."""
        box, text = self._box, self._text()
        divided = HYPHEN if text.endswith((HYPHEN, _SOFT_HYPHEN)) else ""
        text = text.removesuffix(HYPHEN).replace(HYPHEN, "-")
        text = flow(_LEADERS.sub(LEADER, clean_characters(_expand_ligatures(text)))) + divided
        on_page = 0 <= box.left < width and 0 <= box.bottom < height
        if text and on_page and box.height >= _SMALLEST:
            yield Stretch(text, box)

    def _text(self) -> str:
        """With spaces where the file has some, and where a gap is wider than those between the letters."""
        letter_gap = median([gap for gap in self._gaps if gap < math.inf])
        widest = max(_WORD_GAP * self._box.height, _LETTER_GAPS * letter_gap)
        pairs = zip(self._characters, self._gaps, strict=True)
        return "".join(f" {character}" if gap > widest else character for character, gap in pairs)

    def _gap(self, box: Box) -> float:
        """Between the last character and one there, on whichever side: some scripts run to the left."""
        return max(box.left - self._last.right, self._last.left - box.right)


def _characters(page: PdfPage) -> Iterator[tuple[str, Box]]:
    """Every upright character with its box, in the order of the file."""
    seen_as = _view(page)
    upright = -math.radians(page.get_rotation())
    text = page.get_textpage()
    try:
        rectangle = pdfium.FS_RECTF()
        lead = ""  # the first half of a pair that stands for one character
        codes = [pdfium.FPDFText_GetUnicode(text, index) for index in range(text.count_chars())]
        lost = lost_letters(text, codes)
        for index, code in enumerate(codes):
            if not code or not pdfium.FPDFText_GetLooseCharBox(text, index, rectangle):
                continue
            if not pdfium.FPDFText_IsGenerated(text, index):
                slant = (pdfium.FPDFText_GetCharAngle(text, index) - upright + math.pi) % (2 * math.pi) - math.pi
                if abs(slant) > _SLANT:
                    continue
            character = chr(code) + lost.get(index, "")
            if 0xD800 <= code < 0xDC00:
                lead = character
                continue
            if lead:
                character = (lead + character).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
                lead = ""
            yield character, seen_as(rectangle)
    finally:
        text.close()


def _view(page: PdfPage) -> Callable[[pdfium.FS_RECTF], Box]:
    """From where something is drawn to where it is seen: pages may be cropped and turned."""
    left, bottom, right, top = page.get_bbox()
    match page.get_rotation():
        case 90:
            return lambda drawn: Box(drawn.bottom - bottom, right - drawn.right, drawn.top - bottom, right - drawn.left)
        case 180:
            return lambda drawn: Box(right - drawn.right, top - drawn.top, right - drawn.left, top - drawn.bottom)
        case 270:
            return lambda drawn: Box(top - drawn.top, drawn.left - left, top - drawn.bottom, drawn.right - left)
    return lambda drawn: Box(drawn.left - left, drawn.bottom - bottom, drawn.right - left, drawn.top - bottom)


def _expand_ligatures(text: str) -> str:
    """Letters that are drawn as one, and nothing else, as the letters that they are."""
    return _LIGATURES.sub(lambda match: unicodedata.normalize("NFKC", match.group()), text)
