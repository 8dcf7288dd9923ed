"""Blocks and headings as they come, put together to sections."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.sources.parsed import Block, Section

_NOT_LETTERS = re.compile(r"\W+")


def letters(text: str) -> str:
    """The words of a heading or title as they can be compared: in lower case, and nothing between them but spaces."""
    return _NOT_LETTERS.sub(" ", text).strip().casefold()


def below_title(sections: Sequence[Section], title: str | None) -> tuple[Section, ...]:
    """The sections without the heading that all of them stand under, where that says no more than the title."""
    tops = {section.headings[0] for section in sections if section.headings}
    if title and len(tops) == 1 and f" {letters(tops.pop())} " in f" {letters(title)} ":
        return tuple(replace(section, headings=section.headings[1:]) for section in sections)
    return tuple(sections)


@dataclass(slots=True)
class _Heading:
    level: int
    block: Block
    leads: bool = False  # to a section with text


class Outline:
    """Collects a document's sections. A heading that nothing stands under becomes a block, so that no text is lost."""

    def __init__(self) -> None:
        self._sections: list[Section] = []
        self._path: list[_Heading] = []
        self._blocks: list[Block] = []

    def add(self, block: Block) -> None:
        """A block under the headings that are open."""
        self._blocks.append(block)

    def open(self, level: int, heading: Block) -> None:
        """A heading, which ends the sections of its own level (1 is the outermost) and of deeper ones."""
        self._close(level)
        self._path.append(_Heading(level, heading))

    def finish(self) -> list[Section]:
        """The sections that have text, in order."""
        self._close(0)
        self._end_section()
        return self._sections

    def _close(self, level: int) -> None:
        self._end_section()
        empty: list[Block] = []
        while self._path and self._path[-1].level >= level:
            heading = self._path.pop()
            if not heading.leads:
                empty.append(heading.block)
        self._blocks.extend(reversed(empty))
        self._end_section()

    def _end_section(self) -> None:
        if self._blocks:
            for heading in self._path:
                heading.leads = True
            self._sections.append(Section(tuple(self._blocks), tuple(heading.block.text for heading in self._path)))
            self._blocks = []
