"""PDFs read as a person reads them: column by column, page by page, without what every page repeats."""

import zlib
from collections.abc import Sequence

import pytest

from backend.errors import ContentError
from pipeline.sources import pdf
from pipeline.sources.parsed import Block, ParsedDocument

Text = tuple[float, float, float, str]  # left, bottom, size, words

WORDS = (
    "A small room rings at the low notes that fit between its walls and the "
    "corner holds the most of them so a panel of wool helps there before any "
    "thing else is done and nobody hears the panel itself since it takes only "
    "what the room has added to the voice of the one who speaks in front of it "
)


def written(
    pages: Sequence[Sequence[Text]],
    *,
    title: str = "",
    outline: Sequence[tuple[str, int]] = (),
    turned: int = 0,
    picture: bool = False,
    locked: bool = False,
) -> bytes:
    """A PDF with these texts in Helvetica; `outline` are titles with the index of their page."""
    parts: list[bytes] = [b"", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"]
    pixels = zlib.compress(b"\x80")
    parts.append(
        b"<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode"
        b"/Length %d>>stream\n%s\nendstream" % (len(pixels), pixels)
    )
    numbers = []
    for page in pages:
        drawn = b"q 612 0 0 792 0 0 cm /I Do Q " if picture else b""
        for left, bottom, size, words in page:
            place = f"0 1 -1 0 {bottom} {left}" if turned else f"1 0 0 1 {left} {bottom}"
            shown = words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").encode("cp1252")
            drawn += f"BT /F {size} Tf {place} Tm (".encode() + shown + b") Tj ET "
        parts.append(b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn))
        parts.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Rotate %d/Contents %d 0 R"
            b"/Resources<</Font<</F 3 0 R>>/XObject<</I 4 0 R>>>>>>" % (turned, len(parts))
        )
        numbers.append(len(parts))
    root = b""
    if outline:
        first = len(parts) + 2
        last = first + len(outline) - 1
        parts.append(b"<</First %d 0 R/Last %d 0 R>>" % (first, last))
        root = b"/Outlines %d 0 R" % len(parts)
        for index, (name, page) in enumerate(outline):
            following = b"/Next %d 0 R" % (first + index + 1) if first + index < last else b""
            parts.append(
                b"<</Title(%s)/Parent %d 0 R/Dest[%d 0 R/Fit]%s>>"
                % (name.encode(), first - 1, numbers[page], following)
            )
    parts[0] = b"<</Type/Catalog/Pages 2 0 R%s>>" % root
    kids = b" ".join(b"%d 0 R" % number for number in numbers)
    parts[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(numbers), kids)
    parts.append(b"<</Title(%s)>>" % title.encode())
    trailer = b"/Root 1 0 R/Info %d 0 R" % len(parts)
    if locked:
        sign = b"0" * 64
        trailer += b"/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>>" % (sign, sign)
    content, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, start=1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(parts) + 1
    return content + b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d%s>>\nstartxref\n%d\n%%%%EOF" % (
        size, table, size, trailer, len(content)
    )  # fmt: skip


def column(text: str, left: float = 72, top: float = 700, characters: int = 40) -> list[Text]:
    """The words in lines of 12 points, none longer than so many characters."""
    lines, line = [], ""
    for word in text.split():
        if len(line) + len(word) >= characters:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    lines.append(line)
    return [(left, top - 14 * number, 12, line) for number, line in enumerate(lines)]


def blocks(document: ParsedDocument) -> list[Block]:
    return [block for section in document.sections for block in section.blocks]


def texts(content: bytes) -> list[str]:
    return [block.text for block in blocks(pdf.parse(content))]


def test_lines_become_paragraphs_with_their_page() -> None:
    first, second = column(WORDS, top=700), column("The second page begins anew. " * 4, top=700)
    document = pdf.parse(written([first, second]))
    assert document.default_kind == "document"
    assert [(block.text, block.page) for block in blocks(document)] == [
        (WORDS.strip(), 1),
        (("The second page begins anew. " * 4).strip(), 2),
    ]


def test_columns_are_read_one_after_the_other_though_drawn_line_by_line() -> None:
    left, right = WORDS, " ".join(reversed(WORDS.split()))
    pairs = zip(column(left, 60, 600), column(right, 330, 600), strict=False)
    lines = [line for pair in pairs for line in pair]
    heading = [
        (60.0, 660.0, 12.0, "What stands above both columns goes over the whole width of the page, first of all")
    ]
    read = " ".join(texts(written([heading + lines])))
    assert read.startswith("What stands above")
    assert read.index("A small room rings at the low notes that fit between its walls") < read.index(
        "the voice of the one"
    )
    assert "it of front in speaks who one the of voice the to added has room the what" in read


def test_a_table_is_read_row_by_row() -> None:
    rows = [
        ("Room", "Decay", "Walls"),
        ("Small", "0.3 s", "wool"),
        ("Hall", "2 s", "stone"),
        ("Church", "5 s", "stone"),
    ]
    drawn = [
        (72.0 + 150 * x, 700.0 - 16 * y, 12.0, cell) for x in range(3) for y, cell in enumerate(c[x] for c in rows)
    ]
    assert texts(written([drawn])) == [
        "Room; Decay; Walls",
        "Small; 0.3 s; wool",
        "Hall; 2 s; stone",
        "Church; 5 s; stone",
    ]


def test_running_heads_page_numbers_and_watermarks_are_gone() -> None:
    pages = [
        [
            (72.0, 740.0, 9.0, "On rooms" if number % 2 else "Collected notes"),
            (500.0, 740.0, 9.0, str(number + 11)),
            (200.0, 400.0, 40.0, "DRAFT"),
            *column(f"Chapter {name} says something of its own.", top=650),
            (280.0, 40.0, 9.0, f"Page {number + 1} of 4"),
        ]
        for number, name in enumerate(("one", "two", "three", "four"))
    ]
    assert texts(written(pages)) == [
        f"Chapter {name} says something of its own." for name in ("one", "two", "three", "four")
    ]


def test_numbers_in_a_table_at_the_same_place_of_two_pages_stay() -> None:
    pages = [
        [(72.0, 700.0, 12.0, "Walls"), (300.0, 700.0, 12.0, "40")],
        [(72.0, 700.0, 12.0, "Floor"), (300.0, 700.0, 12.0, "40")],
    ]
    assert texts(written(pages)) == ["Walls; 40", "Floor; 40"]


def test_pages_that_are_all_alike_are_read() -> None:
    assert texts(written([[(72.0, 700.0, 12.0, "Thank you for listening.")]] * 2)) == ["Thank you for listening."] * 2


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ("the panel is made of absor-", "bent wool", "absorbent wool"),
        ("the room of a well-", "known singer", "well-known singer"),
        ("from the years 1994-", "1996 at least", "1994-1996"),
        ("what they call a Bose-", "Einstein state", "Bose-Einstein"),
    ],
)
def test_words_divided_at_a_line_end_are_whole_and_compounds_stay(first: str, second: str, whole: str) -> None:
    lines = [
        (72.0, 700.0, 12.0, "a well-known fact is written here so"),
        (72.0, 686.0, 12.0, first),
        (72.0, 672.0, 12.0, second),
    ]
    assert whole in " ".join(texts(written([lines])))


def test_a_paragraph_that_goes_on_over_the_page_is_one_run_of_sentences() -> None:
    first = column("The room was quiet and nobody spoke until the tape was run-", top=700)
    second = column("ning again in the next room.", top=700)
    start, end = blocks(pdf.parse(written([first, second])))
    assert (start.page, end.page) == (1, 2)
    assert start.text + end.before + end.text == (
        "The room was quiet and nobody spoke until the tape was running again in the next room."
    )


def test_ligatures_are_letters_and_fractions_stay() -> None:
    assert texts(written([[(72, 700, 12, "A ½ inch of wool")]])) == ["A ½ inch of wool"]


def test_a_page_that_is_turned_reads_as_it_is_seen() -> None:
    lines = [(72.0, 100.0, 12.0, "First the upper line is read,"), (72.0, 114.0, 12.0, "then the lower one.")]
    assert texts(written([lines], turned=90)) == ["First the upper line is read, then the lower one."]


def test_the_outline_gives_headings() -> None:
    page = [
        (72.0, 700.0, 12.0, "1. Rooms"),
        *column(WORDS, top=660),
        (72.0, 500.0, 12.0, "2. Walls"),
        *column(WORDS, top=460),
    ]
    document = pdf.parse(written([page], outline=[("1 Rooms", 0), ("2 Walls", 0)]))
    assert [section.headings for section in document.sections] == [("1. Rooms",), ("2. Walls",)]


def test_an_outline_that_names_other_things_is_not_trusted() -> None:
    document = pdf.parse(written([column(WORDS)], outline=[("A small room rings", 0), ("The corner holds", 0)]))
    assert [section.headings for section in document.sections] == [()]


@pytest.mark.parametrize(
    ("stated", "title"),
    [
        ("Rooms and their walls", "Rooms and their walls"),
        ("Microsoft Word - rooms.doc", "What rooms do"),
        ("rooms.pdf", "What rooms do"),
        ("untitled", "What rooms do"),
    ],
)
def test_the_title_is_stated_or_stands_largest_at_the_top(stated: str, title: str) -> None:
    page = [(72.0, 720.0, 24.0, "What rooms do"), *column(WORDS, top=660)]
    assert pdf.parse(written([page], title=stated)).title == title


def test_no_title_is_better_than_a_guess() -> None:
    assert pdf.parse(written([column(WORDS)])).title is None


def test_a_scanned_document_is_refused_with_what_to_do() -> None:
    stamp = [[(72.0, 770.0, 9.0, f"Filed 01/02/03, page {number} of 2")] for number in (1, 2)]
    for pages in (stamp, [[]]):
        with pytest.raises(ContentError, match=r"no text.*needs OCR"):
            pdf.parse(written(pages, picture=True))


def test_a_scanned_page_among_others_is_told() -> None:
    document = pdf.parse(written([column(WORDS), []], picture=True))
    assert document.remarks == ("1 of its 2 pages are scanned, need OCR and were left out",)


def test_a_picture_behind_the_text_is_no_scan() -> None:
    assert pdf.parse(written([column(WORDS)], picture=True)).remarks == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (written([column(WORDS)], locked=True), "opens only with a password"),
        (b"%PDF-1.7\nand then nothing of the kind", "damaged or incomplete"),
        (b"", "damaged or incomplete"),
    ],
)
def test_what_cannot_be_opened_is_refused_with_a_sentence(content: bytes, reason: str) -> None:
    with pytest.raises(ContentError, match=reason):
        pdf.parse(content)
