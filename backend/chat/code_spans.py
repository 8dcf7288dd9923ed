"""Where the code of a growing answer is, as Markdown has it: nothing in code is a marker."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from markdown_it.token import Token

from backend.chat.claims import MARKDOWN
from backend.chat.code_marks import CodeBlock, Undecided, inline_ahead, last_block

# Inline code that goes on behind a bracket for more than this, or on the next line, is taken for text.
LONGEST_CODE = 400
# Of a block of more only the end is read: what a bracket costs must not grow with the answer.
LONGEST_BLOCK = 4_000
# So many characters are read as Markdown for one answer (see `work`), some 30 ms. From there on the marks alone tell
# what is code, as they do in all but the oddest answers: no stream may keep the loop busy.
MOST_READ = 30_000
# Without any of these there is no code: backticks, a fence of tildes, an indented line.
MAY_BE_CODE = re.compile(r"`|~~~|\t| {4}")
HERE, ELSEWHERE = "\ue000", "\ue001"
LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n|$)")
LINE_END = re.compile(r"[\r\n]")
CONTAINERS = ("bullet_list_open", "ordered_list_open", "list_item_open", "blockquote_open")


class Place(NamedTuple):
    """The block that a bracket is in, and what is open around that: lists, quotes, a table, the outermost first."""

    block: Token
    around: tuple[Token, ...]

    @property
    def leaf(self) -> Token:
        """Where what holds no other blocks begins."""
        return next(token for token in (*self.around, self.block) if token.type not in CONTAINERS)

    @property
    def kinds(self) -> list[str]:
        """What it is and what is around it."""
        return [token.type for token in (*self.around, self.block)]


class AnswerSoFar:
    """What was said, as far as it tells what comes next: what stands before the last block can change nothing any more.

    The same in any split: what is forgotten, and how much was read, depends on lines and brackets alone.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []  # of the text; joined when it is looked at, as most pieces of an answer never are
        # What a bracket here would be in, as far as it is known: it stays so up to the next line, or in text up to the
        # next backtick.
        self._place: Literal["text", "code"] | None = None
        self._block: CodeBlock | None = None
        self._read = 0
        self._settled = 0  # what stands before this place in the text opens no code that is still open

    @property
    def text(self) -> str:
        """What was said, without what was forgotten."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    @text.setter
    def text(self, text: str) -> None:
        self._pieces = [text]

    def add(self, said: str) -> None:
        """Goes on."""
        *lines, rest = said.split("\n")
        for line in lines:
            self._pieces.append(f"{line}\n")
            self._end_line()
        self._pieces.append(rest)
        if "\r" in rest or (self._place == "text" and "`" in rest):
            self._place = None

    def code_ahead(self, before: str, ahead: str, final: bool) -> str:
        """How much of `ahead`, which follows on `before`, is code to be passed on; none where it does not begin in
        code.

        Raises `Undecided` where that depends on what comes behind `ahead`, unless nothing does (`final`).
        """
        line = LINE_END.split(ahead, maxsplit=1)[0]
        said = self.text + before
        if self._place is None:
            if self._block is not None and self._block.goes_on(said[said.rfind("\n") + 1 :]):
                self._place = "code"
            elif not MAY_BE_CODE.search(said):
                self._place = "text"
        if self._place is not None:
            return line if self._place == "code" else ""
        decided = final or len(line) < len(ahead) or len(ahead) == LONGEST_CODE
        if len(said) > LONGEST_BLOCK or self._read > MOST_READ:
            return self._told_by_marks(said, line, decided)
        return self._told_by_markdown(before, line, decided)

    def _told_by_markdown(self, before: str, line: str, decided: bool) -> str:
        place = place_of(self.text + before, line)
        if place is None:
            return ""
        code = line
        if place.block.type == "inline":
            code = inline_code(flat(place.block.children or []), line, decided)
        elif HERE in place.block.info and not decided:
            raise Undecided  # a backtick behind it would make inline code of what reads as the first line of a block
        self._place = "code" if place.block.type != "inline" else None if code else "text"
        self._forget(place, before)
        self._settled = 0 if code else len(self.text)
        return code

    def _told_by_marks(self, said: str, line: str, decided: bool) -> str:
        begin, self._block = last_block(said, self._settled)
        code, begin = (line, begin) if self._block else inline_ahead(said, begin, line, decided)
        self._place = "code" if self._block else None if code else "text"
        self._settled = min(begin, len(self.text))
        return code

    def _end_line(self) -> None:
        self._place = None
        if self._block is not None:
            start = self.text.rfind("\n", 0, -1) + 1
            if self._block.holds(self.text[start:-1]):
                self.text = self.text[:start]
                return
            self._block = None
        if len(self.text) > LONGEST_BLOCK:
            self._shorten()

    def _shorten(self) -> None:
        """Forgets as much of a long text as it can, and what is more than half of the longest in any case."""
        place = place_of(self.text, "") if self._read <= MOST_READ else None
        if place is not None:
            self._forget(place, "")
            self._settled = 0
        if len(self.text) <= LONGEST_BLOCK // 2:
            return
        begin, self._block = last_block(self.text, self._settled)
        if self._block is not None:
            self.text = self.text[begin : self.text.index("\n", begin) + 1]
            self._settled = 0
            return
        cut = max(min(begin, len(self.text)), self.text.index("\n", -LONGEST_BLOCK // 2) + 1)
        self.text = self.text[cut:]
        self._settled = max(0, self._settled - cut)

    def _forget(self, place: Place, before: str) -> None:
        """Keeps the lines that open the lists around the last block, and this block: of code its first and last line.

        Takes account of what was read for `place`.
        """
        self._read += work(self.text)
        lines = LINE.findall(self.text)
        outermost, begin = first_line((*place.around, place.block)[0]), first_line(place.leaf)
        last = "".join(lines[begin:])
        self._block = None
        if place.block.type != "inline" and "\n" in last:
            self._block = CodeBlock.opened(lines[begin].rstrip("\r\n"), place.block)
            last = lines[begin] + last[last.rindex("\n") + 1 :]
        items = {first_line(token) for token in place.around if token.type == "list_item_open"}
        opening = [lines[item] for item in sorted(items) if item < begin]
        self.text = "".join(lines[outermost:begin]) + last
        if len(opening) == begin - outermost:
            return
        for kept in (opening, [*opening, "\n"]):
            text = "".join([*kept, last])
            self._read += work(text)
            again = place_of(text + before, "")
            if again is not None and again.kinds == place.kinds and first_line(again.leaf) == len(kept):
                self.text = text
                return


def place_of(said: str, line: str) -> Place | None:
    """Where what is between `said` and `line` is, as Markdown reads them."""
    around: list[Token] = []
    for token in MARKDOWN.parse(f"{said.replace(HERE, ELSEWHERE)}{HERE}{line.replace(HERE, ELSEWHERE)}"):
        if HERE in token.content + token.info:
            return Place(token, tuple(around))
        if token.nesting == 1:
            around.append(token)
        elif token.nesting == -1:
            around.pop()
    return None


def work(text: str) -> int:
    """What it costs to read a text, in characters: some to begin, and each bracket is tried with all behind it."""
    return 100 + len(text) + text.count("[") ** 2


def first_line(token: Token) -> int:
    """The line on which a block begins."""
    return token.map[0] if token.map else 0


def inline_code(tokens: Iterator[Token], line: str, decided: bool) -> str:
    """How much of `line` is the rest of inline code, none where it does not begin in any."""
    unclosed = False
    for token in tokens:
        if HERE not in token.content:
            unclosed = unclosed or "`" in token.content
        elif token.type == "code_inline":
            closing = re.search(rf"(?<!`){token.markup}(?!`)", line)
            # Longer backticks before it that are not closed yet may still be, and this be code of theirs.
            if closing and (decided or (closing.end() < len(line) and not unclosed)):
                return line[: closing.end()]
            break
        elif decided or not (unclosed or "`" in token.content.partition(HERE)[0]):
            return ""
        else:
            break
    if decided:
        return ""
    raise Undecided


def flat(tokens: Sequence[Token]) -> Iterator[Token]:
    """Inline tokens, those in the text for an image among them."""
    for token in tokens:
        if token.type == "image":
            yield from flat(token.children or [])
        else:
            yield token
