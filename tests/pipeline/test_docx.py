"""Word documents become sections, whatever Word calls their styles."""

import io
import zipfile

import pytest

from backend.errors import ContentError
from pipeline.sources import docx
from pipeline.sources.parsed import NothingToRead

_CONTENT_TYPES = """<?xml version="1.0"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/word/document.xml"
  ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>
</Types>"""
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONSHIPS = f"""<?xml version="1.0"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/>
</Relationships>"""
_PARTS = f"""<?xml version="1.0"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r1" Type="{_OFFICE}/styles" Target="styles.xml"/>
<Relationship Id="r2" Type="{_OFFICE}/numbering" Target="numbering.xml"/>
</Relationships>"""
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_STYLES = {"T": "Title", "H1": "heading 1", "H2": "heading 2", "C": "HTML Preformatted"}
_NUMBERING = f"""<w:numbering {_W}>
<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>"""


def paragraph(text: str, style: str = "", properties: str = "") -> str:
    style = f'<w:pStyle w:val="{style}"/>' if style else ""
    run = f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>' if text else ""
    return f"<w:p><w:pPr>{style}{properties}</w:pPr>{run}</w:p>"


def item(text: str) -> str:
    return paragraph(text, properties='<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>')


def table(*rows: tuple[str, ...]) -> str:
    """Its first row repeats on every page, as that of a table with a header does."""
    header = "<w:trPr><w:tblHeader/></w:trPr>"
    lines = (
        f"<w:tr>{'' if number else header}{''.join(f'<w:tc>{paragraph(cell)}</w:tc>' for cell in row)}</w:tr>"
        for number, row in enumerate(rows)
    )
    return f"<w:tbl>{''.join(lines)}</w:tbl>"


def document(*body: str, core: str = "", **more: str) -> bytes:
    """A Word document of these paragraphs and tables; `core` are its properties."""
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/></w:style>'
        for key, name in _STYLES.items()
    )
    files = {
        "[Content_Types].xml": _CONTENT_TYPES,
        "_rels/.rels": _RELATIONSHIPS,
        "word/_rels/document.xml.rels": _PARTS,
        "word/document.xml": f"<w:document {_W}><w:body>{''.join(body)}</w:body></w:document>",
        "word/styles.xml": f"<w:styles {_W}>{styles}</w:styles>",
        "word/numbering.xml": _NUMBERING,
        **more,
    }
    if core:
        files["docProps/core.xml"] = (
            '<p:coreProperties xmlns:p="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/">{core}</p:coreProperties>'
        )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


def texts(content: bytes) -> list[str]:
    return [block.text for section in docx.parse(content).sections for block in section.blocks]


def test_headings_become_paths_and_the_title_is_not_text() -> None:
    parsed = docx.parse(
        document(
            paragraph("Mixing at home", "T"),
            paragraph("Start here."),
            paragraph("Rooms", "H1"),
            paragraph("Small ones", "H2"),
            paragraph("Hang a blanket."),
        )
    )
    assert parsed.default_kind == "document"
    assert parsed.title == "Mixing at home"
    assert [(section.headings, [block.text for block in section.blocks]) for section in parsed.sections] == [
        ((), ["Start here."]),
        (("Rooms", "Small ones"), ["Hang a blanket."]),
    ]


def test_lists_and_tables_read_as_elsewhere() -> None:
    assert texts(
        document(
            item("Aim low."),
            item("Listen twice."),
            table(("Room", "Decay"), ("Small", "0.3 s"), ("Hall", "2 s")),
        )
    ) == ["1. Aim low.", "2. Listen twice.", "Small – Decay: 0.3 s", "Hall – Decay: 2 s"]


def test_code_keeps_its_lines_and_indentation() -> None:
    lines = ("def gain(db):", "    return 10 ** (db / 20)", "", "print(gain(-6))")
    assert texts(document(*(paragraph(line, "C") for line in lines))) == [
        "```\ndef gain(db):\n    return 10 ** (db / 20)\n\nprint(gain(-6))\n```"
    ]


def run(text: str, *properties: str) -> str:
    return f'<w:r><w:rPr>{"".join(properties)}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def test_hidden_text_is_not_published() -> None:
    styles = (
        '<w:style w:type="paragraph" w:styleId="S"><w:rPr><w:vanish/></w:rPr></w:style>'
        '<w:style w:type="character" w:styleId="K"><w:rPr><w:vanish w:val="1"/></w:rPr></w:style>'
    )
    hidden, shown, styled = "<w:vanish/>", '<w:vanish w:val="0"/>', '<w:rStyle w:val="K"/>'
    content = document(
        f"<w:p>{run('Hang')}{run(' no', hidden)}{run(' wool.', shown)}</w:p>",
        f"<w:p>{run('It is far too dear.', hidden)}</w:p>",
        paragraph("Ask for a rebate.", "S"),
        f"<w:p>{run('It')}{run('(s price)', styled)}{run(' helps.')}</w:p>",
        **{"word/styles.xml": f"<w:styles {_W}>{styles}</w:styles>"},
    )
    assert texts(content) == ["Hang wool.", "It helps."]


def test_the_ends_of_a_field_stay_where_its_name_is_hidden() -> None:
    field = "".join(
        f'<w:r><w:rPr><w:vanish/></w:rPr><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate")
    )
    content = document(f'<w:p>{field}{run("Hang wool.")}<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>')
    assert texts(content) == ["Hang wool."]


def test_a_formula_stands_in_its_sentence() -> None:
    def maths(signs: str) -> str:
        return f"<m:r><w:rPr/><m:t>{signs}</m:t></m:r>"

    math = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    power = f"<m:sSup><m:sSupPr/><m:e>{maths('v')}</m:e><m:sup>{maths('2')}</m:sup></m:sSup>"
    half = f"<m:f><m:fPr/><m:num>{maths('1')}</m:num><m:den>{maths('2')}</m:den></m:f>"
    content = document(
        f"<w:p>{run('So ')}<m:oMath {math}>{maths('E=')}{half}{maths('m')}{power}</m:oMath>{run(' holds.')}</w:p>",
        f"<w:p><m:oMathPara {math}><m:oMathParaPr/><m:oMath>{maths('a=b')}</m:oMath><m:oMath>{maths('b=c')}</m:oMath>"
        "</m:oMathPara></w:p>",
    )
    assert texts(content) == ["So E=1/2mv^2 holds.", "a=b b=c"]


def test_its_properties_give_title_and_authors() -> None:
    core = "<dc:title>Rooms &amp; reverbs</dc:title><dc:creator>Ana Ruiz; Dex Kole</dc:creator>"
    parsed = docx.parse(document(paragraph("Listen."), core=core))
    assert parsed.title == "Rooms & reverbs"
    assert parsed.metadata.authors == ("Ana Ruiz", "Dex Kole")


@pytest.mark.parametrize("title", ["Microsoft Word - rooms.doc", "rooms_final_2.docx", "Document1", ""])
def test_a_title_that_a_program_wrote_is_none(title: str) -> None:
    core = f"<dc:title>{title}</dc:title><dc:creator>Microsoft Office User</dc:creator>"
    parsed = docx.parse(document(paragraph("Listen."), core=core))
    assert parsed.title is None
    assert parsed.metadata.authors == ()


def test_properties_that_name_a_file_do_not_get_it(tmp_path) -> None:  # type: ignore[no-untyped-def]
    secret = tmp_path / "secret.txt"
    secret.write_text("two words")
    core = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]><x xmlns:dc="http://purl.org/dc/elements/1.1/">'
    content = document(paragraph("Listen."), **{"docProps/core.xml": f"{core}<dc:title>so &e;</dc:title></x>"})
    assert "two words" not in (docx.parse(content).title or "")


def test_without_text_there_is_nothing_to_read() -> None:
    with pytest.raises(NothingToRead, match="no text"):
        docx.parse(document(paragraph("")))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04 nothing of the kind", "damaged or incomplete"),
        (document(paragraph("Listen."))[:900], "damaged or incomplete"),
        (document(paragraph("Listen."), **{"word/document.xml": "<w:document"}), "damaged or incomplete"),
        (document(paragraph("Listen."), **{"word/vbaProject.bin": "macro"}), "has macros"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", "old Word"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
    ],
)
def test_what_is_no_readable_document_is_refused_with_a_sentence(content: bytes, reason: str) -> None:
    with pytest.raises(ContentError, match=reason):
        docx.parse(content)


def test_another_archive_is_no_word_document() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("notes.txt", "Listen.")
    with pytest.raises(ContentError, match="no Word document"):
        docx.parse(packed.getvalue())
