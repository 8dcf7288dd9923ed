"""Whose words are the creator's own: an interview is half a guest's."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from backend.knowledge.models import Chunk, Creator, Document
from pipeline.creators import slug_from
from pipeline.sources.parsed import PARAGRAPH_BREAK

REGULAR_SHARE = 0.2  # of the conversations: who speaks in a fifth of them, and in two at least, is no guest
REGULARS_NAMED = 5
# Who speaks, as a passage of several speakers shows it at the beginning of a paragraph. Where nobody else is known by
# that name, it has to look like one.
_LABEL = re.compile(r"(?:\A|\n)[ \t]*([^\s:][^\n:]{0,59}):[ \t]+(?=\S)")
_NAME = re.compile(r"[A-ZÀ-ÖØ-Þ][\w.'’-]*(?: (?:[A-ZÀ-ÖØ-Þ][\w.'’-]*|van|de|von|der|da|del)){0,3}")
_SEVERAL = re.compile(r"\s*(?:,|&| and | with )\s*")


@dataclass(frozen=True, slots=True)
class Speech:
    """A creator's own words, without names of speakers: as one text a document, and as the passages in which one of
    them speaks alone.

    `rule` says in words whose they are taken to be.
    """

    rule: str
    texts: Mapping[UUID, str]
    passages: tuple[tuple[Chunk, str], ...]


@dataclass(frozen=True, slots=True)
class _Turn:
    speaker: str | None
    text: str
    chunk: Chunk
    is_talk: bool


def own_speech(creator: Creator, content: Sequence[tuple[Document, Sequence[Chunk]]]) -> Speech:
    """What the creator says and writes, out of all that they have published; a document's chunks are in their order.

    Where somebody is called like the creator, only what they say counts, and every document that names nobody. Else
    a show is taken to speak by its regular speakers, and whatever is no conversation counts whole. Where there are no
    regulars either, everything counts.
    """
    turns = [turn for document, chunks in content for turn in _turns(document, chunks)]
    speakers = {turn.speaker for turn in turns if turn.speaker}
    own = {speaker for speaker in speakers if is_called(speaker, creator)}
    if own:
        kept = [turn for turn in turns if turn.speaker in own or (turn.speaker is None and not turn.is_talk)]
        return _speech(f"what {creator.name} says, and what names no speaker", turns, kept)
    talks = {turn.chunk.document_id for turn in turns if turn.is_talk}
    if not talks:
        return _speech("everything: nothing is a conversation", turns, turns)
    regulars = _regulars([turn for turn in turns if turn.is_talk], len(talks))
    if not regulars:
        return _speech(
            "everything: nobody is called like the creator, or speaks in several conversations", turns, turns
        )
    kept = [turn for turn in turns if turn.speaker in regulars or not turn.is_talk]
    names = ", ".join(regulars[:REGULARS_NAMED])
    more = f" and {len(regulars) - REGULARS_NAMED} more" if len(regulars) > REGULARS_NAMED else ""
    return _speech(f"what the regular speakers say: {names}{more}", turns, kept)


def all_speech(document: Document, chunks: Sequence[Chunk]) -> str:
    """Everything that is said in a document, by whomever, without names of speakers."""
    return PARAGRAPH_BREAK.join(turn.text for turn in _turns(document, chunks))


def is_called(speaker: str, creator: Creator) -> bool:
    """Whether a speaker's name is the creator's, or a part of it ("Ana" for Ana Velloret), or has a title more."""
    whole = _words(creator.name)
    for name in (speaker, *_SEVERAL.split(speaker)):
        said = _words(name)
        if said and (said <= whole or whole <= said or slug_from(name) == creator.slug):
            return True
    return False


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", name.casefold()))


def _regulars(turns: Sequence[_Turn], talks: int) -> list[str]:
    heard = Counter(speaker for _, speaker in {(turn.chunk.document_id, turn.speaker) for turn in turns} if speaker)
    least = max(2, math.ceil(talks * REGULAR_SHARE))
    by_documents = sorted(heard.items(), key=lambda item: (-item[1], item[0]))
    return [speaker for speaker, documents in by_documents if documents >= least]


def _turns(document: Document, chunks: Sequence[Chunk]) -> Iterator[_Turn]:
    """Who says what, in order. A passage that begins within a turn goes on with the speaker of the one before."""
    known = {chunk.speaker for chunk in chunks if chunk.speaker}
    is_recording = document.kind in ("audio", "video")
    labels = Counter(label[1] for chunk in chunks if not chunk.speaker for label in _LABEL.finditer(chunk.text))
    named = known | {label for label, times in labels.items() if times > 1 and _NAME.fullmatch(label)}
    if named:
        named |= {label for label in labels if _NAME.fullmatch(label)}
    is_talk = is_recording and len(named) > 1
    has_labels = is_recording and bool(named)
    speaker: str | None = None
    for chunk in chunks:
        if not has_labels:
            yield _Turn(chunk.speaker, chunk.text, chunk, is_talk)
            continue
        speaker = chunk.speaker or speaker
        for label, text in _parts(chunk.text, known):
            speaker = label or speaker
            if text:
                yield _Turn(speaker, text, chunk, is_talk)


def _parts(text: str, known: Collection[str]) -> Iterator[tuple[str | None, str]]:
    """The text in pieces, each with the name before it; None at the beginning where there is none."""
    start, speaker = 0, None
    for label in _LABEL.finditer(text):
        if label[1] in known or _NAME.fullmatch(label[1]):
            yield speaker, text[start : label.start()].strip()
            start, speaker = label.end(), label[1]
    yield speaker, text[start:].strip()


def _speech(rule: str, turns: Sequence[_Turn], kept: Sequence[_Turn]) -> Speech:
    texts: defaultdict[UUID, list[str]] = defaultdict(list)
    passages: defaultdict[UUID, list[str]] = defaultdict(list)
    for turn in kept:
        texts[turn.chunk.document_id].append(turn.text)
        passages[turn.chunk.id].append(turn.text)
    spoken = Counter(turn.chunk.id for turn in turns)
    speakers = Counter(chunk for chunk, _ in {(turn.chunk.id, turn.speaker) for turn in kept})
    chunks = {turn.chunk.id: turn.chunk for turn in kept}
    return Speech(
        rule,
        {document: PARAGRAPH_BREAK.join(parts) for document, parts in texts.items()},
        tuple(
            (chunks[chunk], PARAGRAPH_BREAK.join(parts))
            for chunk, parts in passages.items()
            if len(parts) == spoken[chunk] and speakers[chunk] == 1
        ),
    )
