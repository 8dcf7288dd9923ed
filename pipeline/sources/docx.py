"""Word documents (.docx): headings, lists, tables and code by their styles. Pictures, comments and hidden text are left
out."""

import io
import zipfile

import mammoth
from lxml import etree, html

from backend.errors import ContentError
from pipeline.clean import clean_characters
from pipeline.sources.docx_parts import as_shown
from pipeline.sources.html_blocks import inline_text, read_sections
from pipeline.sources.outline import below_title
from pipeline.sources.parsed import Metadata, NothingToRead, ParsedDocument
from pipeline.sources.properties import stated_authors, stated_title

_DAMAGED = "It is no Word document that can be read: it is damaged or incomplete."
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # what Word wrote before 2007, and what holds encrypted files
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_TITLE = "document-title"
_STYLES = "\n".join(
    (
        f"p[style-name='Title'] => p.{_TITLE}:fresh",
        *(
            f"p[style-name='{style}'] => pre:separator('\\n')"
            for style in ("HTML Preformatted", "Preformatted Text", "Source Code", "Code", "Code Block", "macro")
        ),
    )
)
_PROPERTIES = "docProps/core.xml"
_NAMES = {"dc": "http://purl.org/dc/elements/1.1/"}


def parse(content: bytes) -> ParsedDocument:
    """Sections by heading. The date in its properties is not read: it is that of the file, not of its publication.

    Raises `ContentError` where it is none, has a password or macros, `NothingToRead` where there is no text in it.
    """
    _refuse_others(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _refuse_archive(archive)
            properties = archive.read(_PROPERTIES) if _PROPERTIES in archive.namelist() else b""
            shown = as_shown(archive)
        page = mammoth.convert_to_html(
            io.BytesIO(shown),
            style_map=_STYLES,
            include_embedded_style_map=False,
            ignore_empty_paragraphs=False,
            convert_image=lambda image: [],
        ).value
    except (ContentError, MemoryError):
        raise
    except Exception as error:
        raise ContentError(_DAMAGED) from error
    root = html.document_fromstring(f"<body>{clean_characters(page)}</body>")
    shown_title = _shown_title(root)
    title = stated_title(_property(properties, "title")) or shown_title
    sections = below_title(read_sections(root), title)
    if not sections:
        raise NothingToRead("There is no text in it.")
    authors = stated_authors(_property(properties, "creator"))
    return ParsedDocument(sections, "document", title, Metadata(authors=authors))


def _refuse_others(content: bytes) -> None:
    if not content.startswith(_COMPOUND_FILE):
        return
    if _ENCRYPTED in content:
        raise ContentError("It opens only with a password: save it without one, and ingest that.")
    raise ContentError("It is a document of an old Word: save it as .docx, and ingest that.")


def _refuse_archive(archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    if "[Content_Types].xml" not in names or not any(name.startswith("word/") for name in names):
        raise ContentError("It is no Word document.")
    if any(name.endswith("vbaProject.bin") for name in names):
        raise ContentError("It has macros: save it as .docx, which has none, and ingest that.")


def _property(properties: bytes, name: str) -> str:
    """A core property, empty where there is none."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(properties, parser)
    except etree.XMLSyntaxError:  # also where there are none
        return ""
    return str(root.findtext(f"dc:{name}", default="", namespaces=_NAMES))


def _shown_title(root: html.HtmlElement) -> str | None:
    """Takes the paragraph out that has Word's style for titles, and returns its text."""
    for element in root.find_class(_TITLE):
        text = inline_text(element)
        element.drop_tree()
        if text:
            return text
    return None
