"""The cleaned text of a document, and the atoms that its passages are made of."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from semantic_text_splitter import TextSplitter

from backend.knowledge.sentences import sentence_spans
from pipeline.code_blocks import divide_code
from pipeline.sources.parsed import LINE_BREAK, PARAGRAPH_BREAK, Block, Section

Size = Callable[[str], int]

# What it costs to end a passage somewhere, on the scale of `chunk.shortfall`: a passage of half the wanted size costs
# 0.25. Chosen by reading the passages of real articles and talks.
AFTER_PARAGRAPH = 0.0
AFTER_LINE = 0.1
AFTER_SENTENCE = 0.12
AFTER_COLON = 0.4
AFTER_QUESTION = 0.3  # in a turn: the answer follows
QUESTION_MARKS = ("?", "？", "؟")
AT_PAUSE = 0.35
AT_CUE = 0.6
WITHIN_SENTENCE = 0.9

PAUSE_S = 1.0
LONG_SENTENCE = 80  # tokens; longer ones may be divided
PIECE = (40, 60)  # tokens that the pieces of a divided sentence have
WINDOW = 2000  # characters that the splitter sees at once: its time grows with the square of a word's length


@dataclass(frozen=True, slots=True)
class Atom:
    """A sentence, a piece of a long one, or a code block: `text[start:end]`, which a passage holds whole or not at all.

    `break_cost` is what it costs to end a passage after it; one that `asks` is a whole question in a turn.
    """

    start: int
    end: int
    section: int
    break_cost: float
    start_s: float | None = None
    end_s: float | None = None
    page: int | None = None
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """`label_starts[n]` is where section n begins with its heading or speaker; its first atom comes after them."""

    text: str
    atoms: tuple[Atom, ...]
    label_starts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Placed:
    start: int
    end: int
    block: Block


def lay_out(sections: Sequence[Section], rooms: Sequence[int], size: Size) -> Layout:
    """Writes the sections one after the other and marks where passages may begin and end.

    `rooms[n]` is the size that the text of a passage in section n may have; no atom is larger.
    """
    pieces: list[str] = []
    length = 0
    label_starts: list[int] = []
    atoms: list[Atom] = []

    def write(text: str) -> int:
        nonlocal length
        pieces.append(text)
        length += len(text)
        return length

    for number, (section, room) in enumerate(zip(sections, rooms, strict=True)):
        label_starts.append(write(PARAGRAPH_BREAK if number else ""))
        write(section.label)
        placed: list[_Placed] = []
        for block in _divided(section.blocks, room, size):
            start = write(block.before if placed else "")
            placed.append(_Placed(start, write(block.text), block))
        atoms.extend(_atoms(placed, number, room, size, is_turn=section.is_turn))
    return Layout("".join(pieces), tuple(atoms), tuple(label_starts))


def _divided(blocks: Sequence[Block], room: int, size: Size) -> Iterator[Block]:
    """The same blocks, code that is too long for a passage divided into several fenced blocks."""
    for block in blocks:
        if block.verbatim and size(block.text) > room:
            for text in divide_code(block.text, room, size):
                yield Block(text, verbatim=True)
        else:
            yield block


def _atoms(placed: Sequence[_Placed], section: int, room: int, size: Size, *, is_turn: bool) -> Iterator[Atom]:
    """The atoms of one section, run by run: a run is text without a line break between its blocks."""
    run: list[_Placed] = []
    for position, item in enumerate(placed):
        run.append(item)
        following = placed[position + 1].block if position + 1 < len(placed) else None
        if following is None or "\n" in following.before:
            cost = AFTER_PARAGRAPH if following is None else _cost_between(item.block, following)
            yield from _run_atoms(run, section, room, size, cost, is_turn=is_turn)
            run = []


def _cost_between(block: Block, following: Block) -> float:
    if block.text.endswith((":", "：")):
        return AFTER_COLON
    return AFTER_LINE if following.before == LINE_BREAK else AFTER_PARAGRAPH


def _run_atoms(
    run: Sequence[_Placed], section: int, room: int, size: Size, last_cost: float, *, is_turn: bool
) -> Iterator[Atom]:
    offset, end = run[0].start, run[-1].end
    text = "".join(_with_gaps(run))
    starts = [item.start for item in run]

    def atom(begin: int, finish: int, cost: float, *, whole: bool = False) -> Atom:
        first, last = run[bisect_right(starts, begin) - 1], run[bisect_right(starts, finish - 1) - 1]
        asks = is_turn and text.endswith(QUESTION_MARKS, 0, finish - offset)
        cost = AFTER_QUESTION if asks else last_cost if finish == end else cost
        times = first.block.start_s, last.block.end_s
        return Atom(begin, finish, section, cost, *times, first.block.page, asks and whole)

    if run[0].block.verbatim:
        yield atom(offset, end, AFTER_PARAGRAPH)
        return
    for start, finish in sentence_spans(text):
        for begin, stop, cost in _pieces(text, start, finish, run, min(room, LONG_SENTENCE), size):
            yield atom(offset + begin, offset + stop, cost, whole=(begin, stop) == (start, finish))


def _with_gaps(run: Sequence[_Placed]) -> Iterator[str]:
    for position, item in enumerate(run):
        if position:
            yield item.block.before
        yield item.block.text


def _pieces(
    text: str, start: int, end: int, run: Sequence[_Placed], most: int, size: Size
) -> Iterator[tuple[int, int, float]]:
    """A sentence whole, or where it is too long its cues, or where these are too long what the splitter makes of them;
    with the cost of a break after each."""
    if size(text[start:end]) <= most:
        yield start, end, AFTER_SENTENCE
        return
    offset = run[0].start
    for position, item in enumerate(run):
        begin, stop = max(item.start - offset, start), min(item.end - offset, end)
        if begin >= stop:
            continue
        cost = AFTER_SENTENCE if stop == end else _cost_after_cue(run, position)
        if size(text[begin:stop]) <= most:
            yield begin, stop, cost
        else:
            spans = list(_split(text[begin:stop], most, size))
            for index, (left, right) in enumerate(spans):
                yield begin + left, begin + right, cost if index == len(spans) - 1 else WITHIN_SENTENCE


def _cost_after_cue(run: Sequence[_Placed], position: int) -> float:
    end_s = run[position].block.end_s
    start_s = run[position + 1].block.start_s if position + 1 < len(run) else None
    return AT_PAUSE if end_s is not None and start_s is not None and start_s - end_s >= PAUSE_S else AT_CUE


def _split(text: str, most: int, size: Size) -> Iterator[tuple[int, int]]:
    """Pieces of up to `most` tokens, between words where there are any, else between what readers see as characters."""
    high = min(PIECE[1], most)
    splitter = TextSplitter.from_callback(size, (min(PIECE[0], high), high))
    start = 0
    while start < len(text):
        end = _window_end(text, start)
        for begin, piece in splitter.chunk_indices(text[start:end]):
            yield start + begin, start + begin + len(piece)
        start = end


def _window_end(text: str, start: int) -> int:
    end = start + WINDOW
    if end >= len(text):
        return len(text)
    space = text.rfind(" ", start, end)
    return space + 1 if space > start else end
