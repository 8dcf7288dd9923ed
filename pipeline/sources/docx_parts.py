"""The parts of a Word document, changed to what its reader sees: without hidden text, and with formulas as text."""

import io
import re
import zipfile

from lxml import etree

from pipeline.sources.formulas import formula_signs

_TEXTS = re.compile(r"word/(?:document|footnotes|endnotes)\d*\.xml")
_STYLES = "word/styles.xml"
_READ = (".xml", ".rels")
_HIDING, _FORMULA = b"vanish", b"oMath"
_FIELDS = frozenset(("rPr", "fldChar", "instrText"))  # what a hidden run keeps, so that fields still have their ends
_OFF = frozenset(("0", "false", "off"))
_STYLE_OF_RUN = "{*}rPr/{*}rStyle"
_STYLE_OF_PARAGRAPH = "{*}pPr/{*}pStyle"


def as_shown(archive: zipfile.ZipFile) -> bytes:
    """The document anew. What is no text, nor says how parts belong together, is not in it: pictures, for example."""
    names = [name for name in archive.namelist() if name.endswith(_READ)]
    hidden = _hidden_styles(archive.read(_STYLES)) if _STYLES in names else frozenset()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as shown:
        for name in names:
            part = archive.read(name)
            shown.writestr(name, _shown(part, hidden) if _TEXTS.fullmatch(name) else part)
    return packed.getvalue()


def _hidden_styles(part: bytes) -> frozenset[str]:
    if _HIDING not in part:
        return frozenset()
    root = _parse(part)
    return frozenset(style.get(f"{_word(root)}styleId", "") for style in root.iter("{*}style") if _vanishes(style))


def _shown(part: bytes, hidden: frozenset[str]) -> bytes:
    if not hidden and _HIDING not in part and _FORMULA not in part:
        return part
    root = _parse(part)
    for run in list(root.iter("{*}r")):
        if _is_hidden(run, hidden):
            for child in [child for child in run if _name(child) not in _FIELDS]:
                run.remove(child)
    word = _word(root)
    for formula in list(root.iter("{*}oMath")):
        signs = formula_signs(formula)
        space = " " if _name(formula.getparent()) == "oMathPara" else ""
        tail = formula.tail
        formula.clear()
        formula.tag, formula.tail = f"{word}r", tail
        etree.SubElement(formula, f"{word}t").text = signs + space
    for lines in root.iter("{*}oMathPara"):
        lines.tag = f"{word}smartTag"  # a mere bracket, whose runs are read
    return bytes(etree.tostring(root.getroottree()))


def _parse(part: bytes) -> etree._Element:
    return etree.fromstring(part, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))


def _word(root: etree._Element) -> str:
    """The namespace of Word's elements, of which there are two."""
    return f"{{{etree.QName(root).namespace}}}"


def _name(element: etree._Element) -> str:
    return str(element.tag).rsplit("}", 1)[-1]


def _is_hidden(run: etree._Element, styles: frozenset[str]) -> bool:
    """Whether a run is hidden by itself, or else by its style or that of its paragraph."""
    if (vanishes := _vanishes(run)) is not None:
        return vanishes
    stated = run.findall(_STYLE_OF_RUN)
    for paragraph in run.iterancestors("{*}p"):
        stated += paragraph.findall(_STYLE_OF_PARAGRAPH)
    return any(not styles.isdisjoint(style.attrib.values()) for style in stated)


def _vanishes(element: etree._Element) -> bool | None:
    """Whether a run or style says that its text is hidden; none where it says nothing of it."""
    said = element.find("{*}rPr/{*}vanish")
    return None if said is None else _OFF.isdisjoint(said.attrib.values())
