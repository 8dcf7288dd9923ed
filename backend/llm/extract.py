"""Chooses what of the sources answers a question best, as short excerpts that read. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backend.llm.passage_sentences import Sentence, read_passage
from backend.llm.question_kind import wanted_by
from backend.llm.sentence_scores import QuestionTerms, score_sentences
from backend.llm.tier import PromptSource

MOST_WORDS = 110
MOST_SENTENCES = 8
# An excerpt goes on behind its best sentence, where speakers explain what they said, until it has so many words: the
# first more than the others, which only add to it.
LEAD_WORDS, LEAD_SENTENCES = 40, 5
BRIEF_LEAD_WORDS = 25
MORE_WORDS, MORE_SENTENCES = 22, 2
MOST_EXCERPTS = 3
# A sentence that needs others before it to be understood costs their words.
LEANING_WEIGHT = 0.85
LONGEST_CHAIN = 3
# What follows the sentence will be read with it, and counts so much.
AHEAD_WEIGHT = 0.1
AHEAD_SENTENCES = 2
# A word of the question that was answered counts this much for the next excerpt, so the others get their turn.
COVERED_WEIGHT = 0.55
# An excerpt is added only if it is worth this share of the best one, and shares this much of what that shares with the
# question; one that says mostly the same is not.
WORTH_ADDING = 0.6
SHARED_WORTH_ADDING = 0.7
SUBJECT_WORTH_ADDING = 0.8
TOO_ALIKE = 0.6


@dataclass(frozen=True, slots=True)
class Extract:
    """Sentences of one source in its own order, ready to read."""

    source: PromptSource
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may begin an excerpt, with those before it that it leans on."""

    source: int
    sentences: tuple[Sentence, ...]
    stems: frozenset[str]
    score: float


def extract(question: str, sources: Sequence[PromptSource]) -> list[Extract]:
    """One to three excerpts, some 110 words at most, the best first; what one creator says stays together.

    Empty only where no source holds a usable sentence. Without a word in common with the question, the beginning of
    the best source is taken: retrieval found it by its meaning.
    """
    passages = [read_passage(source.text) for source in sources]
    terms = QuestionTerms(question, passages)
    wanted = wanted_by(question)
    scores = score_sentences(wanted, [source.title for source in sources], passages, terms)
    candidates = [
        found for index, passage in enumerate(passages) for found in candidates_of(index, passage, scores[index])
    ]
    if not candidates:
        return []
    creators = [source.creator for source in sources]
    on_subject = [terms.coverage(source.title, passage) for source, passage in zip(sources, passages, strict=True)]
    chosen = choose(
        candidates, passages, terms, on_subject, BRIEF_LEAD_WORDS if wanted and wanted.brief else LEAD_WORDS
    )
    return [Extract(sources[index], tuple(read_out(group))) for index, group in grouped(chosen, creators)]


def candidates_of(source: int, passage: Sequence[Sentence], scores: Sequence[float]) -> Iterator[Candidate]:
    """Every usable sentence with what it leans on; one whose ground is missing is left out."""
    for place in range(len(passage)):
        first = place
        while passage[first].leans and passage[first].continues and place - first < LONGEST_CHAIN - 1:
            first -= 1
        members = tuple(passage[first : place + 1])
        if passage[first].leans or not passage[first].usable or not all(member.whole for member in members):
            continue
        own = scores[place] if first == place else LEANING_WEIGHT * max(scores[first : place + 1])
        ahead = sum(scores[place + 1 : place + 1 + AHEAD_SENTENCES])
        stems = frozenset(stem for member in members for stem in member.stems)
        yield Candidate(source, members, stems, own + AHEAD_WEIGHT * ahead if scores[place] > 0 else 0.0)


def choose(
    candidates: Sequence[Candidate],
    passages: Sequence[Sequence[Sentence]],
    terms: QuestionTerms,
    on_subject: Sequence[float],
    lead_words: int,
) -> list[tuple[int, tuple[Sentence, ...]]]:
    """The excerpts with their sources: greedily, each time what adds most to those chosen."""
    best = max(candidates, key=lambda candidate: candidate.score)
    enough = SUBJECT_WORTH_ADDING * on_subject[best.source]
    candidates = [best, *(found for found in candidates if found is not best and on_subject[found.source] >= enough)]
    chosen = [(best.source, go_on(best, passages, lead_words, LEAD_SENTENCES))]
    while len(chosen) < MOST_EXCERPTS:
        worth, index = max((gain(candidate, best, chosen, terms), -index) for index, candidate in enumerate(candidates))
        if worth <= 0:
            break
        candidate = candidates[-index]
        more = go_on(candidate, passages, MORE_WORDS, MORE_SENTENCES)
        excerpts = [sentences for _, sentences in chosen] + [more]
        if sum(map(length, excerpts)) > MOST_WORDS or sum(map(len, excerpts)) > MOST_SENTENCES:
            break
        chosen.append((candidate.source, more))
    return chosen


def go_on(
    candidate: Candidate, passages: Sequence[Sequence[Sentence]], enough_words: int, most_sentences: int
) -> tuple[Sentence, ...]:
    """The candidate with the sentences right behind it, until there are enough words."""
    excerpt = list(candidate.sentences)
    for sentence in passages[candidate.source][excerpt[-1].place + 1 :]:
        full = length(excerpt) >= enough_words or len(excerpt) >= most_sentences
        if full or not sentence.continues or not sentence.whole or sentence.about_itself:
            break
        excerpt.append(sentence)
    return tuple(excerpt)


def gain(
    candidate: Candidate, best: Candidate, chosen: Sequence[tuple[int, tuple[Sentence, ...]]], terms: QuestionTerms
) -> float:
    """What the candidate adds; 0 where it is said already or has too little to do with the question."""
    places = {sentence.place for sentence in candidate.sentences}
    covered: set[str] = set()
    asked = frozenset(terms.weights)
    for source, sentences in chosen:
        stems = frozenset(stem for sentence in sentences for stem in sentence.stems)
        taken = source == candidate.source and not places.isdisjoint(sentence.place for sentence in sentences)
        if taken or any(alike(candidate.stems, frozenset(sentence.stems), asked) for sentence in sentences):
            return 0.0
        covered |= stems
    full = terms.overlap(candidate.stems)
    if full < SHARED_WORTH_ADDING * terms.overlap(best.stems) or candidate.score < WORTH_ADDING * best.score:
        return 0.0
    fresh = terms.overlap(candidate.stems - covered)
    return candidate.score * (COVERED_WEIGHT + (1 - COVERED_WEIGHT) * (fresh / full if full else 0.0))


def alike(one: frozenset[str], other: frozenset[str], asked: frozenset[str]) -> bool:
    """Whether the shorter of the two, apart from the question's own words, says little that the longer does not."""
    one, other = one - asked, other - asked
    return not one or (bool(other) and len(one & other) / min(len(one), len(other)) >= TOO_ALIKE)


def length(sentences: Sequence[Sentence]) -> int:
    """Words in all."""
    return sum(sentence.length for sentence in sentences)


def grouped(
    chosen: Sequence[tuple[int, tuple[Sentence, ...]]], creators: Sequence[str]
) -> list[tuple[int, list[Sentence]]]:
    """By source and in its order; the best source first, and what one creator says in one place."""
    groups: dict[int, list[Sentence]] = {}
    for source, sentences in chosen:
        groups.setdefault(source, []).extend(sentences)
    speakers = list(dict.fromkeys(creators[index] for index in groups))
    order = sorted(groups, key=lambda index: speakers.index(creators[index]))
    return [(index, sorted(groups[index], key=lambda sentence: sentence.place)) for index in order]


def read_out(group: Sequence[Sentence]) -> Iterator[str]:
    """Each sentence as it reads at its place: with its tie to the one before only where that one is there."""
    before: int | None = None
    for sentence in group:
        follows = sentence.continues and before == sentence.place - 1
        yield sentence.text if follows else sentence.alone
        before = sentence.place
