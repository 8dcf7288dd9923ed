"""What of an answer is a footnote: service and widget read the same cases (frontend/tests/footnotes.test.ts)."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from backend.chat.claims import MARKER, texts_of
from backend.chat.markers import CitationFilter

CASES = json.loads((Path(__file__).parent / "footnotes.json").read_text(encoding="utf-8"))
SOURCES = 2


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_service_passes_on_and_counts_what_the_widget_shows(case: dict[str, Any]) -> None:
    citations = CitationFilter(SOURCES)
    assert citations.feed(case["said"]) + citations.finish() == case["answer"]
    counted = [int(number) for text in texts_of(case["answer"]) for number in MARKER.findall(text)]
    assert [number for number in counted if 1 <= number <= SOURCES] == case["footnotes"]


def test_the_cases_hold_markers_of_every_kind() -> None:
    said = "".join(case["said"] for case in CASES)
    assert all(re.search(kind, said) for kind in (r"\[\d, \d\]", r"\[\[", "【", "［", "`", "~~~", r"\]\(", "<http"))
