"""PDF documents: their text page by page, under the headings of their outline."""

from collections.abc import Sequence
from dataclasses import dataclass

import pypdfium2.raw as pdfium
from pypdfium2 import PdfDocument, PdfiumError, PdfPage

from backend.errors import ContentError
from pipeline.sources.parsed import ParsedDocument
from pipeline.sources.pdf_lines import in_reading_order
from pipeline.sources.pdf_outline import under_outline
from pipeline.sources.pdf_paragraphs import read_blocks
from pipeline.sources.pdf_running import without_running_text
from pipeline.sources.pdf_stretches import Stretch, read_stretches
from pipeline.sources.pdf_title import find_title

NO_TEXT = (
    "It has no text: it is scanned and needs OCR. Run it through an OCR tool that writes a PDF with text, "
    "and ingest that."
)
_FEW_LETTERS = 25  # on a page: no more than a stamp or a page number
_PICTURE = 0.5  # of the page's area, that the scan of a page covers at least


@dataclass(frozen=True, slots=True)
class _Page:
    stretches: list[Stretch]
    is_picture: bool


def parse(content: bytes) -> ParsedDocument:
    """Paragraphs and table rows, each with its page; running heads, page numbers and watermarks are gone.

    Raises `ContentError` where it is no PDF, has a password or is scanned.
    """
    document = _open(content)
    try:
        remarks: list[str] = []
        pages = _read_pages(document, remarks)
        kept = without_running_text([page.stretches for page in pages])
        if not any(kept) and not any(page.is_picture for page in pages):
            kept = [page.stretches for page in pages]  # its pages are all alike
        _refuse_scans([page.is_picture for page in pages], [_letters(page) for page in kept], remarks)
        lines = [in_reading_order(page) for page in kept]
        blocks = read_blocks(lines)
        sections = under_outline(document, blocks)
        return ParsedDocument(tuple(sections), "document", find_title(document, lines), remarks=tuple(remarks))
    finally:
        document.close()


def _open(content: bytes) -> PdfDocument:
    """The document, if it opens without a password or with an empty one."""
    try:
        return PdfDocument(content)
    except PdfiumError as error:
        match error.err_code:
            case pdfium.FPDF_ERR_PASSWORD:
                raise ContentError("It opens only with a password: save it without one, and ingest that.") from error
            case pdfium.FPDF_ERR_SECURITY:
                raise ContentError("It is encrypted in a way that cannot be read: save it without.") from error
        raise ContentError("It is no PDF that can be read: it is damaged or incomplete.") from error


def _read_pages(document: PdfDocument, remarks: list[str]) -> list[_Page]:
    pages: list[_Page] = []
    unreadable = 0
    for number in range(len(document)):
        try:
            page = document[number]
        except PdfiumError:
            unreadable += 1
            pages.append(_Page([], is_picture=False))
            continue
        try:
            stretches = list(read_stretches(page))
            pages.append(_Page(stretches, _letters(stretches) < 4 * _FEW_LETTERS and _is_picture(page)))
        finally:
            page.close()
    if unreadable == len(document):
        raise ContentError("None of its pages can be read: it is damaged or incomplete.")
    if unreadable:
        remarks.append(f"{unreadable} of its {len(document)} pages cannot be read and were left out")
    return pages


def _letters(stretches: Sequence[Stretch]) -> int:
    return sum(character.isalnum() for stretch in stretches for character in stretch.text)


def _is_picture(page: PdfPage) -> bool:
    """Whether images cover most of the page."""
    width, height = page.get_size()
    area = 0.0
    for image in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE]):
        left, bottom, right, top = image.get_bounds()
        area += (right - left) * (top - bottom)
    return bool(area > _PICTURE * width * height)


def _refuse_scans(pictures: Sequence[bool], letters: Sequence[int], remarks: list[str]) -> None:
    """Raises `ContentError` where next to nothing but pictures is there; tells of single pages without text."""
    scanned = sum(picture and count < _FEW_LETTERS for picture, count in zip(pictures, letters, strict=True))
    if not any(letters) or (scanned > len(letters) / 2 and sum(letters) < _FEW_LETTERS * len(letters)):
        raise ContentError(NO_TEXT)
    if scanned:
        remarks.append(f"{scanned} of its {len(letters)} pages are scanned, need OCR and were left out")
