"""PDF and Word files that were made to harm whoever reads them, each with the reason that it is refused for."""

import io
import zipfile
import zlib
from collections.abc import Iterable

MANY = 100_000
DAMAGED = "damaged or incomplete"
TOO_MUCH = "takes more than 25 seconds|needs more than 1 GiB"
CRASHED = "crashed|GiB of memory"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
LINE = b"BT /F1 12 Tf 100 700 Td (A small room rings at low frequencies.) Tj ET "
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml'
    '.document.main+xml"/></Types>'
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="word/document.xml"/></Relationships>'
)


def pdf(objects: Iterable[bytes]) -> bytes:
    """A PDF of these objects, numbered from 1, of which the first is its root."""
    file = io.BytesIO(b"%PDF-1.7\n")
    file.seek(0, io.SEEK_END)
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(file.tell())
        file.write(b"%d 0 obj\n%b\nendobj\n" % (number, content))
    table = file.tell()
    file.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1))
    file.write(b"".join(b"%010d 00000 n \n" % offset for offset in offsets))
    file.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(offsets) + 1, table))
    return file.getvalue()


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """An object that holds bytes."""
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(content), entries, content)


def one_page(content: bytes, *more: bytes, root: bytes = b"", box: bytes = b"0 0 600 800", forms: bytes = b"") -> bytes:
    """A PDF of one page; `more` are its objects from the sixth on."""
    resources = b"<< /Font << /F1 4 0 R >> /XObject << %b >> >>" % forms
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [%b] /Contents 5 0 R /Resources %b >>" % (box, resources)
    catalogue = b"<< /Type /Catalog /Pages 2 0 R %b >>" % root
    return pdf([catalogue, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page, FONT, content, *more])


def packed(unit: bytes, size: int, times: int = 1) -> bytes:
    """A stream of `size` bytes of repeated `unit`, compressed so many times."""
    press = zlib.compressobj(9)
    piece = unit * (2**20 // len(unit))
    content = b"".join(press.compress(piece) for _ in range(size // len(piece))) + press.flush()
    for _ in range(times - 1):
        content = zlib.compress(content, 9)
    return stream(content, b"/Filter [%b]" % (b"/FlateDecode " * times))


def _forms(depth: int, *, loop: bool) -> bytes:
    """Drawings that draw others ten times, and the innermost the text, or the first again."""
    last = 5 + depth
    drawings = []
    for number in range(6, last + 1):
        inner = 6 if loop and number == last else number + 1
        resources = b"/Resources << /Font << /F1 4 0 R >> /XObject << /X %d 0 R >> >>" % inner
        content = LINE if number == last and not loop else b"/X Do " * 10
        drawings.append(stream(content, b"/Type /XObject /Subtype /Form /BBox [0 0 600 800] " + resources))
    return one_page(stream(b"/X Do"), *drawings, forms=b"/X 6 0 R")


def _page_tree(depth: int) -> bytes:
    nodes = [b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (number + 1) for number in range(2, depth)]
    return pdf([b"<< /Type /Catalog /Pages 2 0 R >>", *nodes, b"<< /Type /Page /MediaBox [0 0 600 800] >>"])


def _pages(kids: bytes, count: int) -> bytes:
    tree = b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, count)
    resources = b"<< /Font << /F1 5 0 R >> >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources %b >>" % resources
    return pdf([b"<< /Type /Catalog /Pages 2 0 R >>", tree, page, stream(LINE), FONT])


def _outline(entry: bytes) -> bytes:
    return one_page(
        stream(LINE),
        b"<< /Type /Outlines /First 7 0 R /Last 7 0 R >>",
        b"<< /Title (Rooms) /Parent 6 0 R /Dest [3 0 R /Fit] %b >>" % entry,
        root=b"/Outlines 6 0 R",
    )


def docx(inner: str, doctype: str = "", **parts: bytes) -> bytes:
    """A Word file with this body; `parts` lie beside it, two underscores for each slash."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr("_rels/.rels", RELATIONS)
        document = f'{doctype}<w:document xmlns:w="{WORD}"><w:body>{inner}</w:body></w:document>'
        archive.writestr("word/document.xml", document)
        for name, content in parts.items():
            archive.writestr(f"word/{name}", content)
    return file.getvalue()


def paragraph(text: str) -> str:
    """A paragraph of a Word file."""
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def _entities(count: int) -> str:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, count))
    return f'<!DOCTYPE d [<!ENTITY a0 "ha">{entities}]>'


ROOM = paragraph("A small room rings at low frequencies.")
LONG_ENTITY = f'<!DOCTYPE d [<!ENTITY a "{"x" * 50_000}">]>'
FILE_OF_OURS = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'

PDF = {
    "blanks, packed twice": (lambda: one_page(packed(b" ", 2**26, 2)), "no text"),
    "a page beyond the stars": (lambda: one_page(stream(LINE), box=b"0 0 1e30 1e30"), None),
    "letters beyond the stars": (lambda: one_page(stream(b"1e30 0 0 1e30 1e38 1e38 cm " + LINE)), "no text"),
    "drawings that draw themselves": (lambda: _forms(1, loop=True), CRASHED),
    "drawings that draw ten others": (lambda: _forms(9, loop=False), CRASHED),
    "a deep tree of pages": (lambda: _page_tree(MANY // 2), DAMAGED),
    "a tree of pages that is its own branch": (lambda: _pages(b"2 0 R 2 0 R", 10**9), DAMAGED),
    "pages that are not there": (lambda: _pages(b"3 0 R", 2 * 10**9), None),
    "brackets": (lambda: one_page(stream(LINE), root=b"/X " + b"[" * MANY + b"]" * MANY), None),
    "an outline that goes on with itself": (lambda: _outline(b"/Next 7 0 R"), None),
    "an outline below itself": (lambda: _outline(b"/First 7 0 R /Last 7 0 R"), None),
    "cut off": (lambda: one_page(stream(LINE))[:300], DAMAGED),
    "nothing": (lambda: b"", DAMAGED),
    "only its name": (lambda: b"%PDF-1.7", DAMAGED),
}
DOCX = {
    "entities of entities": (lambda: docx(paragraph("&a11;"), _entities(12)), DAMAGED),
    "one long entity": (
        lambda: docx(paragraph("&a;" * 50_000), f'<!DOCTYPE d [<!ENTITY a "{"x" * 50_000}">]>'),
        DAMAGED,
    ),
    "a file of ours": (lambda: docx(ROOM + paragraph("&x;"), FILE_OF_OURS), None),
    "a large picture": (lambda: docx(ROOM, media=bytes(10**8)), None),
    "tables in tables": (lambda: docx("<w:tbl><w:tr><w:tc>" * 20_000), DAMAGED),
    "controls in controls": (lambda: docx("<w:sdt><w:sdtContent>" * MANY), DAMAGED),
    "cut off": (lambda: docx(ROOM)[:600], DAMAGED),
    "no archive": (lambda: b"PK\x03\x04" + b"\xff" * 1000, DAMAGED),
}
SLOW_BINARY = {
    "a gigabyte of blanks.pdf": (lambda: one_page(packed(b" ", 2**30, 2)), CRASHED),
    "styles of a gigabyte.docx": (lambda: docx(ROOM, **{"styles.xml": b" " * 10**9}), f"{DAMAGED}|{TOO_MUCH}"),
    "ten million lines.pdf": (lambda: one_page(packed(LINE, 3 * 2**28)), CRASHED),
    "one page a million times.pdf": (lambda: _pages(b"3 0 R " * 10 * MANY, 10 * MANY), TOO_MUCH),
    "a word of a gigabyte.docx": (lambda: docx(paragraph("a" * 9 * 10**8)), TOO_MUCH),
    "a million paragraphs.docx": (lambda: docx(ROOM * 10 * MANY), TOO_MUCH),
}
