"""Where the code of a growing answer is, as Markdown has it: nothing in code is a marker."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from markdown_it.token import Token

from backend.chat.claims import MARKDOWN

# Inline code that goes on behind a bracket for more than this, or on the next line, is taken for text.
LONGEST_CODE = 400
# A block of more is read as if it began later: what a bracket costs must not grow with the answer.
LONGEST_BLOCK = 4_000
# An answer with more brackets in and behind code is taken for text from there on: no stream may keep the loop busy.
MOST_LOOKS = 200
# Without any of these there is no code: backticks, a fence of tildes, an indented line.
MAY_BE_CODE = re.compile(r"`|~~~|\t| {4}")
HERE, ELSEWHERE = "\ue000", "\ue001"
LINE_END = re.compile(r"\r\n?|\n")


class Undecided(Exception):
    """What is there may still become one thing or another; the next piece decides."""


class AnswerSoFar:
    """What was said, from the beginning of the last block: what stands before it can change nothing any more."""

    def __init__(self) -> None:
        self.text = ""
        # What a bracket here would be in, as far as it is known: it stays so up to the next line, or in text up to the
        # next backtick.
        self._place: Literal["text", "code"] | None = None
        self._looks = 0

    def add(self, said: str) -> None:
        """Goes on."""
        self.text += said
        if "\n" in said or "\r" in said or (self._place == "text" and "`" in said):
            self._place = None
        if len(self.text) > LONGEST_BLOCK:
            self._forget(MARKDOWN.parse(self.text))
            self.text = self.text[-LONGEST_BLOCK // 2 :]

    def code_ahead(self, before: str, ahead: str, final: bool) -> str:
        """How much of `ahead`, which follows on `before`, is code to be passed on; none where it does not begin in
        code.

        Raises `Undecided` where that depends on what comes behind `ahead`, unless nothing does (`final`).
        """
        line = ahead.partition("\n")[0]
        said = self.text + before
        if self._place is None and (self._looks == MOST_LOOKS or not MAY_BE_CODE.search(said)):
            self._place = "text"
        if self._place is not None:
            return line if self._place == "code" else ""
        decided = final or len(line) < len(ahead) or len(ahead) == LONGEST_CODE
        self._looks += 1
        tokens = MARKDOWN.parse(f"{said.replace(HERE, ELSEWHERE)}{HERE}{line.replace(HERE, ELSEWHERE)}")
        self._forget(tokens)
        for token in tokens:
            if HERE not in token.content + token.info:
                continue
            if token.type != "inline":
                self._place = "code"
                return line
            code = inline_code(flat(token.children or []), line, decided)
            self._place = None if code else "text"
            return code
        return ""

    def _forget(self, tokens: Sequence[Token]) -> None:
        """Keeps the text from the last block on."""
        first = max((token.map[0] for token in tokens if token.level == 0 and token.map), default=0)
        if first:
            *_, (_, start) = zip(range(first), (end.end() for end in LINE_END.finditer(self.text)), strict=False)
            self.text = self.text[start:]


def inline_code(tokens: Iterator[Token], line: str, decided: bool) -> str:
    """How much of `line` is the rest of inline code, none where it does not begin in any."""
    unclosed = False
    for token in tokens:
        if HERE not in token.content:
            unclosed = unclosed or "`" in token.content
        elif token.type == "code_inline":
            closing = re.search(rf"(?<!`){token.markup}(?!`)", line)
            if closing and (decided or closing.end() < len(line)):
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
