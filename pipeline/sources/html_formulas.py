"""The formulas of a web page, written where they stand: as TeX where the page has it, else as their signs in order."""

from lxml.html import HtmlElement

from pipeline.clean import flow
from pipeline.sources.formulas import formula_signs

# What holds a formula twice, for the eye and for the ear.
_TWINS = frozenset(("katex", "MathJax", "mwe-math-element"))


def write_formulas(root: HtmlElement) -> None:
    """Puts the text of every formula in its place, once, and takes the other forms of it out."""
    for script in list(root.iter("script")):
        if script.get("type", "").startswith("math/tex"):
            _drop_rendering(script)
            _replace(script, f"${flow(script.text or '')}$")
    for math in list(root.iter("math")):
        shown = next((around for around in math.iterancestors() if _is_twins(around)), math)
        if shown.getparent() is not None:
            _replace(shown, _formula(math))


def _is_twins(element: HtmlElement) -> bool:
    return element.tag == "mjx-container" or not _TWINS.isdisjoint(element.get("class", "").split())


def _drop_rendering(script: HtmlElement) -> None:
    """What MathJax puts in front of the TeX that it shows."""
    while (shown := script.getprevious()) is not None:
        if not shown.get("class", "").startswith(("MathJax", "mjx-")) or (shown.tail or "").strip():
            return
        shown.drop_tree()


def _replace(element: HtmlElement, formula: str) -> None:
    text = element.makeelement("span")
    text.text, text.tail = formula, element.tail
    element.getparent().replace(element, text)


def _formula(math: HtmlElement) -> str:
    for annotation in math.iter("annotation"):
        if "tex" in annotation.get("encoding", "").lower():
            return f"${flow(annotation.text or '')}$"
    return formula_signs(math)
