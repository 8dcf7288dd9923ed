"""A table's rows say what its columns are, whoever wrote it and however its cells spread."""

from collections.abc import Callable

import pytest

from pipeline.sources import docx, html, markdown
from tests.pipeline.test_docx import document, paragraph

HEADER = "<tr><th>City</th><th>Year</th><th>Pop</th></tr>"
PROSE = "<p>So many people lived there, as far as anybody has counted them and kept what was counted.</p>"


def of_page(table: str) -> list[str]:
    return [block.text for section in html.parse(table.encode()).sections for block in section.blocks]


def of_fragment(table: str) -> list[str]:
    return [block.text for section in markdown.parse(table).sections for block in section.blocks]


both = pytest.mark.parametrize("texts", [of_page, of_fragment])
Texts = Callable[[str], list[str]]


@both
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            "<tr><td rowspan=2>Rome</td><td>1900</td><td>1m</td></tr><tr><td>2000</td><td>2m</td></tr>"
            "<tr><td>Oslo</td><td>1900</td><td>2t</td></tr>",
            ["Rome – Year: 1900; Pop: 1m", "Rome – Year: 2000; Pop: 2m", "Oslo – Year: 1900; Pop: 2t"],
        ),
        (
            "<tr><td>Rome</td><td rowspan=3>1900</td><td>1m</td></tr><tr><td>Oslo</td><td>2t</td></tr>"
            "<tr><td>Bern</td></tr>",
            ["Rome – Year: 1900; Pop: 1m", "Oslo – Year: 1900; Pop: 2t", "Bern – Year: 1900"],
        ),
        (
            "<tr><td>Rome</td><td>1900</td><td rowspan=2>1m</td></tr><tr><td>Oslo</td></tr>",
            ["Rome – Year: 1900; Pop: 1m", "Oslo – Pop: 1m"],
        ),
        (
            "<tr><td rowspan=2>Rome</td><td colspan=2>nobody knows</td></tr><tr><td>2000</td><td>2m</td></tr>",
            ["Rome – Year: nobody knows", "Rome – Year: 2000; Pop: 2m"],
        ),
        (
            "<tr><td colspan=2 rowspan=2>Rome, always</td><td>1m</td></tr><tr><td>2m</td></tr>",
            ["Rome, always – Pop: 1m", "Rome, always – Pop: 2m"],
        ),
        (
            "<tr><td rowspan=2>Rome</td><td>1900</td><td>1m</td></tr><tr></tr><tr><td>Oslo</td><td>2000</td></tr>",
            ["Rome – Year: 1900; Pop: 1m", "Oslo – Year: 2000"],
        ),
        (
            "<tr><td rowspan=0>Rome<td>1900<td>1m<tr><td>2000<td>2m",
            ["Rome – Year: 1900; Pop: 1m", "Rome – Year: 2000; Pop: 2m"],
        ),
        (
            "<tbody><tr><td rowspan=9>Rome</td><td>1900</td></tr></tbody><tbody><tr><td>Oslo</td><td>1900</td></tr>",
            ["Rome – Year: 1900", "Oslo – Year: 1900"],
        ),
    ],
)
def test_what_spans_rows_is_said_in_each_and_moves_no_value_to_another_column(
    rows: str, expected: list[str], texts: Texts
) -> None:
    assert texts(f"<table>{HEADER}{rows}</table>") == expected


@both
def test_a_long_text_that_spans_rows_is_said_once(texts: Texts) -> None:
    long = "It was never counted. " * 20
    rows = f"<tr><td>Rome<td>1900<td rowspan=2>{long}</td></tr><tr><td>Oslo<td>2000</td></tr>"
    assert texts(f"<table>{HEADER}{rows}</table>") == [f"Rome – Year: 1900; Pop: {long.strip()}", "Oslo – Year: 2000"]


@both
def test_headers_of_rows_are_no_names_of_columns(texts: Texts) -> None:
    assert texts("<table><tr><th>Decay</th><td>2 s</td></tr><tr><th>Gain</th><td>3 dB</td></tr></table>") == [
        "Decay – 2 s",
        "Gain – 3 dB",
    ]
    assert texts("<table><tr><td></td><th>Hall</th></tr><tr><th>Decay</th><td>2 s</td></tr></table>") == [
        "Decay – Hall: 2 s"
    ]


@both
@pytest.mark.parametrize("span", ["9" * 5000, "1e9", "-2", "2.5", "many", "", "٢"])
def test_absurd_spans_do_no_harm(span: str, texts: Texts) -> None:
    read = texts(f"<table><tr><td colspan='{span}' rowspan='{span}'>a</td><td>b</td></tr><tr><td>c</td></tr></table>")
    assert read[0] == "a – b"
    assert read[1:] in (["c"], ["a – c"])


@both
def test_a_table_of_spans_alone_stays_small(texts: Texts) -> None:
    rows = "<tr><td colspan=99999 rowspan=99999>a" * 2000
    assert sum(map(len, texts(f"<table>{rows}</table>"))) < 1_000_000


def test_an_absurd_first_number_of_a_list_is_not_counted_from() -> None:
    assert of_page(f"<ol start={'9' * 5000}><li>a<li>b</ol>{PROSE}")[:2] == ["1. a", "2. b"]


def test_a_table_that_an_empty_line_cuts_in_two_keeps_its_rows() -> None:
    assert of_fragment(
        "<table>\n<tr><td>Rome</td><td>1m</td></tr>\n\n<tr><td>Oslo</td><td>2t</td></tr>\n</table>\n"
    ) == [
        "Rome – 1m",
        "Oslo – 2t",
    ]


def test_cells_that_were_joined_downwards_in_word_are_said_in_each_row() -> None:
    def row(*cells: tuple[str, str]) -> str:
        written = (f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(text)}</w:tc>" for text, properties in cells)
        return f"<w:tr>{''.join(written)}</w:tr>"

    header = row(("City", ""), ("Year", ""), ("Pop", "")).replace("<w:tr>", "<w:tr><w:trPr><w:tblHeader/></w:trPr>")
    first = row(("Rome", '<w:vMerge w:val="restart"/>'), ("1900", ""), ("1m", ""))
    second = row(("", "<w:vMerge/>"), ("2000", ""), ("2m", ""))
    parsed = docx.parse(document(f"<w:tbl>{header}{first}{second}</w:tbl>"))
    assert [block.text for section in parsed.sections for block in section.blocks] == [
        "Rome – Year: 1900; Pop: 1m",
        "Rome – Year: 2000; Pop: 2m",
    ]
