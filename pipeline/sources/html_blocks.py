"""The elements of an HTML tree as sections of blocks: paragraphs, lists, tables as rows, code as it stands."""

import re
from collections.abc import Iterator
from itertools import groupby

from lxml.html import HtmlElement

from pipeline.clean import flow, flow_lines
from pipeline.sources.html_fragment import fenced
from pipeline.sources.outline import Outline
from pipeline.sources.parsed import LINE_BREAK, PARAGRAPH_BREAK, Block, Section
from pipeline.sources.tables import Cell, table_texts

HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
# What stands on lines of its own. Of these the first hold text, the others hold them.
TEXT_BLOCKS = HEADINGS | frozenset(
    "address blockquote caption center dd details dl dt fieldset figcaption figure hgroup hr legend li ol p pre "
    "summary table tbody td tfoot th thead tr ul".split()
)
BLOCKS = TEXT_BLOCKS | frozenset(
    "article aside body dialog div footer form header html main nav search section".split()
)
# What is never read as text.
HIDDEN = frozenset(
    "audio button canvas embed datalist head iframe input map math noscript object option picture progress rp rt "
    "script select style svg template textarea title video".split()
)
_LANGUAGE = re.compile(r"(?:^|\s)(?:language-|lang-|highlight-source-|brush:\s*)([\w+#-]{1,20})")
_ANCHORS = frozenset("¶§#🔗↩↑")  # the whole text of links that generators put beside headings and notes
_LINE_NUMBER = re.compile(
    r"(?:^|\s)(?:ln|lnt|lineno|linenos|linenumber|line-numbers?|line-numbers-rows|gutter)(?:\s|$)"
)
_NUMBERS = re.compile(r"[\d\s]+")
_WHITE_SPACE = re.compile(r"\s+")
_NO_DATA = ("table", "pre", *sorted(HEADINGS))  # what a table holds that only arranges things on the page
_START = re.compile(r"\d{1,9}")


def read_sections(root: HtmlElement) -> list[Section]:
    """The sections of the tree that have text, in order."""
    return _Reader().read(root)


class _Reader:
    """Walks one tree."""

    def __init__(self) -> None:
        self._outline = Outline()
        self._text: list[str] = []
        self._lists: list[_List] = []
        self._before = PARAGRAPH_BREAK

    def read(self, root: HtmlElement) -> list[Section]:
        """The sections of the tree."""
        self._walk(root)
        self._end_paragraph()
        return self._outline.finish()

    def _walk(self, element: HtmlElement) -> None:
        tag = element.tag
        if not isinstance(tag, str) or tag in HIDDEN:
            return
        if tag == "br":
            self._text.append("\n")
        elif tag in HEADINGS:
            self._open_heading(element)
        elif tag == "pre":
            self._end_paragraph()
            self._add_code(element)
        elif tag == "table" and _is_data(element):
            self._end_paragraph()
            self._add_table(element)
        elif tag in ("ul", "ol"):
            self._end_paragraph()
            self._lists.append(_List(element, depth=len(self._lists)))
            self._walk_inline(element)
            self._end_paragraph()
            self._lists.pop()
        elif tag in BLOCKS:
            self._end_paragraph()
            if tag == "li" and self._lists:
                self._lists[-1].begin_item()
            elif tag == "dd":
                self._before = LINE_BREAK
            self._walk_inline(element)
            self._end_paragraph()
        elif not _is_mark(element):
            self._walk_inline(element)

    def _walk_inline(self, element: HtmlElement) -> None:
        self._add_text(element.text)
        for child in element:
            self._walk(child)
            self._add_text(child.tail)

    def _add_text(self, text: str | None) -> None:
        if text:
            self._text.append(_WHITE_SPACE.sub(" ", text))

    def _end_paragraph(self) -> None:
        """Whatever text there is becomes a paragraph, or the next of a list's item."""
        text = flow_lines("".join(self._text))
        self._text.clear()
        if not text:
            return
        before, self._before = self._before, PARAGRAPH_BREAK
        if self._lists:
            mark, is_follower = self._lists[-1].take_mark()
            text = mark + text
            if is_follower or (mark and len(self._lists) > 1):
                before = LINE_BREAK
        self._outline.add(Block(text, before))

    def _open_heading(self, element: HtmlElement) -> None:
        self._end_paragraph()
        if text := inline_text(element):
            self._outline.open(int(element.tag[1]), Block(text))

    def _add_code(self, element: HtmlElement) -> None:
        code = "".join(_preformatted(element)).replace("\u00a0", " ").strip("\n").rstrip()
        if code and not _NUMBERS.fullmatch(code):
            self._outline.add(Block(fenced(code, _language(element)), verbatim=True))

    def _add_table(self, table: HtmlElement) -> None:
        groups = groupby(table.iter("tr"), key=lambda row: row.getparent())
        texts = table_texts([[_cells(row) for row in rows] for _, rows in groups])
        captions = (inline_text(caption) for caption in table.iter("caption"))
        for index, text in enumerate(filter(None, (*captions, *texts))):
            self._outline.add(Block(text, LINE_BREAK if index else PARAGRAPH_BREAK))


class _List:
    """One list on the way: which mark its next paragraph gets."""

    def __init__(self, element: HtmlElement, depth: int) -> None:
        start = element.get("start", "1")
        self._number = (int(start) if _START.fullmatch(start) else 1) if element.tag == "ol" else None
        self._indentation = "  " * depth
        self._mark = ""
        self._items = 0

    def begin_item(self) -> None:
        bullet = "- " if self._number is None else f"{self._number + self._items}. "
        self._mark = self._indentation + bullet
        self._items += 1

    def take_mark(self) -> tuple[str, bool]:
        """The mark of the item's first paragraph (empty for its others), and whether it follows another item."""
        mark, self._mark = self._mark, ""
        return mark, bool(mark) and self._items > 1


def inline_text(element: HtmlElement) -> str:
    """What a reader sees of a heading or cell, on one line."""
    return flow("".join(_inline(element)))


def _inline(element: HtmlElement) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str) and child.tag not in HIDDEN and not _is_mark(child):
            space = " " if child.tag == "br" or child.tag in BLOCKS else ""
            yield space
            yield from _inline(child)
            yield space
        yield child.tail or ""


def _preformatted(element: HtmlElement) -> Iterator[str]:
    """Text with its line ends; what stands on lines of its own ends one."""
    yield element.text or ""
    for child in element:
        if child.tag == "br":
            yield "\n"
        elif isinstance(child.tag, str) and child.tag not in HIDDEN and not _LINE_NUMBER.search(child.get("class", "")):
            text = "".join(_preformatted(child))
            yield text if child.tag not in BLOCKS or text.endswith("\n") else f"{text}\n"
        yield child.tail or ""


def _language(element: HtmlElement) -> str:
    """The programming language that the element, the code in it or what it stands in names."""
    for one in (element, *element.iter("code"), *list(element.iterancestors("div", "figure"))[:2]):
        if match := _LANGUAGE.search(one.get("class", "")):
            return match[1].lower()
    return ""


def _cells(row: HtmlElement) -> list[Cell]:
    return [
        Cell.written(inline_text(cell), cell.get("colspan"), cell.get("rowspan"), is_header=cell.tag == "th")
        for cell in row.iterchildren("td", "th")
    ]


def _is_data(table: HtmlElement) -> bool:
    """Whether a table is one, and does not only arrange things on the page."""
    if table.get("role") in ("presentation", "none"):
        return False
    return not any(inner is not table for inner in table.iter(*_NO_DATA))


def _is_mark(element: HtmlElement) -> bool:
    """Whether the element only leads to a note, back from it, to the heading that it stands by, or to an editor."""
    if element.tag == "a":
        return flow(element.text_content()) in _ANCHORS
    if element.tag == "sup":
        return any(link.get("href", "").startswith("#") for link in element.iter("a"))
    return "mw-editsection" in element.get("class", "")
