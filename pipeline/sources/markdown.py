"""Markdown articles and transcripts: front matter, headings, speakers, and blocks as readable text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from markdown_it import MarkdownIt
from markdown_it.token import Token

from pipeline.clean import flow
from pipeline.sources.front_matter import is_draft, split_front_matter
from pipeline.sources.html_fragment import fenced, read_html
from pipeline.sources.inline import inline_text
from pipeline.sources.metadata import read_metadata
from pipeline.sources.parsed import LINE_BREAK, PARAGRAPH_BREAK, Block, NothingToRead, ParsedDocument, Section
from pipeline.sources.tables import row_texts
from pipeline.sources.template_tags import strip_template_tags
from pipeline.sources.times import with_times
from pipeline.sources.turns import Cast, cast_of

_HEADING_ATTRIBUTES = re.compile(r"\s*\{[#.:][^{}]*\}\s*$")
_LANGUAGE = re.compile(r"[\w+#-]{1,20}")
_NOT_LETTERS = re.compile(r"\W+")


def parse(text: str) -> ParsedDocument:
    """Sections by heading, and by speaker in a transcript; markup is gone but for the fences around code.

    Raises `ContentError` for front matter that is not valid, `NothingToRead` for a draft and where no text is left.
    """
    remarks: list[str] = []
    values, body = split_front_matter(text)
    if is_draft(values):
        raise NothingToRead("It is marked as a draft.")
    metadata = read_metadata(values, remarks)
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(strip_template_tags(body))
    cast = cast_of(tokens)
    reader = _Reader(cast)
    sections = list(reader.sections(tokens))
    if cast:
        sections = list(with_times(sections))
    if not sections:
        is_redirect = "redirect" in values or "redirect_to" in values
        raise NothingToRead("It only points to another page." if is_redirect else "There is no text in it.")
    sections, title = _lift_title(sections, metadata.title, reader.first_heading)
    return ParsedDocument(tuple(sections), "audio" if cast else "article", title, metadata, tuple(remarks))


def _lift_title(sections: Sequence[Section], title: str | None, first: str | None) -> tuple[list[Section], str | None]:
    """The document's first heading; where all of it lies under that one and it tells no more than the title, it is
    taken off every path."""
    covers_all = all(section.headings[:1] == (first,) for section in sections)
    if first is None or not covers_all or not _is_within(first, title or first):
        return list(sections), first
    return [replace(section, headings=section.headings[1:]) for section in sections], first


def _is_within(heading: str, title: str) -> bool:
    """Whether the title says the heading's words in a row."""
    short, long = (f" {_NOT_LETTERS.sub(' ', text).strip().casefold()} " for text in (heading, title))
    return short in long


class _Reader:
    """Walks the tokens of one document; `cast` are those who speak in it where it is a transcript."""

    def __init__(self, cast: Cast | None) -> None:
        self._cast = cast
        self._path: list[tuple[int, str]] = []
        self._blocks: list[Block] = []
        self._speaker: str | None = None
        self._is_turn = False
        self._first: tuple[int, str] | None = None
        self._has_ended_section = False

    def sections(self, tokens: Sequence[Token]) -> Iterator[Section]:
        """The document's sections that have text."""
        lists: list[_List] = []
        position = 0
        while position < len(tokens):
            token = tokens[position]
            match token.type:
                case "heading_open" if token.level > 0:  # of a quotation or an item, and not of what follows it
                    self._add_paragraph(_heading(tokens[position + 1]), lists)
                case "heading_open":
                    yield from self._end_section()
                    self._open_heading(int(token.tag[1:]), _heading(tokens[position + 1]))
                case "bullet_list_open" | "ordered_list_open":
                    lists.append(_List(token))
                case "bullet_list_close" | "ordered_list_close":
                    lists.pop()
                case "list_item_open":
                    lists[-1].begin_item(depth=len(lists) - 1)
                case "paragraph_open" if self._cast and token.level == 0:
                    yield from self._add_lines(self._cast, tokens[position + 1])
                case "paragraph_open":
                    self._add_paragraph(inline_text(tokens[position + 1].children or []), lists)
                case "fence" | "code_block":
                    self._add_code(token)
                case "html_block":
                    self._blocks.extend(read_html(token.content))
                case "table_open":
                    position = self._add_table(tokens, position)
            position += 1
        yield from self._end_section()

    @property
    def first_heading(self) -> str | None:
        """The first heading, whether or not there is text right under it; before any text, the outermost."""
        return self._first[1] if self._first else None

    def _open_heading(self, level: int, text: str) -> None:
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        if text:
            self._path.append((level, text))
            if self._first is None or (level < self._first[0] and not self._has_ended_section):
                self._first = level, text

    def _end_section(self) -> Iterator[Section]:
        if self._blocks:
            self._has_ended_section = True
            path = tuple(text for _, text in self._path)
            yield Section(tuple(self._blocks), path, self._speaker, self._is_turn)
        self._blocks = []

    def _add_lines(self, cast: Cast, inline: Token) -> Iterator[Section]:
        """Adds a paragraph of a transcript; the section ends where someone else speaks. Nobody does after a break."""
        for line in cast.lines(inline):
            if line.label:
                speaker = None if line.is_break else line.label
                if line.is_break or speaker != self._speaker:
                    yield from self._end_section()
                self._speaker, self._is_turn = speaker, True
            self._add_paragraph(line.text, [])

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
                rows[-1].append(flow(inline_text(tokens[position].children or [])))
            position += 1
        for index, text in enumerate(row_texts(rows[0], rows[1:])):
            self._blocks.append(Block(text, LINE_BREAK if index else PARAGRAPH_BREAK))
        return position


def _heading(inline: Token) -> str:
    return flow(_HEADING_ATTRIBUTES.sub("", inline_text(inline.children or [])))


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
