"""Formulas of web pages stand in their sentences, and stand there once."""

import pytest

from pipeline.sources import html

REST = (
    "<p>A string that is held at both ends rings at whole multiples of its lowest note, and at nothing between.</p>"
    "<p>Its tension and its weight decide which note that is, so a thicker string of the same length rings lower.</p>"
)
SQUARE = "<mrow><mi>T</mi><mo>=</mo><mi>m</mi><msup><mi>v</mi><mn>2</mn></msup></mrow>"
STATED = f"<math><semantics>{SQUARE}<annotation encoding='application/x-tex'>T=m v^2</annotation></semantics></math>"
PLAIN = f"<math>{SQUARE}</math>"


def texts(body: str) -> list[str]:
    page = f"<html><body><article>{REST}{body}{REST}</article></body></html>"
    return [block.text for section in html.parse(page.encode()).sections for block in section.blocks]


@pytest.mark.parametrize(
    ("markup", "formula"),
    [
        (STATED, "$T=m v^2$"),
        (PLAIN, "T=mv^2"),
        ("<math><mfrac><mn>1</mn><mrow><mn>2</mn><mo>+</mo><mi>x</mi></mrow></mfrac></math>", "1/(2+x)"),
        (
            f"<span class='katex'><span class='katex-mathml'>{STATED}</span>"
            "<span class='katex-html' aria-hidden='true'><span class='base'>T=mv2</span></span></span>",
            "$T=m v^2$",
        ),
        (
            f"<span class='mwe-math-element'><span style='display: none'>{STATED}</span><img alt='T=m v^2'></span>",
            "$T=m v^2$",
        ),
        (
            "<mjx-container class='MathJax' jax='CHTML'><mjx-math aria-hidden='true'><mjx-mi>T</mjx-mi></mjx-math>"
            f"<mjx-assistive-mml>{PLAIN}</mjx-assistive-mml></mjx-container>",
            "T=mv^2",
        ),
        (
            "<span class='MathJax_Preview'></span><span class='MathJax'><nobr>T=mv2</nobr>"
            f"<span class='MJX_Assistive_MathML'>{PLAIN}</span></span> <script type='math/tex'>T=m v^2</script>",
            "$T=m v^2$",
        ),
        ("<script type='math/tex; mode=display'>T=m v^2</script>", "$T=m v^2$"),
    ],
    ids=["TeX", "signs", "fraction", "KaTeX", "MediaWiki", "MathJax 3", "MathJax 2", "MathJax before it ran"],
)
def test_a_formula_stands_in_its_sentence_once(markup: str, formula: str) -> None:
    read = texts(f"<p>The tension is {markup} for a wave of that speed.</p>")
    assert f"The tension is {formula} for a wave of that speed." in read


def test_a_formula_in_a_heading_and_one_between_paragraphs_are_text() -> None:
    page = f"<article><h2>Why {STATED} holds</h2>{REST}<span class='katex-display'>{PLAIN}</span>{REST}</article>"
    (section,) = html.parse(page.encode()).sections
    assert section.headings == ("Why $T=m v^2$ holds",)
    assert "T=mv^2" in [block.text for block in section.blocks]


def test_a_formula_that_nobody_sees_is_not_read() -> None:
    assert not any("T=m" in text for text in texts(f"<p hidden>The tension is {STATED} here.</p>"))
