"""The citation contract while an answer streams: only markers `[n]` of sources that exist ever leave."""

import re
from dataclasses import dataclass

from backend.chat.code_marks import Undecided
from backend.chat.code_spans import LONGEST_CODE, AnswerSoFar

CLOSERS = {"[": "]", "【": "】", "［": "］"}
# What a model writes for a marker: [1] [[1]] [^1] [1, 2] [1-3] 【1†name】. At most so long, so little is held back.
LONGEST_MARKER = 200
INNER = re.compile(r"[ \t]*\^?(\d+)((?:[ \t]*[,;–-][ \t]*\^?\d+)*)[ \t]*(?:†[^\]】］\n]*)?")
MAY_BECOME_INNER = re.compile(r"[ \t\d,;^–-]*(?:†[^\]】］\n]*)?")
# A link behind a marker, [1](https://…): its address is the model's, and only ours may be followed.
LINK_TARGET = re.compile(r"\((?:https?:|mailto:|www\.|[/#])[^\s()]*\)")
LONGEST_LINK = 300
MAY_BECOME_LINK = re.compile(r"\([^\s()]*")
# Up to what may belong to a bracket: a bracket, the space before one or at the end of a piece, a backslash.
PLAIN = re.compile(r"(?:[^\[【［\\ \t]++|[ \t](?=[^\[【［]))++")
UNCLOSED_NUMBER = re.compile(r"[\[【［][ \t\d,;^–-]*$")


@dataclass(frozen=True, slots=True)
class Group:
    """Something in brackets that reads as a marker: where it ends, its numbers, and whether it is a range."""

    end: int
    numbers: tuple[int, ...]
    is_range: bool


class CitationFilter:
    """Passes an answer on as it streams and keeps the contract: any split into pieces gives the same text.

    - `[1]` stays; `[1, 2]`, `[1-3]`, `[[1]]`, `[^1]`, `【1】`, `\\[1]` become `[1][2]…`; an address behind a marker is
      dropped.
    - A number without a source is removed, with the space before it.
    - `[2024]` becomes `(2024)`: a year is text, and no reader may take it for a footnote.
    - `array[0]` directly behind a word, `[x]`, `[-10-20]`, links and all code stay as they are.

    Held back are only a space or backslash at the end of a piece, a bracket until it is clear what it is, and a bracket
    in what may be inline code until that closes.
    """

    def __init__(self, source_count: int) -> None:
        self._source_count = source_count
        self._held = ""
        self._said = AnswerSoFar()
        self._after_marker = False
        self._removed = False  # whether something was removed between what was said and what comes

    def feed(self, text: str) -> str:
        """The text that is certain by now."""
        return self._advance(text, final=False)

    def finish(self) -> str:
        """What was still held back, once the answer is complete."""
        return self._advance("", final=True)

    def _advance(self, piece: str, *, final: bool) -> str:
        text, at, out = self._held + piece, 0, []
        while at < len(text):
            after_marker, self._after_marker = self._after_marker, False
            try:
                said, at = self._step(text, at, final, after_marker)
            except Undecided:
                self._after_marker = after_marker
                break
            if self._removed and said.startswith("`") and self._said.text.endswith("`"):
                said = f" {said}"  # longer backticks would not close the code that those before have closed
            self._removed = not said
            out.append(said)
            self._said.add(said)
        self._held = text[at:]
        return "".join(out)

    def _step(self, text: str, at: int, final: bool, after_marker: bool) -> tuple[str, int]:
        """Says one thing: what to pass on, and where to go on. Raises `Undecided` where more text could change it."""
        letter = text[at]
        if letter == "(" and after_marker:
            return self._parenthesis(text, at, final)
        if plain := PLAIN.match(text, at):
            return plain[0], plain.end()
        if letter in CLOSERS:
            return self._bracket(text, at, final, before="")
        if at + 1 == len(text) and not final:
            raise Undecided
        if text[at + 1 : at + 2] in CLOSERS:
            return self._bracket(text, at + 1, final, before=letter)
        # A backslash before a backslash escapes that one and not what comes behind.
        end = at + 2 if text[at : at + 2] == "\\\\" else at + 1
        return text[at:end], end

    def _bracket(self, text: str, at: int, final: bool, before: str) -> tuple[str, int]:
        """What begins with the bracket `text[at]`; `before` is the space or backslash right before it, not yet said."""
        code = self._said.code_ahead(before, text[at : at + LONGEST_CODE], final)
        if code:
            return before + code, at + len(code)
        group = read_group(text, at, final)
        if group is None:
            return before + text[at], at + 1
        space = before.strip("\\")
        years = all(1000 <= number <= 2999 for number in group.numbers)
        is_index = group.numbers == (0,) and not before and self._said.text[-1:].isalnum()
        stays = group.is_range and not all(0 < number <= self._source_count for number in group.numbers)
        if years or is_index or stays:
            inner = text[at + 1 : group.end - 1]
            said = f"({inner.strip('[]【】［］')})" if years else text[at : group.end]
            return space + said, group.end
        markers = "".join(f"[{number}]" for number in group.numbers if 0 < number <= self._source_count)
        self._after_marker = True
        if not markers and UNCLOSED_NUMBER.search(self._said.text[-LONGEST_MARKER:]):
            # If it went, the text around would close up to a marker of its own: [9[50]9].
            return f"{space}({', '.join(map(str, group.numbers))})", group.end
        return space + markers if markers else "", group.end

    def _parenthesis(self, text: str, at: int, final: bool) -> tuple[str, int]:
        target = LINK_TARGET.match(text, at, at + LONGEST_LINK)
        if target:
            self._after_marker = True
            return "", target.end()
        if not final and len(text) - at < LONGEST_LINK and MAY_BECOME_LINK.fullmatch(text, at):
            raise Undecided
        return "(", at + 1


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
    numbers = [int(number) for number in re.findall(r"\d+", match[1] + match[2])]
    is_range = "-" in match[2] or "–" in match[2]
    if is_range and len(numbers) == 2 and numbers[0] < numbers[1] <= 99:
        numbers = list(range(numbers[0], numbers[1] + 1))
    return Group(at + depth + len(inner) + depth, tuple(dict.fromkeys(numbers)), is_range)
