"""What a parsed recording says: by turn, and by moment."""

from pipeline.sources.parsed import ParsedDocument


def turns(document: ParsedDocument) -> list[tuple[str | None, str]]:
    """Speaker and running text of each turn."""
    return [
        (section.speaker, "".join(block.before + block.text for block in section.blocks).strip())
        for section in document.sections
    ]


def timed(document: ParsedDocument) -> list[tuple[str, float | None, float | None]]:
    """Text, begin and end of each block."""
    return [(block.text, block.start_s, block.end_s) for section in document.sections for block in section.blocks]
