"""Markdown articles: YAML front matter, headings, and blocks as readable text."""

import re
from collections.abc import Iterator, Sequence

from frontmatter.default_handlers import YAMLHandler
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pipeline.clean import flow, flow_lines
from pipeline.sources.html_fragment import fenced, read_html
from pipeline.sources.metadata import read_metadata, read_yaml
from pipeline.sources.parsed import LINE_BREAK, PARAGRAPH_BREAK, Block, NothingToRead, ParsedDocument, Section
from pipeline.sources.tables import row_texts
from pipeline.sources.template_tags import strip_template_tags

_HEADING_ATTRIBUTES = re.compile(r"\s*\{[#.:][^{}]*\}\s*$")
_FOOTNOTE_MARK = re.compile(r"\[\^[^\]\s]+\]:?")
_LANGUAGE = re.compile(r"[\w+#-]{1,20}")
_NOT_LETTERS = re.compile(r"\W+")


def parse(text: str) -> ParsedDocument:
    """Sections by heading; markup is gone but for the fences around code.

    Raises `ContentError` for front matter that is no YAML, `NothingToRead` where no text is left.
    """
    remarks: list[str] = []
    values, body = _split_front_matter(text)
    metadata = read_metadata(values, remarks)
    sections = list(_Reader().sections(strip_template_tags(body)))
    if not sections:
        is_redirect = "redirect" in values or "redirect_to" in values
        raise NothingToRead("It only points to another page." if is_redirect else "There is no text in it.")
    sections, title = _lift_title(sections, metadata.title)
    return ParsedDocument(tuple(sections), "article", title, metadata, tuple(remarks))


def _split_front_matter(text: str) -> tuple[dict[str, object], str]:
    handler = YAMLHandler()
    if not handler.detect(text):
        return {}, text
    try:
        raw, body = handler.split(text)
    except ValueError:  # a first line of dashes that no second one answers
        return {}, text
    return dict(read_yaml(raw, "Its front matter")), body


def _lift_title(sections: Sequence[Section], title: str | None) -> tuple[list[Section], str | None]:
    """The document's first heading; where all of it lies under that one and it tells no more than the title, it is
    taken off every path."""
    first = next((section.headings[0] for section in sections if section.headings), None)
    covers_all = all(section.headings[:1] == (first,) for section in sections)
    if first is None or not covers_all or not _is_within(first, title or first):
        return list(sections), first
    return [Section(section.blocks, section.headings[1:], section.speaker) for section in sections], first


def _is_within(heading: str, title: str) -> bool:
    """Whether the title says the heading's words in a row."""
    short, long = (f" {_NOT_LETTERS.sub(' ', text).strip().casefold()} " for text in (heading, title))
    return short in long


class _Reader:
    """Walks the tokens of one document."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []
        self._blocks: list[Block] = []

    def sections(self, body: str) -> Iterator[Section]:
        """The document's sections that have text."""
        tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(body)
        lists: list[_List] = []
        position = 0
        while position < len(tokens):
            token = tokens[position]
            match token.type:
                case "heading_open":
                    yield from self._end_section()
                    self._open_heading(int(token.tag[1:]), inline_text(tokens[position + 1]))
                case "bullet_list_open" | "ordered_list_open":
                    lists.append(_List(token))
                case "bullet_list_close" | "ordered_list_close":
                    lists.pop()
                case "list_item_open":
                    lists[-1].begin_item(depth=len(lists) - 1)
                case "paragraph_open":
                    self._add_paragraph(inline_text(tokens[position + 1]), lists)
                case "fence" | "code_block":
                    self._add_code(token)
                case "html_block":
                    self._blocks.extend(read_html(token.content))
                case "table_open":
                    position = self._add_table(tokens, position)
            position += 1
        yield from self._end_section()

    def _open_heading(self, level: int, text: str) -> None:
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        if heading := flow(_HEADING_ATTRIBUTES.sub("", text)):
            self._path.append((level, heading))

    def _end_section(self) -> Iterator[Section]:
        if self._blocks:
            yield Section(tuple(self._blocks), tuple(text for _, text in self._path))
        self._blocks = []

    def _add_paragraph(self, text: str, lists: list["_List"]) -> None:
        if not text:
            return
        before = PARAGRAPH_BREAK
        if lists:
            mark, is_follower = lists[-1].take_mark()
            text = mark + text
            before = LINE_BREAK if is_follower or (mark and len(lists) > 1) else PARAGRAPH_BREAK
        self._blocks.append(Block(text, before))

    def _add_code(self, token: Token) -> None:
        code = token.content.strip("\n").rstrip()
        if code.strip():
            language = _LANGUAGE.match(token.info)
            self._blocks.append(Block(fenced(code, language.group() if language else ""), verbatim=True))

    def _add_table(self, tokens: Sequence[Token], position: int) -> int:
        """Adds the table that opens at `position`; returns where it closes."""
        rows: list[list[str]] = []
        while tokens[position].type != "table_close":
            if tokens[position].type == "tr_open":
                rows.append([])
            elif tokens[position].type == "inline":
                rows[-1].append(flow(inline_text(tokens[position])))
            position += 1
        for index, text in enumerate(row_texts(rows[0], rows[1:])):
            self._blocks.append(Block(text, LINE_BREAK if index else PARAGRAPH_BREAK))
        return position


class _List:
    """One list on the way: which mark its next paragraph gets."""

    def __init__(self, token: Token) -> None:
        self._number = int(token.attrs.get("start", 1)) if token.type == "ordered_list_open" else None
        self._mark = ""
        self._items = 0

    def begin_item(self, depth: int) -> None:
        """An item begins; `depth` 0 is the outermost list."""
        bullet = "- " if self._number is None else f"{self._number + self._items}. "
        self._mark = "  " * depth + bullet
        self._items += 1

    def take_mark(self) -> tuple[str, bool]:
        """The mark of the item's first paragraph (empty for its others), and whether it follows another item."""
        mark, self._mark = self._mark, ""
        return mark, bool(mark) and self._items > 1


def inline_text(token: Token) -> str:
    """What a reader sees of a heading's, paragraph's or cell's text: no markup, no addresses behind words."""
    return flow_lines(_FOOTNOTE_MARK.sub("", "".join(_inline_parts(token.children or []))))


def _inline_parts(children: Sequence[Token]) -> Iterator[str]:
    for child in children:
        match child.type:
            case "text" | "code_inline" | "text_special":
                yield child.content
            case "softbreak":
                yield " "
            case "hardbreak":
                yield "\n"
            case "html_inline" if child.content.lower().startswith("<br"):
                yield "\n"
