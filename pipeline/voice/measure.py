"""A voice in numbers: how long the sentences are, whom they address, how they begin, which phrases come back."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from uuid import UUID

from pipeline.voice.english import (
    FIRST_PLURAL,
    FIRST_SINGULAR,
    FUNCTION_WORDS,
    IDIOM,
    MANNER,
    SECOND,
    is_contraction,
    is_english,
)
from pipeline.voice.phrases import Phrase, frequent_phrases
from pipeline.voice.prose import Sentence, names_in, sentences_of

WINDOW = 500  # words over which different ones are counted
OPENERS = 8
LEAST_OPENERS = 3  # times; what was said less often is nobody's habit
# Thai, Lao, Burmese, Khmer, Japanese and Chinese put no space between words: what stands between spaces is none.
_UNDIVIDED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
MOSTLY_UNDIVIDED = 0.3  # of the letters


@dataclass(frozen=True, slots=True)
class SentenceLength:
    """Words a sentence: a quarter of the sentences have at most `lower`, half `median`, three quarters `upper`."""

    lower: float
    median: float
    upper: float


@dataclass(frozen=True, slots=True)
class Person:
    """The shares of sentences, from 0 to 1, in which "I", "we" or "you" is said in any form."""

    i: float
    we: float
    you: float


@dataclass(frozen=True, slots=True)
class Opener:
    """What stands before the first comma ("So, …"); the shares of sentences that begin with it, own and others'."""

    text: str
    share: float
    others: float | None


@dataclass(frozen=True, slots=True)
class Voice:
    """How somebody talks. Shares lie between 0 and 1, and are of sentences.

    `person` and `contractions` (a hundred words) are None in another language than English. `different_words` is the
    share of different words in stretches of 500 (the moving average type-token ratio of Covington and McFall, 2010),
    None in shorter texts. All that counts words is None where the script does not divide them.
    """

    words: int
    sentences: int
    sentence_length: SentenceLength | None
    questions: float
    exclamations: float
    person: Person | None
    contractions: float | None
    different_words: float | None
    openers: tuple[Opener, ...]
    phrases: tuple[Phrase, ...]


def measure(texts: Mapping[UUID, str], others: Sequence[str], *, subjects: Collection[str] = ()) -> Voice:
    """The voice of `texts`, one a document, against the `others`, of which there may be none.

    `subjects` are names of topics, which are no phrases. Texts without a sentence give a voice of zeros.
    """
    own = {document: list(sentences_of(text)) for document, text in texts.items()}
    theirs = [list(sentences_of(text)) for text in others]
    sentences = [sentence for document in own.values() for sentence in document]
    words = [word.lower() for sentence in sentences for word in sentence.words]
    if not sentences or _is_undivided(words):
        questions, exclamations = _share(sentences, "?？؟"), _share(sentences, "!！")
        return Voice(0, len(sentences), None, questions, exclamations, None, None, None, (), ())
    english = is_english(words)
    return Voice(
        words=len(words),
        sentences=len(sentences),
        sentence_length=_sentence_length([len(sentence.words) for sentence in sentences]),
        questions=_share(sentences, "?？؟"),
        exclamations=_share(sentences, "!！"),
        person=person_of(sentences) if english else None,
        contractions=contractions_of(words) if english else None,
        different_words=_different_words(words),
        openers=_openers(sentences, [sentence for document in theirs for sentence in document]),
        phrases=tuple(frequent_phrases(own, theirs, english=english, subjects=subjects)),
    )


def person_of(sentences: Sequence[Sentence]) -> Person:
    """Whom English sentences, at least one, speak of and to."""
    spoken = [{word.lower() for word in sentence.words} for sentence in sentences]

    def share(forms: frozenset[str]) -> float:
        return round(sum(not forms.isdisjoint(words) for words in spoken) / len(spoken), 3)

    return Person(share(FIRST_SINGULAR), share(FIRST_PLURAL), share(SECOND))


def contractions_of(words: Sequence[str]) -> float:
    """Contractions in a hundred English words in lower case, of which there is one at least."""
    return round(100 * sum(map(is_contraction, words)) / len(words), 2)


def _is_undivided(words: Sequence[str]) -> bool:
    letters = "".join(words)
    return len(_UNDIVIDED.findall(letters)) > MOSTLY_UNDIVIDED * len(letters)


def _share(sentences: Sequence[Sentence], marks: str) -> float:
    return round(sum(s.mark in marks and s.mark != "" for s in sentences) / len(sentences), 3) if sentences else 0.0


def _sentence_length(lengths: Sequence[int]) -> SentenceLength:
    cuts = quantiles(lengths, n=4, method="inclusive") if len(lengths) > 1 else [float(lengths[0])] * 3
    return SentenceLength(*(round(cut, 1) for cut in cuts))


def _different_words(words: Sequence[str]) -> float | None:
    if len(words) < WINDOW:
        return None
    inside = Counter(words[:WINDOW])
    total = len(inside)
    for leaving, coming in zip(words, words[WINDOW:], strict=False):
        inside[coming] += 1
        inside[leaving] -= 1
        if not inside[leaving]:
            del inside[leaving]
        total += len(inside)
    return round(total / (len(words) - WINDOW + 1) / WINDOW, 3)


def _openers(own: Sequence[Sentence], others: Sequence[Sentence]) -> tuple[Opener, ...]:
    """The most usual ones; a name that is called out is none."""
    begun, theirs = _begun(own), _begun(others)
    names = names_in(own) - FUNCTION_WORDS - MANNER - IDIOM
    usual = [
        (opener, times) for opener, times in begun.most_common() if times >= LEAST_OPENERS and names.isdisjoint(opener)
    ]
    return tuple(
        Opener(
            " ".join(opener).capitalize().replace(" i ", " I "),
            round(times / len(own), 4),
            round(theirs[opener] / len(others), 4) if others else None,
        )
        for opener, times in usual[:OPENERS]
    )


def _begun(sentences: Iterable[Sentence]) -> Counter[tuple[str, ...]]:
    return Counter(tuple(word.lower() for word in sentence.opener) for sentence in sentences if sentence.opener)
