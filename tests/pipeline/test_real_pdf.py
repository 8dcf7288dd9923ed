"""PDFs as courts, agencies and universities publish them."""

from pathlib import Path

import pytest

from backend.errors import ContentError
from backend.knowledge.embedder import Embedder
from pipeline.cut import cut
from pipeline.source import Request, Source, Task
from pipeline.sources import pdf
from tests.pipeline.shared import DATA, needs_data
from tests.pipeline.test_pdf import blocks

REAL = DATA / "formats/pdf"


@needs_data
@pytest.mark.parametrize("name", ["court-order-scanned.pdf", "nih-NCT06155240-image-only.pdf"])
def test_real_scans_are_refused(name: str) -> None:
    with pytest.raises(ContentError, match=r"no text.*needs OCR"):
        pdf.parse((REAL / name).read_bytes())


@needs_data
def test_a_real_judgment_reads_without_its_running_heads() -> None:
    document = pdf.parse((REAL / "scotus-598us1r5_1b72.pdf").read_bytes())
    pages: dict[int, str] = {}
    for block in blocks(document):
        pages[block.page or 0] = pages.get(block.page or 0, "") + block.before + block.text
    assert sorted(pages) == list(range(1, 19))
    everything = "".join(pages.values())
    for running in ("Cite as:", "Page Proof Pending", "Opinion of the Court", "Sotomayor, J., concurring"):
        assert running not in everything
    assert "The Bankruptcy Code strikes a balance between the interests of insolvent debtors" in pages[5]
    assert "sell it for a profit" in pages[2]  # its fonts name the ligature, and PDFium tells half of it
    assert "This argument flips the rule" in pages[11]
    assert "Buckley sued them in California state court." in everything


@needs_data
def test_a_real_plan_has_the_headings_of_its_outline_and_its_lists() -> None:
    document = pdf.parse((REAL / "nara-2022.pdf").read_bytes())
    assert document.title == "NARA 2022–2026 Strategic Plan"
    assert ("1. Access", "1.2. National Archives Catalog") in [section.headings for section in document.sections]
    read = [block.text for block in blocks(document)]
    assert any(text.startswith("• NARA will enter into new public-private") for text in read)
    assert not any("5e4f07e6" in text or text == "Page 5" for text in read)


@needs_data
def test_passages_of_a_real_report_know_their_pages(embedder: Embedder) -> None:
    path: Path = REAL / "ntsb-20080109X00035.pdf"
    task = Task(Source(path, path.name, str(path), Request(str(path)), creator="ntsb"))
    passages = [passage.chunk for passage in cut(task, embedder.count_tokens).passages]
    for words, page in (
        ("The airplane then cartwheeled counterclockwise", 1),
        ("Airport: Arnold Palmer Regional Airport; Runway Surface Type: Asphalt", 4),
        ("The NTSB makes public its actions and decisions", 5),
    ):
        assert [chunk.page for chunk in passages if words in chunk.text] == [page]
