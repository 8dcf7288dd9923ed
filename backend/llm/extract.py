"""Chooses the sentences of the sources that answer a question best, and puts them in an order that reads. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backend.llm.passage_sentences import Sentence, read_passage
from backend.llm.sentence_scores import QuestionTerms, score_sentences
from backend.llm.tier import PromptSource

MOST_SENTENCES = 5
MOST_WORDS = 110
# A word of the question that was answered counts this much for the next sentence, so the others get their turn.
COVERED_WEIGHT = 0.55
# A sentence right behind a chosen one goes on with its thought, which reads better than a new one.
FOLLOWS_BONUS = 1.2
TOO_ALIKE = 0.6
# Below this share of the best score nothing is added; below the lower one not even up to the third sentence.
WORTH_ADDING = 0.45
WORTH_ADDING_EARLY = 0.3
EARLY = 3
# Of two members of a unit the better one speaks for it; the other is a help to understand it, and costs words.
UNIT_WEIGHT = 0.85
LONGEST_CHAIN = 3


@dataclass(frozen=True, slots=True)
class Extract:
    """Sentences of one source in its own order, ready to read."""

    source: PromptSource
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """What is chosen at once: a sentence with those before it that it leans on."""

    source: int
    sentences: tuple[Sentence, ...]
    score: float

    @property
    def stems(self) -> frozenset[str]:
        return frozenset(stem for sentence in self.sentences for stem in sentence.stems)

    @property
    def words(self) -> int:
        return sum(len(sentence.text.split()) for sentence in self.sentences)


def extract(question: str, sources: Sequence[PromptSource]) -> list[Extract]:
    """The best one to five sentences, some 110 words at most, grouped by source, the best source's group first.

    Empty only where no source holds a usable sentence. Without a word in common with the question, the first usable
    sentences of the best source are taken: retrieval found it by its meaning.
    """
    passages = [read_passage(source.text) for source in sources]
    terms = QuestionTerms(question, passages)
    scores = score_sentences(question, [source.title for source in sources], passages, terms)
    units = [unit for index, passage in enumerate(passages) for unit in units_of(index, passage, scores[index])]
    chosen = choose(units, terms) if any(unit.score > 0 for unit in units) else opening(units)
    return [Extract(sources[index], tuple(read_out(group))) for index, group in grouped(chosen)]


def units_of(source: int, passage: Sequence[Sentence], scores: Sequence[float]) -> Iterator[Unit]:
    """Every usable sentence with what it leans on; one whose ground is missing or unusable is left out."""
    for place in range(len(passage)):
        first = place
        while passage[first].leans and passage[first].continues and place - first < LONGEST_CHAIN - 1:
            first -= 1
        members = tuple(passage[first : place + 1])
        if passage[first].leans or not all(member.usable for member in members):
            continue
        rest = scores[first:place]
        score = scores[place] if not rest else UNIT_WEIGHT * max(scores[place], *rest)
        yield Unit(source, members, score if scores[place] > 0 else 0.0)


def choose(units: Sequence[Unit], terms: QuestionTerms) -> list[Unit]:
    """Greedily, each time what adds most: less for what is said already, more for going on with a thought."""
    chosen: list[Unit] = []
    taken: set[tuple[int, int]] = set()
    best = max(unit.score for unit in units)
    words = 0
    while len(taken) < MOST_SENTENCES:
        gains = [(gain(unit, chosen, taken, terms), -index) for index, unit in enumerate(units)]
        value, index = max(gains)
        needed = WORTH_ADDING_EARLY if len(taken) < EARLY else WORTH_ADDING
        if value <= 0 or value < needed * best:
            break
        unit = units[-index]
        words += unit.words
        if chosen and words > MOST_WORDS:
            break
        chosen.append(unit)
        taken |= {(unit.source, sentence.place) for sentence in unit.sentences}
    return chosen


def gain(unit: Unit, chosen: Sequence[Unit], taken: set[tuple[int, int]], terms: QuestionTerms) -> float:
    """What the unit adds to those chosen; 0 where one of them says the same, or it is chosen already."""
    places = {(unit.source, sentence.place) for sentence in unit.sentences}
    if (unit.source, unit.sentences[-1].place) in taken or any(alike(unit, other) for other in chosen):
        return 0.0
    covered = frozenset(stem for other in chosen for stem in other.stems)
    full = terms.overlap(unit.stems)
    fresh = terms.overlap(unit.stems - covered)
    weight = COVERED_WEIGHT + (1 - COVERED_WEIGHT) * fresh / full if full else COVERED_WEIGHT
    source, first = min(places)
    return unit.score * weight * (FOLLOWS_BONUS if (source, first - 1) in taken or places & taken else 1.0)


def alike(one: Unit, other: Unit) -> bool:
    """Whether the shorter of the two says little that the longer does not."""
    if one.source == other.source and {s.place for s in one.sentences} & {s.place for s in other.sentences}:
        return False
    a, b = one.stems, other.stems
    return bool(a and b) and len(a & b) / min(len(a), len(b)) >= TOO_ALIKE


def opening(units: Sequence[Unit]) -> list[Unit]:
    """The beginning of the best source that has anything to read out."""
    first = units[0].source if units else 0
    return [unit for unit in units if unit.source == first and len(unit.sentences) == 1][:EARLY]


def grouped(chosen: Sequence[Unit]) -> list[tuple[int, list[Sentence]]]:
    """By source and in its order; sources of one creator are not brought together, the better one comes first."""
    groups: dict[int, dict[int, Sentence]] = {}
    for unit in chosen:
        groups.setdefault(unit.source, {}).update({sentence.place: sentence for sentence in unit.sentences})
    return [(index, [group[place] for place in sorted(group)]) for index, group in groups.items()]


def read_out(group: Sequence[Sentence]) -> Iterator[str]:
    """Each sentence as it reads at its place: with its tie to the one before only where that one is there."""
    before: int | None = None
    for sentence in group:
        follows = sentence.continues and before == sentence.place - 1
        yield sentence.text if follows else sentence.alone
        before = sentence.place
