"""Transcripts written as Markdown: who speaks stands in bold, or alone in a paragraph, before a colon or a time.

The time may stand before the name, in bold with it, or behind it: `**[00:12] Ana:**`, `(00:12) **Ana:**`,
`**Ana (00:12):**`, `**Ana** [00:12]:`, `**Ana:** [00:12]`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from markdown_it.token import Token

from pipeline.sources.inline import inline_text
from pipeline.sources.names import is_full_name, may_be_name
from pipeline.sources.times import begins_with_time, only_times

_Style = Literal["**Name:**", "**Name**:", "Name:"]

_BREAKS = {
    "ad", "ad break", "ads", "break", "commercial break", "interlude", "intro", "jingle", "midroll", "music", "outro",
    "sponsor", "sponsor break", "sponsors",
}  # fmt: skip
_ALONE = re.compile(r"([^\W\d_][^:;!?\"<>\[\]]{1,60}):")
_COLONS = (":", "：")
_TIME = r"[\[(]?((?:\d{1,3}:)?\d{1,3}:[0-5]\d)(?:[.,]\d{1,3})?[\])]?"
_TIME_ALONE = re.compile(rf"\s*{_TIME}[\s–—-]*")
_TIME_BEHIND = re.compile(rf"[\s–—-]*{_TIME}")
_TIME_AND_COLON = re.compile(rf"{_TIME}[ \t]*[:：]?\s*")
_FEWEST_TIMES = 3  # that make a transcript of what one person says


@dataclass(frozen=True, slots=True)
class Line:
    """Something said in a row. `label` is what stands before a colon or a time at its beginning, `text` all after it,
    behind the time as `[12:05]`; `written` is the whole line where a time stood elsewhere."""

    text: str
    label: str = ""
    style: _Style | None = None
    written: str = ""

    @property
    def is_break(self) -> bool:
        """Whether it marks where a sponsor or a jingle comes in."""
        return self.label.lower() in _BREAKS

    @property
    def whole(self) -> str:
        """The text as it reads where the label names nobody."""
        return self.written or (f"{self.label}: {self.text}".strip() if self.label else self.text)


@dataclass(frozen=True, slots=True)
class Cast:
    """Who speaks in a transcript."""

    names: frozenset[str]

    def lines(self, inline: Token) -> Iterator[Line]:
        """A paragraph, divided where someone else begins to speak; only they and breaks have a label."""
        first, texts = Line(""), list[str]()
        for line in _lines(inline):
            if line.is_break or line.label in self.names:
                yield replace(first, text=" ".join(filter(None, texts)))
                first, texts = line, [self._text(line)]
            else:
                texts.append(line.whole)
        yield replace(first, text=" ".join(filter(None, texts)))

    def _text(self, line: Line) -> str:
        times = only_times(line.text) if line.is_break else None
        return line.text if times is None else times


def cast_of(tokens: Sequence[Token]) -> Cast | None:
    """Those who speak, where the document is a transcript; None for an article, whatever it has in bold.

    In a transcript the same few names make most of the labels, and come again under one heading. They stand before
    every second paragraph, or they are full names and stand before the first. What one person says has times instead.
    """
    lines = [(part, line) for part, line in _all_lines(tokens) if not line.is_break and only_times(line.whole) is None]
    uses = [(part, line) for part, line in lines if may_be_name(line.label)]
    if not uses:
        return None
    style = Counter(line.style for _, line in uses).most_common(1)[0][0]
    labels = [(part, line.label) for part, line in uses if line.style == style]
    again = {label for (_, label), count in Counter(labels).items() if count > 1}
    texts = [line for _, line in lines if line.text]
    recurs = 2 * sum(label in again for _, label in labels) >= len(labels)
    is_full = 2 * sum(is_full_name(label) for _, label in labels) >= len(labels)
    is_dense = 2 * len(labels) >= len(texts)
    if style == "Name:":
        return Cast(frozenset(again)) if recurs and is_full and is_dense else None
    opens = lines[0][1].style == style and is_full
    is_timed = sum(begins_with_time(line.text) for line in texts) >= _FEWEST_TIMES
    if (recurs and (is_dense or opens)) or (opens and is_timed):
        return Cast(frozenset(label for _, label in labels))
    return None


def _all_lines(tokens: Sequence[Token]) -> Iterator[tuple[int, Line]]:
    """The lines of all paragraphs outside of lists and quotations, with the number of headings before them."""
    headings = 0
    for position, token in enumerate(tokens):
        if token.type == "heading_open" and token.level == 0:
            headings += 1
        elif token.type == "paragraph_open" and token.level == 0:
            for line in _lines(tokens[position + 1]):
                yield headings, line


def _lines(inline: Token) -> Iterator[Line]:
    """A paragraph, divided before what is in bold at the beginning of a line."""
    children = [child for child in inline.children or [] if child.type != "text" or child.content]
    starts = [
        position + 1
        for position, (child, following) in enumerate(pairwise(children))
        if child.type in ("softbreak", "hardbreak") and following.type == "strong_open"
    ]
    for start, end in zip([0, *starts], [*starts, len(children)], strict=True):
        yield _line(children[start:end])


def _line(children: Sequence[Token]) -> Line:
    whole = inline_text(children)
    at, rest = _time_before(children)
    if rest and rest[0].type == "strong_open":
        end = next(position for position, child in enumerate(rest) if child.type == "strong_close")
        label, text = inline_text(rest[:end]), inline_text(rest[end:])
        style: _Style | None = None
        if label.endswith(_COLONS):
            label, style = label[:-1].strip(), "**Name:**"
        elif text.startswith(_COLONS):
            text, style = text[1:].strip(), "**Name**:"
        elif behind := _TIME_AND_COLON.match(text):
            at, text, style = at or behind[1], text[behind.end() :], "**Name**:"
        name, inside = _without_time(label)
        if style or inside:
            if (at := at or inside) is None:
                return Line(text, name, style)
            return Line(f"[{at}] {text}".strip(), name, style or "**Name**:", whole)
    elif match := _ALONE.fullmatch(whole):
        return Line("", match[1].strip(), "Name:")
    return Line(whole)


def _time_before(children: Sequence[Token]) -> tuple[str | None, Sequence[Token]]:
    """The time that stands alone before what is in bold, and the rest."""
    is_before = len(children) > 1 and (children[0].type, children[1].type) == ("text", "strong_open")
    match = _TIME_ALONE.fullmatch(children[0].content) if is_before else None
    return (match[1], children[1:]) if match else (None, children)


def _without_time(label: str) -> tuple[str, str | None]:
    """The label without the time that it begins or ends with, and that."""
    if (match := _TIME_ALONE.match(label)) and match.end() < len(label):
        return label[match.end() :], match[1]
    found = list(_TIME_BEHIND.finditer(label))
    if found and found[-1].start() > 0 and found[-1].end() == len(label):
        return label[: found[-1].start()], found[-1][1]
    return label, None
