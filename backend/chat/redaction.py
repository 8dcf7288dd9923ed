"""An answer without what it took from sources that were removed. Pure, and the same when it is done twice."""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backend.chat.claims import MARKER, texts_of
from backend.chat.sources import hide_removed
from backend.conversations.models import Message
from backend.knowledge.sentences import sentence_spans

CODE = re.compile(r"^ {0,3}(```+|~~~+).*?(?:^ {0,3}\1[`~]*\s*$|\Z)|`[^`\n]+`", re.MULTILINE | re.DOTALL)
NOTE = "(A passage was removed with its source.)"
NOBODY = {"slug": "", "name": "Removed"}
# Letters in a row that no two texts share by chance: some six words. A sentence that is shorter is a quotation where it
# is there as a whole, unless it is as short as "That is all it takes."
QUOTED_LETTERS = 32
FEWEST_LETTERS = 16
# A code block, which is kept or goes as a whole, or a line.
PIECE = re.compile(
    r"^ {0,3}(?P<fence>```+|~~~+).*?(?:^ {0,3}(?P=fence)[`~]*[ \t]*$|\Z)|[^\n]+", re.MULTILINE | re.DOTALL
)
LIST_MARK = re.compile(r"[ \t]*(?:(?:[-*+•>]|\d{1,3}[.)]|#{1,6})[ \t]+)*")


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence of an answer, or a block of code: where it is, in which paragraph, and what it cites."""

    start: int
    end: int
    paragraph: int
    cited: frozenset[int]


def redacted(message: Message, gone: Collection[str], lost: str, with_creator: bool = False) -> Message:
    """The answer without what it says of the documents `gone` (their ids as text).

    Their entries in `sources` keep what `hide_removed` leaves, `with_creator` without the creator's name. A sentence
    goes that cites removed sources alone, or none and stands by such a one, or that quotes `lost`, the text of the
    removed passages. Where every source is removed, everything goes. `NOTE` stands in place of each run of what went,
    and citations go with their sentences. Of the reader's comment only quotations go. What was searched goes: a model
    may have made the question whole with words of an answer that rested on them.
    """
    is_gone = {source["index"]: source["document_id"] in gone or "removed" in source for source in message.sources}
    living = {source["document_id"] for source in message.sources if not is_gone[source["index"]]}
    removed = {index for index, removed in is_gone.items() if removed}
    content = message.content
    content = NOTE if removed and not living and content else without(content, removed, letters(lost))
    said = letters(" ".join(texts_of(content)))

    def kept(citations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [one for one in citations if one["index"] not in removed and letters(one["sentence"]) in said]

    terminal = message.terminal
    if terminal is not None:
        changed = {"citations": kept(terminal.get("citations", ())), "standalone_query": None}
        terminal = terminal | {name: value for name, value in changed.items() if name in terminal}
    sources = [
        source | {"creator": NOBODY} if with_creator and source["document_id"] in gone else source
        for source in hide_removed(message.sources, living)
    ]
    feedback = message.feedback
    if feedback is not None and feedback.comment is not None:
        feedback = replace(feedback, comment=without(feedback.comment, (), letters(lost)))
    return replace(
        message,
        content=content,
        sources=sources,
        citations=kept(message.citations),
        terminal=terminal,
        feedback=feedback,
    )


def without(content: str, removed: Collection[int], lost: str) -> str:
    """The text without the sentences that rest on the sources `removed`, or quote `lost` (of which only letters count).

    A sentence without a marker rests on what the next one of its paragraph cites, else the one before it, in its
    paragraph or anywhere. Of a text that cites nothing only quotations go.
    """
    found = units_of(content)
    quoted = quoted_in(content, lost)
    text, at, after_note, changed = [], 0, False, False
    for unit in found:
        said = content[unit.start : unit.end]
        is_note = said == NOTE
        is_quoted = any(quoted[unit.start : unit.end]) or is_in(lost, letters(said))
        is_doomed = not is_note and (is_quoted or rests_on(found, unit, removed))
        if not (is_doomed or is_note):
            text.append(content[at : unit.end])
        elif not after_note:
            text += [content[at : unit.start], NOTE]
        at, after_note, changed = unit.end, is_doomed or is_note, changed or is_doomed
    return "".join([*text, content[at:]]) if changed else content


def units_of(content: str) -> list[Unit]:
    """The sentences and code blocks in order. A line end always ends a sentence; what makes a line a list item belongs
    to none."""
    prose = CODE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), content)
    found: list[Unit] = []
    paragraph = above = 0
    for piece in PIECE.finditer(content):
        text = piece[0].rstrip()
        if not text:
            continue
        paragraph += content.count("\n", above, piece.start()) > 1
        above = piece.start() + len(text)
        if piece["fence"]:
            found.append(Unit(piece.start(), above, paragraph, frozenset()))
            continue
        mark = LIST_MARK.match(text)
        begin = piece.start() + (mark.end() if mark else 0)
        for start, end in sentence_spans(content[begin:above]):
            cited = frozenset(int(number) for number in MARKER.findall(prose[begin + start : begin + end]))
            found.append(Unit(begin + start, begin + end, paragraph, cited))
    return found


def rests_on(units: Sequence[Unit], unit: Unit, removed: Collection[int]) -> bool:
    """Whether everything that the sentence rests on is among the sources `removed`."""
    ground = next(grounds(units, unit), None)
    return ground is not None and all(index in removed for index in ground.cited)


def grounds(units: Sequence[Unit], unit: Unit) -> Iterator[Unit]:
    """The sentences whose markers may stand for this one's, the nearest in meaning first."""
    place = bisect_left(units, unit.start, key=lambda one: one.start)
    before, after = units[:place][::-1], units[place:]
    for group in (
        (one for one in after if one.paragraph == unit.paragraph),
        (one for one in before if one.paragraph == unit.paragraph),
        before,
        after,
    ):
        yield from (one for one in group if one.cited)


def quoted_in(content: str, lost: str) -> bytearray:
    """For each character whether it is in a long run of letters that the letters `lost` have too."""
    quoted = bytearray(len(content))
    places = [place for place, _ in lettered(content)]
    said = "".join(letter for _, letter in lettered(content))
    for at in range(len(said) - QUOTED_LETTERS + 1):
        if said[at : at + QUOTED_LETTERS] in lost:
            for place in places[at : at + QUOTED_LETTERS]:
                quoted[place] = True
    return quoted


def is_in(lost: str, said: str) -> bool:
    """Whether all that is said is there, and more than anybody says."""
    return len(said) >= FEWEST_LETTERS and said in lost


def letters(text: str) -> str:
    """The letters and digits alone, small: two texts that differ in marks, markers and line breaks are the same."""
    return "".join(letter for _, letter in lettered(text))


def lettered(text: str) -> Iterator[tuple[int, str]]:
    """The letters and digits, small, each with its place; those of markers are none."""
    plain = MARKER.sub(lambda marker: " " * len(marker[0]), text)
    return (
        (place, letter) for place, character in enumerate(plain) for letter in character.casefold() if letter.isalnum()
    )
