"""Blocks and headings as they come, put together to sections."""

from dataclasses import dataclass

from pipeline.sources.parsed import Block, Section


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
