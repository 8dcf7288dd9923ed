"""Answers a question with the best sentences of the sources, as short excerpts that read. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backend.llm.excerpts import Candidate, Excerpt, candidates_of, choose
from backend.llm.passage_sentences import Sentence, read_passage
from backend.llm.question_kind import wanted_by
from backend.llm.sentence_scores import QuestionTerms, score_sentences
from backend.llm.tier import PromptSource


@dataclass(frozen=True, slots=True)
class Extract:
    """Sentences of one source in its own order, ready to read."""

    source: PromptSource
    sentences: tuple[str, ...]


def extract(question: str, sources: Sequence[PromptSource]) -> list[Extract]:
    """One to three excerpts, some 110 words at most, the best first; what one creator says stays together.

    Measured on the 2,910 answerable questions of the dev set squad2 with the passages that retrieval finds: 78.6 % of
    the answers have a gold answer in their first 60 words, on either half of the questions, and 85.9 % where the best
    passage is the right one; they have 52 words on average.

    Empty only where no source holds a usable sentence. Without a word in common with the question, the beginning of
    the best source is taken: retrieval found it by its meaning.
    """
    passages = [read_passage(source.text) for source in sources]
    terms = QuestionTerms(question, passages)
    wanted = wanted_by(question)
    scores = score_sentences(wanted, [source.title for source in sources], passages, terms)
    candidates = beginnings(passages, scores)
    if not candidates:
        return []
    on_subject = [terms.coverage(source.title, passage) for source, passage in zip(sources, passages, strict=True)]
    chosen = choose(candidates, passages, terms, on_subject, brief=wanted is not None and wanted.brief)
    groups = grouped(chosen, [source.creator for source in sources])
    return [Extract(sources[index], tuple(read_out(group))) for index, group in groups]


def beginnings(passages: Sequence[Sequence[Sentence]], scores: Sequence[Sequence[float]]) -> list[Candidate]:
    """What may begin an excerpt: of the sentences with a score and, only where none of them can, of the others."""
    for only_matched in (True, False):
        found = [
            candidate
            for index, (passage, row) in enumerate(zip(passages, scores, strict=True))
            for candidate in candidates_of(index, passage, row, only_matched=only_matched)
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
