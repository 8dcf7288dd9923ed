"""Answers a question with the best sentences of the sources, as short excerpts that read. Pure."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from backend.llm.excerpts import Candidate, Excerpt, candidates_of, choose
from backend.llm.meaning import NEAR, Meanings, by_meaning, worth_comparing
from backend.llm.passage_sentences import Sentence, read_passage
from backend.llm.question_kind import wanted_by
from backend.llm.sentence_scores import QuestionTerms, score_sentences
from backend.llm.tier import PromptSource


@dataclass(frozen=True, slots=True)
class Extract:
    """Sentences of one source in its own order, ready to read."""

    source: PromptSource
    sentences: tuple[str, ...]


class Reading:
    """The sources, read for one question.

    Every sentence is read and scored by its words once, as what the best of them mean is asked in between.
    """

    def __init__(self, question: str, sources: Sequence[PromptSource]) -> None:
        self.sources = tuple(sources)
        self.passages = [read_passage(source.text) for source in sources]
        self.terms = QuestionTerms(question, self.passages)
        self.wanted = wanted_by(question)
        titles = [source.title for source in sources]
        self.scores = score_sentences(self.wanted, titles, self.passages, self.terms)
        self.on_subject = list(map(self.terms.coverage, titles, self.passages))

    def worth_comparing(self) -> list[str]:
        """The sentences whose meaning, compared with the question's, may change what is best."""
        return worth_comparing(self.passages, self.scores)


def extract(reading: Reading, meanings: Meanings | None = None) -> list[Extract]:
    """One to three excerpts, some 110 words at most, the best first; what one creator says stays together.

    `meanings` are the cosines of `Reading.worth_comparing` with the question; None where there are none to be had.

    Measured on the 2,910 answerable questions of the dev set squad2 with the passages that retrieval finds: 80.1 % of
    the answers have a gold answer in their first 60 words, 81.0 % on the half of the questions that the weights were
    chosen on and 79.3 % on the other, and 78.6 % on either by the words alone; they have 49 words on average.

    Empty only where no source holds a usable sentence. Without a word in common with the question, the beginning of
    the best source is taken: retrieval found it by its meaning.
    """
    scores = by_meaning(reading.passages, reading.scores, meanings) if meanings else reading.scores
    near = frozenset(text for text, cosine in (meanings or {}).items() if cosine >= NEAR)
    candidates = beginnings(reading.passages, scores, near)
    if not candidates:
        return []
    brief = reading.wanted is not None and reading.wanted.brief
    chosen = choose(candidates, reading.passages, reading.terms, reading.on_subject, brief=brief)
    groups = grouped(chosen, [source.creator for source in reading.sources])
    return [Extract(reading.sources[index], tuple(read_out(group))) for index, group in groups]


def beginnings(
    passages: Sequence[Sequence[Sentence]], scores: Sequence[Sequence[float]], near: Container[str]
) -> list[Candidate]:
    """What may begin an excerpt: of the sentences with a score and, only where none of them can, of the others."""
    for only_matched in (True, False):
        found = [
            candidate
            for index, (passage, row) in enumerate(zip(passages, scores, strict=True))
            for candidate in candidates_of(index, passage, row, near, only_matched=only_matched)
        ]
        if found:
            return found
    return []


def grouped(chosen: Sequence[Excerpt], creators: Sequence[str]) -> list[tuple[int, list[Sentence]]]:
    """By source and in its order; the best source first, and what one creator says in one place."""
    groups: dict[int, list[Sentence]] = {}
    for excerpt in chosen:
        groups.setdefault(excerpt.source, []).extend(excerpt.sentences)
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
