"""Phrases that somebody says more than others do: turns of speech, not the names of what they talk about."""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from pipeline.voice.english import (
    AUXILIARIES,
    CONJUNCTIONS,
    DETERMINERS,
    FUNCTION_WORDS,
    IDIOM,
    MANNER,
    PREPOSITIONS,
)
from pipeline.voice.prose import Sentence, names_in, words_of

LONGEST = 8  # words
LEAST_Z = 2.0  # a phrase that is no more usual than with others has one near 0; beyond 2 one time in forty by chance
LEAST_RATIO = 2.0  # times as often as by others
MOST = 20
FEWEST_DOCUMENTS, MOST_DOCUMENTS = 2, 4  # in which a phrase must stand, or it is about what one of them is about
NAMED = 4  # documents that a phrase names
WORDS_A_TIME = 20_000  # in so many words a phrase is to be said once at least, and three times in all
PART = 0.7  # of the times: then a phrase is a part of the longer one
FREQUENT = 60  # the most frequent words of a language, where we have no list of its function words
LONGER = 0.3  # what each word beyond the second adds to the worth of a phrase
SHARED = 3  # words in a row that two phrases have in common where they are one

_LEADING = DETERMINERS | PREPOSITIONS | CONJUNCTIONS
_AT_NO_END = _LEADING | AUXILIARIES | frozenset("i we he she they just very really".split())
_AT_NO_START = frozenset(
    "me him them us than is are was were be been being am has had having or his her its their".split()
)
_GRAMMAR = FUNCTION_WORDS | MANNER
_MAY_END = frozenset("this about over through do did does have".split())

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase, how often it was said, in how many documents, and how many times as often as by others (None: they
    never say it, or there are no others). `said_in` names up to `NAMED` of the documents."""

    text: str
    times: int
    documents: int
    ratio: float | None
    said_in: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class _Counted:
    words: Words
    times: int
    documents: int
    others: int
    worth: float


def frequent_phrases(
    own: Mapping[UUID, Sequence[Sentence]],
    others: Sequence[Sequence[Sentence]],
    *,
    english: bool,
    subjects: Collection[str] = (),
) -> list[Phrase]:
    """Up to `MOST` phrases of two to six words, the most characteristic first.

    `own` and `others` are documents as sentences; `subjects` are names (topics, creators) that are no phrases. Phrases
    are ordered by the z-score of the log-odds ratio against the others (Monroe, Colaresi and Quinn, "Fightin' Words",
    2008, with a flat prior of one half); where there are no others, by how much more often their words stand together
    than chance would have it. A phrase stands in two documents at least.
    """
    clauses = [[_lower(clause) for sentence in document for clause in sentence.clauses] for document in own.values()]
    total = sum(len(clause) for document in clauses for clause in document)
    times, documents = _count(clauses, max(3, math.ceil(total / WORDS_A_TIME)))
    least = max(FEWEST_DOCUMENTS, min(MOST_DOCUMENTS, len(own) // 2))
    spread = {words for words in times if documents[words] >= least}
    is_phrase = _English(list(own.values()), subjects) if english else _AnyLanguage(clauses, subjects)
    longer = _longer([words for words in spread if len(words) > 2 and is_phrase.may_grow_to(words)], times)
    wanted = {_whole(words, longer) for words in spread if len(words) > 1 and is_phrase(words)}
    theirs = [[_lower(clause) for sentence in document for clause in sentence.clauses] for document in others]
    elsewhere = _count_these(theirs, wanted)
    size = sum(len(clause) for document in theirs for clause in document)
    counted = []
    for words in wanted:
        often = times[words] / total
        if elsewhere[words] and often < LEAST_RATIO * elsewhere[words] / size:
            continue
        score = _z(times[words], total, elsewhere[words], size) if size else _cohesion(words, times, total)
        if score >= LEAST_Z:
            worth = score * math.sqrt(documents[words] / len(own)) * (1 + LONGER * (len(words) - 2))
            counted.append(_Counted(words, times[words], documents[words], elsewhere[words], worth))
    chosen = _different(counted)[:MOST]
    said_in = _holders({phrase.words for phrase in chosen}, dict(zip(own, clauses, strict=True)))
    return [_phrase(phrase, total, size, said_in[phrase.words]) for phrase in chosen]


def left_of(said_in: Sequence[UUID], gone: Collection[UUID]) -> tuple[UUID, ...] | None:
    """The documents that a phrase names, without those that are gone. None where the phrase goes with them, because
    fewer than two are left."""
    left = tuple(document for document in said_in if document not in gone)
    return left if len(left) == len(said_in) or len(left) >= FEWEST_DOCUMENTS else None


class _English:
    """Whether words make a turn of speech: some carry meaning, some are grammar or manner, none is a name."""

    def __init__(self, documents: Sequence[Sequence[Sentence]], subjects: Collection[str]) -> None:
        self._names = names_in(sentence for document in documents for sentence in document)
        self._subjects = {_lower(words_of(subject)) for subject in subjects}

    def __call__(self, words: Words) -> bool:
        if words[-1] in _AT_NO_END and words[-1] not in _MAY_END:
            return False
        if not self.may_grow_to(words):
            return False
        leading = next((place for place, word in enumerate(words) if word not in _LEADING), len(words))
        rest = words[leading:]  # "the open source project" and "to run" name things; "by the way" names nothing
        if len(rest) < 2:  # "for sure", but not "the way": that says nothing of anybody
            return any(word in IDIOM for word in rest) and (leading > 1 or words[0] in PREPOSITIONS)
        return any(word in _GRAMMAR or word in IDIOM for word in rest) and any(word not in _GRAMMAR for word in rest)

    def may_grow_to(self, words: Words) -> bool:
        """Whether a longer run is still one that somebody might begin with, and names nothing."""
        if words[0] in _AT_NO_START or (words[0] == "of" and words[1] != "course"):
            return False
        if words[0] in ("it", "you") and words[1] in _LEADING:
            return False
        return not any(word in self._names or word.isdigit() for word in words) and not _names_any(
            words, self._subjects
        )


class _AnyLanguage:
    """The same for a language of which nothing is known: its most frequent words are its grammar."""

    def __init__(self, clauses: Sequence[Sequence[Words]], subjects: Collection[str]) -> None:
        counted = Counter(word for document in clauses for clause in document for word in clause)
        self._frequent = {word for word, _ in counted.most_common(min(FREQUENT, len(counted) // 5))}
        self._subjects = {_lower(words_of(subject)) for subject in subjects}

    def __call__(self, words: Words) -> bool:
        plain = sum(word in self._frequent for word in words)
        return 0 < plain < len(words) and self.may_grow_to(words)

    def may_grow_to(self, words: Words) -> bool:
        """Whether a longer run names no subject, and has no number in it."""
        return not any(word.isdigit() for word in words) and not _names_any(words, self._subjects)


def _lower(words: Sequence[str]) -> Words:
    return tuple(word.lower() for word in words)


def _names_any(words: Words, subjects: Collection[Words]) -> bool:
    return any(subject in _runs(words, len(subject)) for subject in subjects if subject)


def _count(documents: Sequence[Sequence[Words]], least: int) -> tuple[Counter[Words], Counter[Words]]:
    """Runs of words that occur `least` times or more: how often, and in how many documents.

    A run is counted only where both runs that are a word shorter are frequent (Agrawal and Srikant, "Fast algorithms
    for mining association rules", 1994), so that memory is bounded by what is frequent.
    """
    times: Counter[Words] = Counter()
    within: Counter[Words] = Counter()
    for size in range(1, LONGEST + 1):
        found: Counter[Words] = Counter()
        holders: Counter[Words] = Counter()
        for document in documents:
            here = Counter(
                run
                for clause in document
                for run in _runs(clause, size)
                if size == 1 or (run[1:] in times and run[:-1] in times)
            )
            found.update(here)
            holders.update(here.keys())
        frequent = {run: number for run, number in found.items() if number >= least}
        if not frequent:
            break
        times.update(frequent)
        within.update({run: holders[run] for run in frequent})
    return times, within


def _count_these(documents: Sequence[Sequence[Words]], wanted: Collection[Words]) -> Counter[Words]:
    sizes = {len(words) for words in wanted}
    return Counter(
        run
        for document in documents
        for clause in document
        for size in sizes
        for run in _runs(clause, size)
        if run in wanted
    )


def _holders(phrases: Collection[Words], documents: Mapping[UUID, Sequence[Words]]) -> dict[Words, list[UUID]]:
    """For each of the phrases the first `NAMED` documents in which it stands."""
    holders: dict[Words, list[UUID]] = {words: [] for words in phrases}
    for document, clauses in documents.items():
        for words in _count_these([clauses], phrases):
            if len(holders[words]) < NAMED:
                holders[words].append(document)
    return holders


def _runs(words: Words, size: int) -> Iterator[Words]:
    return (words[start : start + size] for start in range(len(words) - size + 1))


def _z(times: int, total: int, others: int, size: int) -> float:
    a, b = times + 0.5, others + 0.5
    return (math.log(a / (total - a + 1)) - math.log(b / (size - b + 1))) / math.sqrt(1 / a + 1 / b)


def _cohesion(words: Words, times: Counter[Words], total: int) -> float:
    """The logarithm of how much more often than by chance the weakest seam holds, weighted by how often."""
    seams = (times[words[:seam]] * times[words[seam:]] for seam in range(1, len(words)))
    return math.sqrt(times[words]) * math.log(times[words] * total / max(seams))


def _longer(spread: Collection[Words], times: Counter[Words]) -> dict[Words, Words]:
    """For each run the one with a word more, before or behind it, that it is mostly a part of."""
    longer: dict[Words, Words] = {}
    for run in sorted(spread, key=lambda run: (times[run], run)):
        for part in (run[1:], run[:-1]):
            if times[run] >= PART * times[part]:
                longer[part] = run
    return longer


def _whole(words: Words, longer: Mapping[Words, Words]) -> Words:
    """The longest run that the words are mostly a part of: "give it a shot" of "a shot"."""
    while words in longer:
        words = longer[words]
    return words


def _different(phrases: Sequence[_Counted]) -> list[_Counted]:
    """Best first, without what only says a better one in part or with some words more."""
    chosen: list[_Counted] = []
    for phrase in sorted(phrases, key=lambda phrase: (-phrase.worth, phrase.words)):
        if not any(_is_same(phrase.words, better.words) for better in chosen):
            chosen.append(phrase)
    return chosen


def _is_same(one: Words, other: Words) -> bool:
    shared = min(SHARED, len(one), len(other))
    return not set(_runs(one, shared)).isdisjoint(_runs(other, shared))


def _phrase(phrase: _Counted, total: int, size: int, said_in: Sequence[UUID]) -> Phrase:
    ratio = phrase.times / total / (phrase.others / size) if phrase.others else None
    text = " ".join("I" + word[1:] if word == "i" or word.startswith("i'") else word for word in phrase.words)
    return Phrase(text, phrase.times, phrase.documents, round(ratio, 1) if ratio else None, tuple(said_in))
