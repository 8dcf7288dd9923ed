"""The terminal that a curator reads: nothing that came with content steers it, or passes for a line of ours."""

import re
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

_REPLACEMENT = 0xFFFD
_LINE_ENDS = {"\n": 0x240A, "\t": 0x2409, "\u2028": _REPLACEMENT, "\u2029": _REPLACEMENT}
# C0 and DEL have pictures in Unicode. C1 steers terminals too; the marks embed, override and isolate directions of
# writing, so that a line reads otherwise than it is; halves of surrogates, from names that are no UTF-8, have no bytes.
_VISIBLE = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in _LINE_ENDS},
    0x7F: 0x2421,
    **dict.fromkeys((*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), _REPLACEMENT),
    **dict.fromkeys(range(0xD800, 0xE000), _REPLACEMENT),
}
_IN_ONE_LINE = {**_VISIBLE, **str.maketrans(_LINE_ENDS)}
_NAME_AND_PASSWORD = re.compile(r"(?<=://)[^\s/?#]*@")


def visible(text: str) -> str:
    """The text with a picture for each character that would do something; its length stays, and so do its lines."""
    return text.translate(_VISIBLE)


def one_line(text: str) -> str:
    """A name, an address or a reason as part of a line, whatever is in it, and without a password."""
    return without_password(text).translate(_IN_ONE_LINE)


def without_password(text: str) -> str:
    """The text with `…@` for what stands before the sites of addresses in it."""
    return _NAME_AND_PASSWORD.sub("…@", text)


class Terminal(Console):
    """Rich's console, made safe to print anything on: our own styles still work.

    Lines are as long as they are unless `soft_wrap` is off; what looks like an emoji's code stays as it is.
    """

    def __init__(self, *, stderr: bool = False, quiet: bool = False, soft_wrap: bool = True) -> None:
        super().__init__(stderr=stderr, quiet=quiet, soft_wrap=soft_wrap, highlight=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        if isinstance(renderable, str):
            renderable = visible(renderable)
        elif isinstance(renderable, Text):
            renderable = renderable.copy()
            renderable.plain = visible(renderable.plain)
        return super().render(renderable, options)
