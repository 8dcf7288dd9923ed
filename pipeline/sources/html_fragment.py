"""The HTML that people put between their Markdown: its text, without tags, styles and scripts."""

import re
from dataclasses import replace
from html.parser import HTMLParser

from pipeline.clean import flow
from pipeline.sources.parsed import LINE_BREAK, PARAGRAPH_BREAK, Block
from pipeline.sources.tables import Cell, table_texts

_BACKTICKS = re.compile("`+")
_HIDDEN = {"script", "style", "noscript", "template", "button", "svg", "head", "title"}
_BREAKS = {
    "p", "div", "section", "article", "figure", "figcaption", "blockquote", "center", "table", "ul", "ol", "dl", "dd",
    "dt", "li", "tr", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "details", "summary", "pre", "aside", "header",
    "footer", "nav", "iframe", "video", "audio", "form", "tbody", "thead", "tfoot", "caption",
}  # fmt: skip
_CELLS = {"td", "th"}
_ROW_GROUPS = {"thead", "tbody", "tfoot"}
_AROUND_CELLS = {"table", "tr"} | _ROW_GROUPS


def read_html(fragment: str) -> list[Block]:
    """Paragraphs, table rows and preformatted code of a fragment, in order."""
    reader = _Reader()
    reader.feed(fragment)
    reader.close()
    reader.end()
    return reader.blocks


class _Reader(HTMLParser):
    """Collects blocks; everything that it does not know passes as running text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._text: list[str] = []
        self._hidden = 0
        self._preformatted = False
        self._cell: Cell | None = None  # the open one, as yet without its text
        self._groups: list[list[list[Cell]]] = [[]]  # the rows of the open table, by its head, bodies and foot

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag in _CELLS:
            self._end_cell()
            self._end_paragraph()
            given = dict(attrs)
            self._cell = Cell.written("", given.get("colspan"), given.get("rowspan"), is_header=tag == "th")
        elif tag in _BREAKS:
            self._break(tag)
            if tag == "pre":
                self._preformatted = True
            elif tag == "table":
                self._end_table()
            elif tag == "tr":
                self._groups[-1].append([])
            elif tag in _ROW_GROUPS:
                self._groups.append([])

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag == "pre" and self._preformatted:
            self._end_code()
        elif tag in _CELLS:
            self._end_cell()
        elif tag in _BREAKS:
            self._break(tag)
            if tag == "table":
                self._end_table()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._text.append(data)

    def end(self) -> None:
        """What is still open becomes rows of a table and a paragraph: in Markdown an empty line cuts a table in two."""
        self._end_cell()
        self._end_table()
        self._end_paragraph()

    def _end_paragraph(self) -> None:
        if text := flow("".join(self._text)):
            self.blocks.append(Block(text))
        self._text.clear()

    def _break(self, tag: str) -> None:
        if tag in _AROUND_CELLS:
            self._end_cell()
        if self._preformatted or self._cell:
            self._text.append("\n")
        else:
            self._end_paragraph()

    def _end_code(self) -> None:
        code = "".join(self._text).strip("\n").rstrip()
        if code:
            self.blocks.append(Block(fenced(code), verbatim=True))
        self._text.clear()
        self._preformatted = False

    def _end_cell(self) -> None:
        if self._cell is None:
            return
        rows = self._groups[-1]
        if not rows:
            rows.append([])
        rows[-1].append(replace(self._cell, text=flow("".join(self._text))))
        self._text.clear()
        self._cell = None

    def _end_table(self) -> None:
        for position, text in enumerate(table_texts(self._groups)):
            self.blocks.append(Block(text, LINE_BREAK if position else PARAGRAPH_BREAK))
        self._groups = [[]]


def fenced(code: str, language: str = "") -> str:
    """Code between fences that are longer than any run of backticks in it."""
    longest = max(map(len, _BACKTICKS.findall(code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"
