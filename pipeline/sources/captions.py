"""What WebVTT and SRT share: from timed cues to speakers' turns of running text."""

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from webvtt.models import Caption

from backend.errors import ContentError
from pipeline.clean import flow, space_between
from pipeline.sources.parsed import Block, NothingToRead, ParsedDocument, Section

_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]*)>")
_TAG = re.compile(r"<[^>\n]*>")
_POSITION = re.compile(r"\{\\[^}\n]*\}")  # {\an8} and the like, which SRT inherited from SubStation Alpha
_SOUND = re.compile(r"(?:[\[(][^\])]*[\])]|[♪♫\s]+|♪.*♪)", re.DOTALL)
_NAME = re.compile(r"(?:>>\s*)?([^\W\d_][^:,;!?\"<>\[\]\n]{0,48}):\s+(?=\S)")
_NAME_WORDS = 5
_SILENCE_S = 10.0  # after so long a passage that went on would point too far from what it says
_NO_NAMES = {"note", "question", "answer", "example", "warning", "tip", "remember", "first", "second", "third", "step"}


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch of one cue that one person says; `speaker` is None where the file does not say."""

    text: str
    start_s: float
    end_s: float
    speaker: str | None = None
    begins_turn: bool = False


def parse_cues(captions: Sequence[Caption], malformed: int, remarks: Iterable[str] = ()) -> ParsedDocument:
    """Turns of running text out of cues, in the order of their times.

    Speakers come from voice tags, else from "Name: " at the beginning of a line. `malformed` cues were left out by the
    reader, which the curator is told. Raises `ContentError` where no cue could be read, `NothingToRead` where none
    says anything.
    """
    if not captions and malformed:
        raise ContentError(f"None of its {malformed} cues could be read.")
    utterances = sorted((part for caption in captions for part in _voices(caption)), key=lambda part: part.start_s)
    if not any(part.speaker for part in utterances):
        utterances = list(_named(utterances))
    sections = tuple(_turns(_flowing(utterances)))
    if not sections:
        raise NothingToRead("None of its cues says anything.")
    told = (*remarks, f"{malformed} malformed {'cue' if malformed == 1 else 'cues'} left out") if malformed else remarks
    return ParsedDocument(sections, default_kind="video", remarks=tuple(told))


def _voices(caption: Caption) -> Iterator[Utterance]:
    """The cue, divided where voice tags change the speaker; line breaks are kept for now."""
    start_s = caption.start_time.in_milliseconds() / 1000
    end_s = max(caption.end_time.in_milliseconds() / 1000, start_s)
    pieces = _VOICE.split(caption.raw_text)
    for index in range(0, len(pieces), 2):
        text = html.unescape(_POSITION.sub("", _TAG.sub("", pieces[index]))).strip()
        speaker = flow(html.unescape(pieces[index - 1])) or None if index else None
        if text and not _SOUND.fullmatch(text):
            yield Utterance(text, start_s, end_s, speaker, begins_turn=speaker is not None)


def _named(utterances: list[Utterance]) -> Iterator[Utterance]:
    """The same with "Name: " at the beginning of a line taken as the speaker's name, and ">>" as another's turn."""
    candidates = [name for part in utterances for line in part.text.split("\n") if (name := _name_in(line))]
    opening = _name_in(utterances[0].text) if utterances else None
    speakers = {name for name, count in Counter(candidates).items() if name == opening or _is_name(name, count)}
    for part in utterances:
        lines: list[str] = []
        current = replace(part, text="")
        for line in part.text.split("\n"):
            name = _name_in(line)
            changes = name in speakers
            if changes or line.startswith(">>"):
                if lines:
                    yield replace(current, text="\n".join(lines))
                lines, current = [], replace(part, text="", speaker=name if changes else None, begins_turn=True)
                line = line[match.end() :] if changes and (match := _NAME.match(line)) else line.lstrip("> ")
            lines.append(line)
        yield replace(current, text="\n".join(lines))


def _name_in(line: str) -> str | None:
    """What could be a speaker's name at the beginning of a line."""
    match = _NAME.match(line)
    name = flow(match.group(1)) if match else ""
    return name if name and len(name.split()) <= _NAME_WORDS and name.lower() not in _NO_NAMES else None


def _is_name(name: str, count: int) -> bool:
    """A full name may come once ("Hao Ye: "); a single word, which may be prose ("Remember: "), must come again."""
    words = name.split()
    capitalised = all(_is_capitalised(word) for word in (words[0], words[-1]))
    return capitalised and (count > 1 or (len(words) > 1 and words[0].lower() != words[0]))


def _is_capitalised(word: str) -> bool:
    """A capital or a digit at the beginning, or a script that has no capitals."""
    return word[0].isupper() or word[0].isdigit() or word[0].lower() == word[0].upper()


def _flowing(utterances: Iterable[Utterance]) -> Iterator[Utterance]:
    for part in utterances:
        if text := flow(part.text):
            yield replace(part, text=text)


def _turns(utterances: Iterable[Utterance]) -> Iterator[Section]:
    """Sections of what one speaker says without a long silence; who is not named goes on speaking."""
    speaker: str | None = None
    blocks: list[Block] = []
    silent_since = 0.0
    for part in utterances:
        changes = part.begins_turn and (part.speaker is None or part.speaker != speaker)
        if blocks and (changes or part.start_s - silent_since > _SILENCE_S):
            yield Section(tuple(blocks), speaker=speaker, is_turn=True)
            blocks = []
        speaker = part.speaker if changes else speaker
        silent_since = max(silent_since, part.end_s)
        before = space_between(blocks[-1].text, part.text) if blocks else "\n\n"
        blocks.append(Block(part.text, before, start_s=part.start_s, end_s=part.end_s))
    if blocks:
        yield Section(tuple(blocks), speaker=speaker, is_turn=True)
