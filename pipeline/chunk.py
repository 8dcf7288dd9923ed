"""Cuts a document into passages: of even size, along its own seams, each with its place."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from uuid import uuid5

from backend.knowledge.models import Chunk, Document
from pipeline.layout import AFTER_QUESTION, Atom, Layout, lay_out
from pipeline.sources.parsed import PARAGRAPH_BREAK, Section

# Tokens of the embedding model, title, heading path and special tokens included. The default model reads 256, and in
# the talks and articles that we read some 150 words hold one thought.
TARGET = 200
LIMIT = 240
SMALLEST_ROOM = 16
CHARACTERS_A_TOKEN = 10  # a word of absurd length is one unknown token to some tokenizers, and yet fills the page

# What it costs to let one passage cross a border, on the scale of `shortfall`: small neighbours are joined, those of
# half a passage each rather not. Who speaks may change in a passage more cheaply than what it is about.
ACROSS_TURNS = 0.12
INTO_SUBSECTION = 0.3
ACROSS_SECTIONS = 0.5
# A passage that crosses and does not begin with its section lacks the first label, which a question needs less.
FROM_MIDDLE = 0.3
# A link opens where a passage begins, so what it ends with may be no further from there: where somebody says one
# sentence a minute, or a page has one, that is far. In talks whose passages are whole the last sentence comes after a
# minute.
FARTHEST_S = 120.0
SILENCE_S = 30.0
MOST_PAGES = 2
ACROSS_PAGES = 0.2
SHORT_ANSWER = 20  # tokens; "All of the above." is where an answer begins

TITLE_CHARACTERS = 100
HEADING_CHARACTERS = 100
SPEAKER_CHARACTERS = 60
HEADING_SEPARATOR = " > "


def chunk_document(
    document: Document, sections: Sequence[Section], count_tokens: Callable[[str], int]
) -> tuple[str, list[Chunk]]:
    """The document's cleaned text and its passages in order.

    `text[chunk.char_start:chunk.char_end] == chunk.text` for each; its `embedding_text` has at most `LIMIT` tokens.
    `count_tokens` may count special tokens; they are taken into account once a passage.
    """
    special = count_tokens("")

    @lru_cache(maxsize=4096)
    def size(text: str) -> int:
        least = -(-len(text) // CHARACTERS_A_TOKEN)
        return least if least > LIMIT else max(count_tokens(text) - special, least)  # too much anyway: no need to count

    def prefix_size(covered: Sequence[Section], begins: bool) -> int:
        first = _common_speaker(covered) or _begun_by(covered, begins)
        return size(_prefix(document.title, HEADING_SEPARATOR.join(_common_path(covered)), first))

    rooms = [max(LIMIT - special - prefix_size([section], True), SMALLEST_ROOM) for section in sections]
    layout = lay_out(sections, rooms, size)
    spans = _Cutter(layout, sections, prefix_size, LIMIT - special, size).cut()
    chunks = [_chunk(document, sections, layout, first, last, number) for number, (first, last) in enumerate(spans)]
    return layout.text, chunks


def embedding_text(chunk: Chunk, title: str) -> str:
    """What is embedded for a passage: its title, heading path and speaker tell what the text alone may not say.

    docs/decisions/0021-who-speaks.md has what the speaker is worth.
    """
    return _prefix(title, chunk.heading or "", chunk.speaker or chunk.begun_by) + chunk.text


def _prefix(title: str, heading_path: str, speaker: str | None) -> str:
    lines = title[:TITLE_CHARACTERS], heading_path[-HEADING_CHARACTERS:]
    label = f"{speaker[:SPEAKER_CHARACTERS]}: " if speaker else ""
    return "".join(f"{line}\n" for line in lines if line) + label


def shortfall(size: int) -> float:
    """How much a passage of `size` tokens misses the target: 0 at the target, 0.25 at half of it, 1 at nothing."""
    return (1 - size / TARGET) ** 2


@dataclass(frozen=True, slots=True)
class _Step:
    """The best way to cut everything from one atom on: its cost, and the last atom of the first passage."""

    cost: float
    last: int


class _Cutter:
    """Finds the cheapest way to cut the atoms into passages, from the end to the beginning.

    The same idea breaks paragraphs into lines (Knuth and Plass, 1981). As the best way on from an atom does not depend
    on what is before it, an edit moves the seams near it and leaves the others where they were.
    """

    def __init__(
        self,
        layout: Layout,
        sections: Sequence[Section],
        prefix_size: Callable[[Sequence[Section], bool], int],
        limit: int,
        size: Callable[[str], int],
    ) -> None:
        self._atoms = layout.atoms
        self._sections = sections
        self._prefix_size = cache(lambda first, last, begins: prefix_size(sections[first : last + 1], begins))
        self._limit = limit
        self._labels = [size(PARAGRAPH_BREAK + section.label) for section in sections]
        ends = [0, *(atom.end for atom in layout.atoms)]
        self._sizes = [
            # A space before it costs nothing; without it, the sentence has mostly been measured already.
            size(layout.text[atom.start if self._begins_section(number) else ends[number] : atom.end].removeprefix(" "))
            for number, atom in enumerate(layout.atoms)
        ]

    def cut(self) -> list[tuple[int, int]]:
        """First and last atom of each passage."""
        steps: list[_Step] = [_Step(0.0, 0)] * (len(self._atoms) + 1)
        for first in range(len(self._atoms) - 1, -1, -1):
            steps[first] = self._best_from(first, steps)
        spans: list[tuple[int, int]] = []
        first = 0
        while first < len(self._atoms):
            spans.append((first, steps[first].last))
            first = steps[first].last + 1
        return spans

    def _best_from(self, first: int, steps: Sequence[_Step]) -> _Step:
        section = self._atoms[first].section
        size = self._sizes[first]
        crossing = 0.0
        crosses = False
        best: _Step | None = None
        for last in range(first, len(self._atoms)):
            atom = self._atoms[last]
            if last > first:
                if self._is_too_far(first, last):
                    break
                crossing += ACROSS_PAGES if atom.page != self._atoms[last - 1].page else 0.0
                size += self._sizes[last]
                if self._begins_section(last):
                    size += self._labels[atom.section]
                    if not crosses:
                        crosses = True
                        begins = self._begins_section(first)
                        size += self._labels[section] if begins else 0
                        crossing += 0.0 if begins or self._begins_question(first) else FROM_MIDDLE
                    crossing += self._cost_across(atom.section)
            with_prefix = size + self._prefix_size(section, atom.section, self._begins_section(first))
            if best is not None and with_prefix > self._limit:
                break
            cost = shortfall(with_prefix) + crossing + self._break_cost(last) + steps[last + 1].cost
            if best is None or cost < best.cost:
                best = _Step(cost, last)
        assert best is not None
        return best

    def _break_cost(self, last: int) -> float:
        """A passage may well end before a question, and rather not with the beginning of what answers one."""
        if self._begins_question(last + 1):
            return 0.0
        answers = last > 0 and self._atoms[last - 1].asks and self._sizes[last] <= SHORT_ANSWER
        return max(self._atoms[last].break_cost, AFTER_QUESTION if answers else 0.0)

    def _begins_question(self, number: int) -> bool:
        """Whether the atom is the first question of several, or the only one."""
        return 0 < number < len(self._atoms) and self._atoms[number].asks and not self._atoms[number - 1].asks

    def _begins_section(self, number: int) -> bool:
        return number == 0 or self._atoms[number].section != self._atoms[number - 1].section

    def _is_too_far(self, first: int, last: int) -> bool:
        """Whether the last atom is said or stands where a link to the first one does not lead."""
        begun, before, atom = self._atoms[first], self._atoms[last - 1], self._atoms[last]
        if atom.start_s is not None and begun.start_s is not None and atom.start_s - begun.start_s > FARTHEST_S:
            return True
        if atom.start_s is not None and before.end_s is not None and atom.start_s - before.end_s > SILENCE_S:
            return True
        return atom.page is not None and begun.page is not None and atom.page - begun.page >= MOST_PAGES

    def _cost_across(self, section: int) -> float:
        before, after = self._sections[section - 1], self._sections[section]
        if after.is_turn and after.headings == before.headings:
            return ACROSS_TURNS
        return INTO_SUBSECTION if after.headings[: len(before.headings)] == before.headings else ACROSS_SECTIONS


def _chunk(
    document: Document, sections: Sequence[Section], layout: Layout, first: int, last: int, ordinal: int
) -> Chunk:
    atoms: Sequence[Atom] = layout.atoms[first : last + 1]
    covered = sections[atoms[0].section : atoms[-1].section + 1]
    begins_section = first == 0 or layout.atoms[first - 1].section != atoms[0].section
    start = layout.label_starts[atoms[0].section] if len(covered) > 1 and begins_section else atoms[0].start
    text = layout.text[start : atoms[-1].end]
    return Chunk(
        id=uuid5(document.id, f"{ordinal}:{hashlib.sha256(text.encode()).hexdigest()}"),
        document_id=document.id,
        creator=document.creator,
        ordinal=ordinal,
        text=text,
        char_start=start,
        char_end=atoms[-1].end,
        topics=document.topics,
        heading=HEADING_SEPARATOR.join(_common_path(covered)) or None,
        start_s=atoms[0].start_s,
        end_s=_end(atoms),
        speaker=_common_speaker(covered),
        begun_by=_begun_by(covered, begins_section),
        page=atoms[0].page,
    )


def _end(atoms: Sequence[Atom]) -> float | None:
    """When the last of them ends, as others may overlap it; None where that is not known."""
    ends = [atom.end_s for atom in atoms if atom.end_s is not None]
    return max(ends) if atoms[-1].end_s is not None else None


def _common_speaker(sections: Sequence[Section]) -> str | None:
    """Who says all of it, None where several do or nobody knows."""
    speakers = {section.speaker for section in sections}
    return speakers.pop() if len(speakers) == 1 else None


def _begun_by(sections: Sequence[Section], begins: bool) -> str | None:
    """Who goes on at the beginning of what several say, None where it begins with a turn, and so with its label."""
    first, several = sections[0], _common_speaker(sections) is None
    return first.speaker if several and first.is_turn and not begins else None


def _common_path(sections: Sequence[Section]) -> tuple[str, ...]:
    """The headings that all sections lie under."""
    common: list[str] = []
    for headings in zip(*(section.headings for section in sections), strict=False):
        if len(set(headings)) > 1:
            break
        common.append(headings[0])
    return tuple(common)
