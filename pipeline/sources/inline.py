"""The running text of Markdown: what a reader sees of a heading, a paragraph or a cell."""

import re
from collections.abc import Iterator, Sequence

from markdown_it.token import Token

from pipeline.clean import flow_lines

_FOOTNOTE_MARK = re.compile(r"\[\^[^\[\]\s]+\]:?")


def inline_text(children: Sequence[Token]) -> str:
    """The text of inline tokens: no markup, no addresses behind words."""
    return flow_lines(_FOOTNOTE_MARK.sub("", "".join(_parts(children))))


def _parts(children: Sequence[Token]) -> Iterator[str]:
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
