"""The citation contract while an answer streams: only markers `[n]` of sources that exist ever leave."""

import re
from dataclasses import dataclass

CLOSERS = {"[": "]", "【": "】", "［": "］"}
# What a model writes for a marker: [1] [[1]] [^1] [1, 2] [1-3] 【1†name】. At most so long, so little is held back.
LONGEST_MARKER = 200
INNER = re.compile(r"[ \t]*\^?([0-9]+)((?:[ \t]*[,;–-][ \t]*\^?[0-9]+)*)[ \t]*(?:†[^\]】］\n]*)?")
MAY_BECOME_INNER = re.compile(r"[ \t0-9,;^–-]*(?:†[^\]】］\n]*)?")
# A link behind a marker, [1](https://…): its address is the model's, and only ours may be followed.
LINK_TARGET = re.compile(r"\((?:https?:|mailto:|www\.|[/#])[^\s()]*\)")
LONGEST_LINK = 300
MAY_BECOME_LINK = re.compile(r"\([^\s()]*")
# Inline code ends on its line; text behind a lone backtick is looked ahead at, so far, once a bracket comes.
LONGEST_CODE = 400
PLAIN = re.compile(r"[^\[【［`~\n \t(]+")
PLAIN_CODE = re.compile(r"[^\[【［`\n \t]+")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*")
UNCLOSED_NUMBER = re.compile(r"[\[【［][ \t0-9,;^–-]*$")


@dataclass(frozen=True, slots=True)
class Group:
    """Something in brackets that reads as a marker: where it ends, its numbers, and whether it is a range."""

    end: int
    numbers: tuple[int, ...]
    is_range: bool


class Undecided(Exception):
    """What is there may still become one thing or another; the next piece decides."""


class CitationFilter:
    """Passes an answer on as it streams and keeps the contract: any split into pieces gives the same text.

    - `[1]` stays; `[1, 2]`, `[1-3]`, `[[1]]`, `[^1]`, `【1】` become `[1][2]…`; an address behind a marker is dropped.
    - A number without a source is removed, with the space before it.
    - `[2024]` becomes `(2024)`: a year is text, and no reader may take it for a footnote.
    - `array[0]` directly behind a word, `[x]`, `[-10-20]`, links and all code stay as they are.

    Held back are only a space at the end of a piece, a bracket until it is clear what it is, and a bracket in what may
    be inline code until that closes.
    """

    def __init__(self, source_count: int) -> None:
        self._source_count = source_count
        self._held = ""
        self._tail = ""
        self._line_start = True
        self._after_marker = False
        self._inline = 0
        self._inline_allowed = True
        self._fence = ""

    def feed(self, text: str) -> str:
        """The text that is certain by now."""
        return self._advance(text, final=False)

    def finish(self) -> str:
        """What was still held back, once the answer is complete."""
        return self._advance("", final=True)

    def _advance(self, piece: str, *, final: bool) -> str:
        text, at, out = self._held + piece, 0, []
        while at < len(text):
            try:
                said, at = self._step(text, at, final)
            except Undecided:
                break
            out.append(said)
            self._tail = (self._tail + said)[-LONGEST_MARKER:]
        self._held = text[at:]
        return "".join(out)

    def _step(self, text: str, at: int, final: bool) -> tuple[str, int]:
        """Says one thing: what to pass on, and where to go on. Raises `Undecided` where more text could change it."""
        if self._fence:
            return self._fenced(text, at, final)
        letter = text[at]
        after_marker, self._after_marker = self._after_marker, False
        try:
            if letter == "\n":
                self._line_start, self._inline, self._inline_allowed = True, 0, True
                return letter, at + 1
            if self._inline:
                return self._in_code(text, at, final)
            if letter in "`~":
                return self._backticks(text, at, final)
            if letter in " \t":
                return self._space(text, at, final)
            self._line_start = False
            if letter in CLOSERS:
                return self._bracket(text, at, final, space="")
            if letter == "(":
                return self._parenthesis(text, at, final) if after_marker else (letter, at + 1)
        except Undecided:
            self._after_marker = after_marker
            raise
        plain = PLAIN.match(text, at)
        end = plain.end() if plain else at + 1
        return text[at:end], end

    def _fenced(self, text: str, at: int, final: bool) -> tuple[str, int]:
        """Inside a code block: whole lines, until one that closes it."""
        newline = text.find("\n", at)
        if not self._line_start:
            self._line_start = newline >= 0
            end = newline + 1 if newline >= 0 else len(text)
            return text[at:end], end
        if newline < 0 and not final and re.fullmatch(r" {0,3}[`~]*[ \t]*", text[at:]):
            raise Undecided
        line = text[at : newline if newline >= 0 else len(text)]
        closing = FENCE.fullmatch(line)
        if closing and closing[1].startswith(self._fence):
            self._fence = ""
        self._line_start = newline >= 0
        end = at + len(line) + (newline >= 0)
        return text[at:end], end

    def _backticks(self, text: str, at: int, final: bool) -> tuple[str, int]:
        run = run_of(text, at, final)
        if len(run) >= 3 and self._line_start:
            self._fence = run
        elif run[0] == "`" and self._inline_allowed:
            self._inline = len(run)
        self._line_start = False
        return run, at + len(run)

    def _in_code(self, text: str, at: int, final: bool) -> tuple[str, int]:
        """Inline code. From a bracket on it must be seen to close; if it does not, the backtick was text."""
        if text[at] == "`":
            run = run_of(text, at, final)
            if len(run) == self._inline:
                self._inline = 0
            return run, at + len(run)
        if plain := PLAIN_CODE.match(text, at):
            return plain[0], plain.end()
        if text[at] in " \t":
            if at + 1 == len(text) and not final:
                raise Undecided
            if text[at + 1 : at + 2] not in CLOSERS:
                return text[at], at + 1
        window = text[at : at + LONGEST_CODE]
        closed = re.search(rf"(?<!`)`{{{self._inline}}}(?!`)", window.partition("\n")[0])
        decided = final or "\n" in window or len(window) == LONGEST_CODE
        if closed and (closed.end() < len(window) or decided):
            self._inline = 0
            return window[: closed.end()], at + closed.end()
        if not decided:
            raise Undecided
        self._inline, self._inline_allowed = 0, False
        return "", at

    def _space(self, text: str, at: int, final: bool) -> tuple[str, int]:
        if at + 1 == len(text) and not final:
            raise Undecided
        if at + 1 < len(text) and text[at + 1] in CLOSERS:
            self._line_start = False
            return self._bracket(text, at + 1, final, space=text[at])
        return text[at], at + 1

    def _bracket(self, text: str, at: int, final: bool, space: str) -> tuple[str, int]:
        group = read_group(text, at, final)
        if group is None:
            return space + text[at], at + 1
        years = all(1000 <= number <= 2999 for number in group.numbers)
        is_index = group.numbers == (0,) and not space and self._tail[-1:].isalnum()
        stays = group.is_range and not all(0 < number <= self._source_count for number in group.numbers)
        if years or is_index or stays:
            inner = text[at + 1 : group.end - 1]
            said = f"({inner.strip('[]【】［］')})" if years else text[at : group.end]
            return space + said, group.end
        markers = "".join(f"[{number}]" for number in group.numbers if 0 < number <= self._source_count)
        self._after_marker = True
        if not markers and UNCLOSED_NUMBER.search(self._tail):
            # If it went, the text around would close up to a marker of its own: [9[50]9].
            return f"{space}({', '.join(map(str, group.numbers))})", group.end
        return space + markers if markers else "", group.end

    def _parenthesis(self, text: str, at: int, final: bool) -> tuple[str, int]:
        target = LINK_TARGET.match(text, at, at + LONGEST_LINK)
        if target:
            return "", target.end()
        if not final and len(text) - at < LONGEST_LINK and MAY_BECOME_LINK.fullmatch(text, at):
            raise Undecided
        return "(", at + 1


def run_of(text: str, at: int, final: bool) -> str:
    """The same letter as often as it repeats; `Undecided` where the text ends before another letter."""
    end = at
    while end < len(text) and text[end] == text[at]:
        end += 1
    if end == len(text) and not final:
        raise Undecided
    return text[at:end]


def read_group(text: str, at: int, final: bool) -> Group | None:
    """The marker that begins at the bracket `text[at]`, None where it is something else."""
    opener, closer = text[at], CLOSERS[text[at]]
    depth = 2 if text[at + 1 : at + 2] == opener else 1
    window = text[at + depth : at + LONGEST_MARKER]
    complete = final or len(text) - at >= LONGEST_MARKER
    inner, found, behind = window.partition(closer)
    if not found:
        if not complete and MAY_BECOME_INNER.fullmatch(inner):
            raise Undecided
        return None
    match = INNER.fullmatch(inner)
    if match is None:
        return None
    if depth == 2 and not behind.startswith(closer):
        if not behind and not complete:
            raise Undecided
        return None
    numbers = [int(number) for number in re.findall("[0-9]+", match[1] + match[2])]
    is_range = "-" in match[2] or "–" in match[2]
    if is_range and len(numbers) == 2 and numbers[0] < numbers[1] <= 99:
        numbers = list(range(numbers[0], numbers[1] + 1))
    return Group(at + depth + len(inner) + depth, tuple(dict.fromkeys(numbers)), is_range)
