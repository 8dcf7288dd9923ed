"""Markdown articles and transcripts: YAML front matter, headings, speakers, and blocks as readable text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from frontmatter.default_handlers import YAMLHandler
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pipeline.clean import flow
from pipeline.sources.html_fragment import fenced, read_html
from pipeline.sources.inline import inline_text
from pipeline.sources.metadata import read_metadata, read_yaml
from pipeline.sources.parsed import LINE_BREAK, PARAGRAPH_BREAK, Block, NothingToRead, ParsedDocument, Section
from pipeline.sources.tables import row_texts
from pipeline.sources.template_tags import strip_template_tags
from pipeline.sources.times import with_times
from pipeline.sources.turns import Cast, cast_of

_HEADING_ATTRIBUTES = re.compile(r"\s*\{[#.:][^{}]*\}\s*$")
_LANGUAGE = re.compile(r"[\w+#-]{1,20}")
_NOT_LETTERS = re.compile(r"\W+")
_BOUNDARY = re.compile(r"^(?:-{3,}|(?!\A)\.{3})\s*$", re.MULTILINE)
_RULE = re.compile(r"-+[ \t]*\n[ \t]*\n")
# A line that front matter may have: a name that programs read, or one of those that are read here. "Note: listen" and
# all else that begins with a capital are what people write.
_NAMED = re.compile(
    r"^[ {]*([\"']?)(?:[a-z][\w.-]*|(?i:title|url|kind|date|published_at|duration_s|topics|tags|by|authors?|speakers?"
    r"|podcast|media|creator))\1\s*:(?:\s|$)",
    re.MULTILINE,
)
_STRAY_VALUE = re.compile(r"\s*(url|podcast|media):[ \t]*(https?://\S+)[ \t]*(?:\n|$)")


def parse(text: str) -> ParsedDocument:
    """Sections by heading, and by speaker in a transcript; markup is gone but for the fences around code.

    Raises `ContentError` for front matter that is no YAML, `NothingToRead` where no text is left.
    """
    remarks: list[str] = []
    values, body = _split_front_matter(text)
    metadata = read_metadata(values, remarks)
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(strip_template_tags(body))
    cast = cast_of(tokens)
    sections = list(_Reader(cast).sections(tokens))
    if cast:
        sections = list(with_times(sections))
    if not sections:
        is_redirect = "redirect" in values or "redirect_to" in values
        raise NothingToRead("It only points to another page." if is_redirect else "There is no text in it.")
    sections, title = _lift_title(sections, metadata.title)
    return ParsedDocument(tuple(sections), "audio" if cast else "article", title, metadata, tuple(remarks))


def _split_front_matter(text: str) -> tuple[dict[str, object], str]:
    """What stands between two lines of dashes at the beginning, and the rest; prose between two rules is not that."""
    handler = YAMLHandler(_BOUNDARY)
    if not handler.detect(text) or _RULE.match(text):
        return {}, text
    try:
        raw, body = handler.split(text)
    except ValueError:  # a first line of dashes that no second one answers
        return {}, text
    if raw.strip() and not _NAMED.search(raw):
        return {}, text
    values = dict(read_yaml(raw, "Its front matter"))
    while stray := _STRAY_VALUE.match(body):  # some write an address or two below the dashes
        values.setdefault(stray[1], stray[2])
        body = body[stray.end() :]
    return values, body


def _lift_title(sections: Sequence[Section], title: str | None) -> tuple[list[Section], str | None]:
    """The document's first heading; where all of it lies under that one and it tells no more than the title, it is
    taken off every path."""
    first = next((section.headings[0] for section in sections if section.headings), None)
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

    def _open_heading(self, level: int, text: str) -> None:
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        if text:
            self._path.append((level, text))

    def _end_section(self) -> Iterator[Section]:
        if self._blocks:
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
