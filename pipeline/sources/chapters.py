"""A recording's chapters as headings over what is said in them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.sources.parsed import Block, Chapter, Section


def under_chapters(sections: Sequence[Section], chapters: Sequence[Chapter]) -> tuple[Section, ...]:
    """The sections, divided where a chapter begins and with its title before their headings.

    A block belongs to the chapter in which it begins, one without a time to that of the block before it. Sections
    without any time, and what comes before the first chapter, stay as they are.
    """
    ordered = sorted(chapters, key=lambda chapter: chapter.start_s)
    return tuple(part for section in sections for part in _divided(section, ordered))


def _divided(section: Section, chapters: Sequence[Chapter]) -> Iterator[Section]:
    starts = [chapter.start_s for chapter in chapters]
    current = 0  # how many chapters have begun
    blocks: list[Block] = []
    for block in section.blocks:
        begun = current if block.start_s is None else bisect_right(starts, block.start_s)
        if blocks and begun != current:
            yield _under(section, blocks, chapters[:current])
            blocks = []
        current = begun
        blocks.append(block)
    yield _under(section, blocks, chapters[:current])


def _under(section: Section, blocks: Sequence[Block], begun: Sequence[Chapter]) -> Section:
    title = (begun[-1].title,) if begun else ()
    return replace(section, blocks=tuple(blocks), headings=(*title, *section.headings))
