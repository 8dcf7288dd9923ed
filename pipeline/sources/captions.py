"""What WebVTT and SRT share: from cues to what was said when."""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from webvtt.models import Caption

from pipeline.clean import flow
from pipeline.sources.parsed import ParsedDocument
from pipeline.sources.rolling import Shown, unrolled
from pipeline.sources.utterances import Utterance, as_document

_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]*)>")
# A tag begins with a letter, or is a time; "i < n and j > m" has none.
_TAG = re.compile(r"</?[A-Za-z][^<>\n]*>|<\d+:[\d:.]+>")
_ALIKE = 0.8  # of two cues; the words of two people at once are less alike
_COMPARED = 300  # characters of the longest cues that are compared; longer ones are the same or not
_AT_ONCE = 4  # cues that may be shown at the same time
_POSITION = re.compile(r"\{\\[^{}\n]*\}")  # {\an8} and the like, which SRT inherited from SubStation Alpha


def parse_cues(captions: Sequence[Caption], malformed: int, remarks: Iterable[str] = ()) -> ParsedDocument:
    """Turns of running text out of cues, each word once where they roll.

    Speakers come from voice tags, else from "Name: " at the beginning of a line. `malformed` cues were left out by the
    reader. Raises `ContentError` where no cue could be read, `NothingToRead` where none says anything.
    """
    captions = _once(captions)
    utterances = [part for caption in captions for part in _voices(caption)]
    shown = [shown for caption in captions if (shown := _shown(caption)).lines]
    if (added := unrolled(shown)) is not None:
        utterances = [Utterance("\n".join(cue.lines), cue.start_s, cue.end_s) for cue in added]
    return as_document(utterances, "video", malformed, remarks)


def _once(captions: Iterable[Caption]) -> list[Caption]:
    """The cues without those that a file has again: almost the same words at the same time, as an earlier version of
    the captions may stand behind the later one."""
    kept: list[Caption] = []
    said: dict[tuple[float, float], list[str]] = {}
    for caption in captions:
        words = flow(_plain(caption.raw_text))
        others = said.setdefault(_times(caption), [])
        if not any(_alike(words, other) for other in others[:_AT_ONCE]):
            kept.append(caption)
            others.append(words)
    return kept


def _alike(words: str, other: str) -> bool:
    if words == other or max(len(words), len(other)) > _COMPARED:
        return words == other
    return SequenceMatcher(None, words, other).ratio() >= _ALIKE


def _voices(caption: Caption) -> Iterator[Utterance]:
    """The cue, divided where voice tags change the speaker."""
    start_s, end_s = _times(caption)
    pieces = _VOICE.split(caption.raw_text)
    for index in range(0, len(pieces), 2):
        speaker = flow(html.unescape(pieces[index - 1])) or None if index else None
        if text := _plain(pieces[index]).strip():
            yield Utterance(text, start_s, end_s, speaker, begins_turn=speaker is not None)


def _shown(caption: Caption) -> Shown:
    lines = (flow(line) for line in _plain(caption.raw_text).split("\n"))
    return Shown(tuple(line for line in lines if line), *_times(caption))


def _plain(text: str) -> str:
    return html.unescape(_POSITION.sub("", _TAG.sub("", text)))


def _times(caption: Caption) -> tuple[float, float]:
    return caption.start_time.in_milliseconds() / 1000, caption.end_time.in_milliseconds() / 1000
