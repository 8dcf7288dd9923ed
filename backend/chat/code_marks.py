"""Where code goes on and ends as its marks alone tell, line by line: no parser is needed once a block has begun."""

import re
from dataclasses import dataclass
from typing import Self

from markdown_it.token import Token

LIST_MARKS = r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*"
INDENTED = re.compile(LIST_MARKS)
OPENING = re.compile(rf"(?P<before>{LIST_MARKS})(?P<fence>`{{3,}}(?=[^`]*$)|~{{3,}})")
BEGINS_BLOCK = re.compile(r"[ \t>]*(?:$|(?:[-*+]|\d{1,9}[.)])[ \t]|#{1,6}[ \t])")
BACKTICKS = re.compile(r"\\[\\`]|(`+)")


class Undecided(Exception):
    """What is there may still become one thing or another; the next piece decides."""


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A block of code that is open: what each of its lines begins with, and the fence that ends it, "" for none."""

    prefix: str
    fence: str

    @classmethod
    def opened(cls, line: str, token: Token) -> Self:
        """By the first line of a block that Markdown takes for code."""
        if token.type == "fence":
            before = line.partition(token.markup)[0]
            return cls("" if token.level == 0 else continued(before), token.markup)
        match = INDENTED.match(line)
        before = match[0] if match else ""
        return cls(before[:4] if token.level == 0 else continued(before), "")

    def holds(self, line: str) -> bool:
        """Whether the whole line is certainly inside. Where it is not, it may end the block, or be inside all the
        same."""
        line = line.removesuffix("\r")
        if line.rstrip() == self.prefix.rstrip() or not (line.strip() or ">" in self.prefix):
            return True
        rest = line[len(self.prefix) :].strip()
        closes = self.fence and rest.startswith(self.fence) and not rest.strip(self.fence[0])
        return self.goes_on(line) and not closes

    def goes_on(self, line: str) -> bool:
        """The same of the beginning of a line in which more stands than the fence."""
        return line.startswith(self.prefix) and "\r" not in line


def continued(before: str) -> str:
    """What stands before the further lines of a block whose first line has `before` there."""
    return re.sub(r"[^>\t]", " ", before)


def last_block(said: str, begin: int) -> tuple[int, CodeBlock | None]:
    """Where the block at the end of `said` begins, at `begin` or behind it, and what it is where it is one of code.

    A bracket comes behind `said`.
    """
    block: CodeBlock | None = None
    at = begin if begin == 0 or said[begin - 1] == "\n" else said.find("\n", begin) + 1
    if at == 0 < begin:
        return begin, None
    while (end := said.find("\n", at)) >= 0:
        line = said[at:end]
        opening = OPENING.match(line)
        if block is not None:
            if not block.holds(line):
                block, begin = None, end + 1
        elif opening:
            before = opening["before"]
            block = CodeBlock("" if len(before) < 4 and not before.strip() else continued(before), opening["fence"])
            begin = at
        elif BEGINS_BLOCK.match(line):
            begin = at
        at = end + 1
    if block is not None and block.goes_on(said[at:]):
        return begin, block
    return (at if block is not None or BEGINS_BLOCK.match(f"{said[at:]}[") else begin), None


def inline_ahead(said: str, begin: int, line: str, decided: bool) -> tuple[str, int]:
    """How much of `line` is the rest of inline code that opens in `said` from `begin` on, none where none is open, and
    where in `said` it opens, its end for none.

    Raises `Undecided` where the code may still be closed behind `line`.
    """
    while backticks := BACKTICKS.search(said, begin):
        begin = backticks.end()
        if backticks[1] is None:
            continue
        closing = re.compile(rf"(?<!`){backticks[1]}(?!`)")
        inside = closing.search(said, begin)
        ahead = closing.search(line)
        if inside:
            begin = inside.end()
        elif ahead and (decided or ahead.end() < len(line)):
            return line[: ahead.end()], backticks.start()
        elif not decided:
            raise Undecided
    return "", len(said)
