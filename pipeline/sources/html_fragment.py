"""The HTML that people put between their Markdown: its text, without tags, styles and scripts."""

import re
from html.parser import HTMLParser

from pipeline.clean import flow
from pipeline.sources.parsed import LINE_BREAK, PARAGRAPH_BREAK, Block
from pipeline.sources.tables import row_texts

_BACKTICKS = re.compile("`+")
_HIDDEN = {"script", "style", "noscript", "template", "button", "svg", "head", "title"}
_BREAKS = {
    "p", "div", "section", "article", "figure", "figcaption", "blockquote", "center", "table", "ul", "ol", "dl", "dd",
    "dt", "li", "tr", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "details", "summary", "pre", "aside", "header",
    "footer", "nav", "iframe", "video", "audio", "form", "tbody", "thead", "caption",
}  # fmt: skip


def read_html(fragment: str) -> list[Block]:
    """Paragraphs, table rows and preformatted code of a fragment, in order."""
    reader = _Reader()
    reader.feed(fragment)
    reader.close()
    reader.end_paragraph()
    return reader.blocks


class _Reader(HTMLParser):
    """Collects blocks; everything that it does not know passes as running text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._text: list[str] = []
        self._hidden = 0
        self._preformatted = False
        self._in_cell = False
        self._rows: list[list[str]] = []
        self._has_header = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag in {"td", "th"}:
            self._in_cell, self._has_header = True, self._has_header or tag == "th"
            self._text.clear()
        elif tag in _BREAKS:
            self._break()
            if tag == "pre":
                self._preformatted = True
            elif tag == "table":
                self._rows, self._has_header = [], False
            elif tag == "tr":
                self._rows.append([])

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag == "pre" and self._preformatted:
            self._end_code()
        elif tag in {"td", "th"}:
            self._end_cell()
        elif tag == "table":
            self._end_table()
        elif tag in _BREAKS:
            self._break()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._text.append(data)

    def end_paragraph(self) -> None:
        """Whatever text there is becomes a paragraph."""
        if text := flow("".join(self._text)):
            self.blocks.append(Block(text))
        self._text.clear()

    def _break(self) -> None:
        if self._preformatted or self._in_cell:
            self._text.append("\n")
        else:
            self.end_paragraph()

    def _end_code(self) -> None:
        code = "".join(self._text).strip("\n").rstrip()
        if code:
            self.blocks.append(Block(fenced(code), verbatim=True))
        self._text.clear()
        self._preformatted = False

    def _end_cell(self) -> None:
        if self._rows:
            self._rows[-1].append(flow("".join(self._text)))
        self._text.clear()
        self._in_cell = False

    def _end_table(self) -> None:
        rows = [row for row in self._rows if any(row)]
        header = rows.pop(0) if self._has_header and len(rows) > 1 else []
        for position, text in enumerate(row_texts(header, rows)):
            self.blocks.append(Block(text, LINE_BREAK if position else PARAGRAPH_BREAK))
        self._rows = []


def fenced(code: str, language: str = "") -> str:
    """Code between fences that are longer than any run of backticks in it."""
    longest = max(map(len, _BACKTICKS.findall(code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"
