"""Where all recordings meet: from what was said when, to speakers' turns of running text."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from backend.errors import ContentError
from backend.knowledge.models import Kind
from pipeline.clean import flow, space_between
from pipeline.sources.names import LONGEST, MOST_WORDS, NOBODY, is_capitalised, is_full_name
from pipeline.sources.parsed import Block, NothingToRead, ParsedDocument, Section
from pipeline.sources.sounds import is_sound, without_sounds

LONGEST_S = 3_600_000.0  # a thousand hours: no recording lasts longer, and a time beyond is a mistake
_NAME = re.compile(r"(?:>>\s*)?([^\W\d_][^:,;!?\"<>\[\]\n]{0,48}):\s+(?=\S)")
_DIRECTIONS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # Unicode's bidirectional marks
_NOT_LETTERS = re.compile(r"\W+")
_NOBODY_KNOWN = re.compile(r"(?:speaker|spk)[\s_-]*(?:\d+|[a-z?])?|\d+|[a-z]|unknown(?: speaker)?", re.IGNORECASE)
_SILENCE_S = 10.0  # after so long a passage that went on would point too far from what it says


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch that one person says; `speaker` is None where the file does not say. Line breaks in `text` are kept."""

    text: str
    start_s: float
    end_s: float
    speaker: str | None = None
    begins_turn: bool = False


def is_time(value: object) -> bool:
    """Whether a value out of a file is a number of seconds that a recording can have."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST_S


def as_document(
    utterances: Iterable[Utterance], kind: Kind, malformed: int = 0, remarks: Iterable[str] = (), called: str = "cue"
) -> ParsedDocument:
    """Turns of running text, in the order of their times.

    Where no utterance has a speaker, they come from "Name: " at the beginning of a line. `malformed` pieces, each a
    `called`, were left out by the reader; those whose time no recording has are counted with them. Raises
    `ContentError` where none could be read, `NothingToRead` where none says anything.
    """
    given = list(utterances)
    spoken = sorted((part for part in given if is_time(part.start_s)), key=lambda part: part.start_s)
    malformed += len(given) - len(spoken)
    if not spoken and malformed:
        raise ContentError(f"None of its {malformed} {called}s could be read.")
    if not any(part.speaker for part in spoken):
        spoken = list(_named(spoken))
    sections = tuple(_turns(_nameless(spoken)))
    if not sections:
        raise NothingToRead(f"None of its {called}s says anything.")
    left_out = (f"{malformed} malformed {called}{'' if malformed == 1 else 's'} left out",) if malformed else ()
    return ParsedDocument(sections, default_kind=kind, remarks=(*remarks, *left_out))


def _named(utterances: list[Utterance]) -> Iterator[Utterance]:
    """The same with "Name: " at the beginning of a line taken as the speaker's name, and ">>" as another's turn.

    What stands there once may be prose ("Remember: ", "Fun Fact: "), and so may what stands before the same words. A
    full name may come once ("Hao Ye: ") where one begins, or others come again.
    """
    different = {_NOT_LETTERS.sub(" ", line): line for part in utterances for line in _lines(part)}
    uses = Counter(name for line in different.values() if (name := _name_in(line)))
    speakers = {name for name, count in uses.items() if count > 1 and _has_capitals(name)}
    full = {name for name in uses if is_full_name(name)}
    spoken = (part for part in utterances if not is_sound(part.text.strip()))
    opening = next((_name_in(line) for part in spoken for line in _lines(part) if line), None)
    if speakers or opening in full:
        speakers |= full
    if opening and _may_begin(opening, bool(speakers)):
        speakers.add(opening)
    for part in utterances:
        lines: list[str] = []
        current = replace(part, text="")
        for line in _lines(part):
            name = _name_in(line)
            changes = name in speakers
            if changes or line.startswith(">>"):
                if lines:
                    yield replace(current, text="\n".join(lines))
                lines, current = [], replace(part, text="", speaker=name if changes else None, begins_turn=True)
                line = line[match.end() :] if changes and (match := _NAME.match(line)) else line.lstrip("> ")
            lines.append(line)
        yield replace(current, text="\n".join(lines))


def _lines(part: Utterance) -> list[str]:
    """Its lines as they begin and end with a word: Whisper's text begins with a space, and lines that are written from
    right to left with a mark of that."""
    return [line.strip().lstrip(_DIRECTIONS) for line in part.text.split("\n")]


def _name_in(line: str) -> str | None:
    """What could be a speaker's name at the beginning of a line."""
    match = _NAME.match(line)
    name = flow(match.group(1)) if match else ""
    return name if name and len(name.split()) <= MOST_WORDS and name.lower() not in NOBODY else None


def _may_begin(name: str, has_others: bool) -> bool:
    """Among other speakers who begins may be named once. A script without capitals shows a full name by its words."""
    is_without_capitals = name.lower() == name.upper()
    return (has_others and _has_capitals(name)) or (is_without_capitals and 2 <= len(name.split()) <= 3)


def _has_capitals(name: str) -> bool:
    words = name.split()
    return is_capitalised(words[0]) and is_capitalised(words[-1])


def _nameless(utterances: Iterable[Utterance]) -> Iterator[Utterance]:
    """The same without what machines call people ("SPEAKER_01"): where that changes a turn begins, and that is all."""
    before: str | None = None
    for part in utterances:
        who = flow(part.speaker) if part.speaker else ""
        if who and _NOBODY_KNOWN.fullmatch(who):
            yield replace(part, speaker=None, begins_turn=who != before)
        else:
            yield replace(part, speaker=who if 0 < len(who) <= LONGEST else None)
        before = who or before


def _turns(utterances: Iterable[Utterance]) -> Iterator[Section]:
    """Sections of what one speaker says without a long silence; who is not named goes on speaking."""
    speaker: str | None = None
    blocks: list[Block] = []
    silent_since = 0.0
    for part in utterances:
        text = "" if is_sound(part.text.strip()) else without_sounds(flow(part.text))
        changes = part.begins_turn and (part.speaker is None or part.speaker != speaker)
        if blocks and (changes or (text and part.start_s - silent_since > _SILENCE_S)):
            yield Section(tuple(blocks), speaker=speaker, is_turn=True)
            blocks = []
        speaker = part.speaker if changes else speaker
        if not text:
            continue
        end_s = part.end_s if is_time(part.end_s) and part.end_s >= part.start_s else part.start_s
        silent_since = max(silent_since, end_s)
        before = space_between(blocks[-1].text, text) if blocks else "\n\n"
        blocks.append(Block(text, before, start_s=part.start_s, end_s=end_s))
    if blocks:
        yield Section(tuple(blocks), speaker=speaker, is_turn=True)
