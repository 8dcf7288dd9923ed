"""Passages in which somebody sounds most like themselves."""

from collections.abc import Sequence
from statistics import fmean, pstdev

from backend.knowledge.models import Chunk
from pipeline.voice.measure import Voice, contractions_of, person_of
from pipeline.voice.prose import Sentence, sentences_of

MOST = 5
LEAST_WORDS, MOST_WORDS = 50, 130
LEAST_SENTENCES = 3
PHRASE_WORTH = 0.3  # a phrase of theirs in a passage is worth a third of a deviation in all other respects together
PHRASES_COUNTED = 4

Features = tuple[float, ...]


def typical_passages(passages: Sequence[tuple[Chunk, str]], voice: Voice) -> list[tuple[Chunk, str]]:
    """Three to five passages, each of another document as far as there are so many, with the text to quote.

    A passage is typical where its sentences are as long, as personal and as often questions as those of its speaker
    are on average, and where their phrases stand in it. The text is whole sentences, as they were written.
    """
    found: list[tuple[Chunk, str, Features, int]] = []
    phrases = [phrase.text.lower() for phrase in voice.phrases]
    for chunk, text in passages:
        sentences = list(sentences_of(text))
        excerpt = _excerpt(sentences)
        if excerpt is not None:
            spoken = f" {' '.join(word.lower() for sentence in sentences for word in sentence.words)} "
            hits = sum(f" {phrase} " in spoken for phrase in phrases)
            found.append((chunk, excerpt, _features(sentences, voice), min(hits, PHRASES_COUNTED)))
    if not found:
        return []
    columns = list(zip(*(features for _, _, features, _ in found), strict=True))
    middle, spread = [fmean(column) for column in columns], [pstdev(column) or 1.0 for column in columns]

    def distance(features: Features, hits: int) -> float:
        away = fmean(
            abs(value - mean) / deviation for value, mean, deviation in zip(features, middle, spread, strict=True)
        )
        return away - PHRASE_WORTH * hits

    ordered = sorted(found, key=lambda item: (distance(item[2], item[3]), item[0].id))
    first_of_each = list({item[0].document_id: item for item in reversed(ordered)}.values())[::-1]
    chosen = sorted(first_of_each, key=ordered.index)[:MOST]
    chosen += [item for item in ordered if item not in chosen][: max(3 - len(chosen), 0)]
    return [(chunk, excerpt) for chunk, excerpt, _, _ in chosen]


def _excerpt(sentences: Sequence[Sentence]) -> str | None:
    """The first whole sentences, or None where they make no quotation: a passage may begin or end amid one."""
    kept: list[Sentence] = []
    words = 0
    for sentence in sentences:
        is_whole = sentence.mark and not sentence.text[:1].islower()
        if kept and (not is_whole or words + len(sentence.words) > MOST_WORDS):
            break
        if is_whole:
            kept.append(sentence)
            words += len(sentence.words)
    if len(kept) < LEAST_SENTENCES or not LEAST_WORDS <= words <= 2 * MOST_WORDS:
        return None
    return " ".join(sentence.text for sentence in kept)


def _features(sentences: Sequence[Sentence], voice: Voice) -> Features:
    lengths = [len(sentence.words) for sentence in sentences]
    asked = sum(sentence.mark in "?？؟" and sentence.mark != "" for sentence in sentences) / len(sentences)
    opened = sum(bool(sentence.opener) for sentence in sentences) / len(sentences)
    plain = (fmean(lengths), asked, opened)
    if voice.person is None:
        return plain
    person = person_of(sentences)
    words = [word.lower() for sentence in sentences for word in sentence.words]
    return (*plain, person.i, person.we, person.you, contractions_of(words))
