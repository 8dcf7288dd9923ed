"""Fenced code that is too long for one passage."""

from collections.abc import Callable, Iterator

from pipeline.sources.html_fragment import fenced

LINE_CHARACTERS = 200  # longer lines are data or minified code; they are cut, or one of them could overflow a passage


def divide_code(block: str, room: int, size: Callable[[str], int]) -> list[str]:
    """The fenced block as several, each within `room`, divided at blank lines where that leaves them half full."""
    opening, *lines = block.split("\n")[:-1]
    language = opening.lstrip("`")
    pieces: list[list[str]] = [[]]
    for line in _short_lines(lines, language, room, size):
        while pieces[-1] and size(fenced("\n".join([*pieces[-1], line]), language)) > room:
            pieces.append(_cut_at_blank_line(pieces[-1]))
        pieces[-1].append(line)
    texts = ("\n".join(piece).strip("\n") for piece in pieces)
    return [fenced(text, language) for text in texts if text.strip()]


def _cut_at_blank_line(lines: list[str]) -> list[str]:
    """Takes what follows the last blank line of the second half off `lines`, and returns it."""
    for position in range(len(lines) - 1, len(lines) // 2, -1):
        if not lines[position].strip():
            tail = lines[position + 1 :]
            del lines[position:]
            return tail
    return []


def _short_lines(lines: list[str], language: str, room: int, size: Callable[[str], int]) -> Iterator[str]:
    """The same lines, those that alone are too long in several."""
    for line in lines:
        start = 0
        while (rest := len(line) - start) > 1 and (
            rest > LINE_CHARACTERS or size(fenced(line[start:], language)) > room
        ):
            width = min(LINE_CHARACTERS, rest - 1)
            while width > 1 and size(fenced(line[start : start + width], language)) > room:
                width //= 2
            yield line[start : start + width]
            start += width
        yield line[start:]
