"""Whisper's transcripts, by whichever program: openai-whisper and the services that write as it does, faster-whisper,
WhisperX, whisper.cpp."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from backend.knowledge.sentences import sentence_spans
from pipeline.sources.json_text import number
from pipeline.sources.parsed import ParsedDocument
from pipeline.sources.utterances import Utterance, as_document

_NEAR = (
    200  # characters within which the next word is looked for: some words are written otherwise than they are listed
)


def segments_in(content: object) -> Sequence[object] | None:
    """The segments of what JSON held, or None where Whisper did not write it.

    They are the `segments` of an object, the `transcription` of whisper.cpp, or the whole of it is their list.
    """
    segments = content.get("segments", content.get("transcription")) if isinstance(content, dict) else content
    return segments if isinstance(segments, list) and any(map(_is_segment, segments)) else None


def parse(segments: Sequence[object]) -> ParsedDocument:
    """Turns of running text. Times are those of the segments, or of sentences where each word has one.

    Raises `ContentError` where no segment can be read, `NothingToRead` where none says anything.
    """
    readable = [segment for segment in segments if isinstance(segment, dict) and _is_segment(segment)]
    utterances = [utterance for segment in readable for utterance in _utterances(segment)]
    return as_document(utterances, "audio", len(segments) - len(readable), called="segment")


def _is_segment(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("text"), str) and ("start" in value or "offsets" in value)


def _utterances(segment: Mapping[str, object]) -> Iterator[Utterance]:
    text, who = str(segment["text"]), segment.get("speaker")
    speaker = who if isinstance(who, str) else None
    start_s, end_s = _times(segment)
    starts = [word for word in _word_starts(text, segment.get("words")) if start_s <= word[1] <= end_s]
    spans = list(sentence_spans(text) if starts else ()) or [(0, len(text))]
    begins = [start_s, *(_start_at(begin, starts) for begin, _ in spans[1:])]
    for (begin, end), begin_s, until_s in zip(spans, begins, [*begins[1:], end_s], strict=True):
        yield Utterance(text[begin:end], begin_s, until_s, speaker, begins_turn=speaker is not None)


def _times(segment: Mapping[str, object]) -> tuple[float, float]:
    """Begin and end in seconds; whisper.cpp counts milliseconds."""
    offsets = segment.get("offsets")
    if isinstance(offsets, dict):
        return number(offsets.get("from")) / 1000, number(offsets.get("to")) / 1000
    return number(segment.get("start")), number(segment.get("end"))


def _word_starts(text: str, words: object) -> Iterator[tuple[int, float]]:
    """Where each word that has a time stands in the text, and the second at which it begins; times never run back."""
    position, latest_s = 0, 0.0
    for word in words if isinstance(words, list) else []:
        if not isinstance(word, dict) or not isinstance(said := word.get("word"), str):
            continue
        place = text.find(said.strip(), position, position + len(said) + _NEAR)
        if place >= 0:
            position = place + len(said.strip())
            time = number(word.get("start"))
            if time >= latest_s:
                latest_s = time
                yield place, time


def _start_at(place: int, starts: Sequence[tuple[int, float]]) -> float:
    """When what stands at a place begins: with the first word there or after it, at the latest with the last word."""
    index = bisect_left(starts, (place, 0.0))
    return starts[min(index, len(starts) - 1)][1]
