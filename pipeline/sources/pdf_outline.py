"""A PDF's outline (its bookmarks) as headings, where it names what stands on the pages."""

from collections.abc import Sequence

from pypdfium2 import PdfDocument

from pipeline.sources.outline import Outline
from pipeline.sources.parsed import Block, Section

_TRUE = 0.7  # of the outline's entries that must be found; some programs write every bold line into it


def under_outline(document: PdfDocument, blocks: Sequence[Block]) -> list[Section]:
    """The blocks under the headings that the outline names, or all in one section where it cannot be trusted."""
    levels = {
        (destination.get_index() + 1, _key(bookmark.get_title())): bookmark.level
        for bookmark in document.get_toc()
        if (destination := bookmark.get_dest()) and destination.get_index() is not None
    }
    found = {place for block in blocks if (place := _place(block)) in levels}
    if len(found) < _TRUE * len(levels):
        levels = {}
    outline = Outline()
    for block in blocks:
        level = levels.get(_place(block))
        if level is None:
            outline.add(block)
        else:
            outline.open(level, block)
    return outline.finish()


def _place(block: Block) -> tuple[int, str]:
    return block.page or 0, _key(block.text)


def _key(text: str) -> str:
    """The letters and digits of a heading, since programs differ in the rest."""
    return "".join(character for character in text.casefold() if character.isalnum())
