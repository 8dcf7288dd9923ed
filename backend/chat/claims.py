"""The sentences of a finished answer that cite something, as Markdown shows them: code and links cite nothing."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from backend.llm.sentences import split_blocks, split_sentences

MARKER = re.compile(r"(?<!\s)\s*+\[([0-9]{1,4})\]")  # white space is tried once, from where it begins
# As the widget reads it: no HTML, no reference definitions ("[1]: …" is a marker and a colon). Escaped characters stay
# apart from the text around them, as an escaped bracket opens no marker.
MARKDOWN = (
    MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable(["reference", "text_join"])
)
MARKDOWN.parse("text")  # compiles the rules, which two threads must not do at the same time
# Also where emphasis falls apart: "[**1**]" is shown as a number in brackets and is no marker.
OTHER_BRACKET = re.compile(r"\[(?![0-9]{1,4}\])")
NO_MARKER = "\ue000"
LONGEST_READ = 30_000  # characters; seven times what the longest answer has that a prompt allows


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence without its markers, and the sources that these name, in their order."""

    sentence: str
    cited: tuple[int, ...]


def find_claims(answer: str, sources: Collection[int]) -> list[Claim]:
    """Every sentence that cites at least one of `sources` (their indexes), in the order of the answer."""
    claims: list[Claim] = []
    if not MARKER.search(answer):
        return claims
    for text in texts_of(answer[:LONGEST_READ]):
        for block in split_blocks(text):
            for sentence in split_sentences(block):
                cited = [index for number in MARKER.findall(sentence) if (index := int(number)) in sources]
                if cited:
                    said = MARKER.sub("", sentence).replace(NO_MARKER, "[").strip(" •")
                    claims.append(Claim(said, tuple(dict.fromkeys(cited))))
    return claims


def texts_of(answer: str) -> Iterator[str]:
    """The text of each paragraph, list item, heading and table cell; a `[` that opens no marker is `NO_MARKER`."""
    for token in MARKDOWN.parse(answer):
        if token.type == "inline":
            yield "".join(pieces_of(token.children or []))


def pieces_of(tokens: Sequence[Token]) -> Iterator[str]:
    """Text as it is; code, links and pictures with brackets that open no markers."""
    in_link = False
    for token in tokens:
        match token.type:
            case "text" if not in_link:
                yield OTHER_BRACKET.sub(NO_MARKER, token.content)
            case "text" | "text_special" | "code_inline" | "image":
                yield token.content.replace("[", NO_MARKER)
            case "softbreak" | "hardbreak":
                yield "\n"
            case "link_open" | "link_close":
                in_link = token.type == "link_open"
            case _:
                pass
