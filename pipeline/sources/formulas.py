"""Formulas as text, where nobody wrote them as TeX."""

from lxml import etree

from pipeline.clean import flow

# What stands between the parts of MathML's elements, and of those of Word.
_JOINTS = {"mfrac": "/", "msub": "_", "munder": "_", "msup": "^", "mover": "^", "f": "/", "sSub": "_", "sSup": "^"}
_NOTES = frozenset(("annotation", "annotation-xml"))


def formula_signs(element: etree._Element) -> str:
    """The signs of a formula in order, on one line: a fraction has a slash, and a power its sign."""
    name = element.tag.rsplit("}", 1)[-1]
    if name in _NOTES:
        return ""
    parts = [part for child in element.iterchildren("*") if (part := formula_signs(child))]
    joint = _JOINTS.get(name)
    return flow(element.text or "") + ("".join(parts) if joint is None else joint.join(map(_grouped, parts)))


def _grouped(signs: str) -> str:
    return signs if signs.isalnum() or len(signs) < 2 else f"({signs})"
