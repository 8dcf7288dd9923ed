"""How likely it is that what was found answers the question: a probability from several signals.

A logistic regression over a handful of signals, each of which a person can check by reading. It looks nothing up and
runs no model.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from backend.knowledge.models import Candidates, Hit
from backend.knowledge.words import words
from backend.retrieval.evidence import NEGATION, about, terms_of, weigh

READ = 2  # passages that are read closely
OFFERED = 6  # passages that a visitor is offered, as it is set: of two people who are asked, each speaks in another one
COUNTED = 30  # found texts over which the rarity of a word is counted

LENT = re.compile(r" \([^()]*\)$")  # the words that `rewrite.standalone` puts behind a leaning question
ASKS = re.compile(r"\b(?:what|which|who|whom|whose|where|when|why|how)\b", re.I)
ASKS_WHETHER = re.compile(
    r"\W*(?:is|are|was|were|am|do|does|did|can|could|should|would|will|has|have|had|may|might)\b", re.I
)
# Of oneself, of conditions and of reasons one asks with "not" quite naturally: "Why does my dough not rise?"
NATURALLY_DENIED = re.compile(r"\b(?:i|me|my|mine|we|us|our|you|your|if|whether|because|why)\b", re.I)
UNNAMED = re.compile(r"\b(?:this|these|those) (?!is\b|are\b|was\b|were\b)\w", re.I)


class Signals(NamedTuple):
    """What the decision rests on."""

    similarity: float  # cosine of the best passage by both searches together
    lexical: float  # its BM25 score over the weight of the question's words
    coverage: float  # see Evidence, as the next four
    all_but_one: float
    missing_particulars: float
    opposites: float
    negated_words: float
    denied: float  # 1 where the question is about what is not so, and the best sentence denies nothing
    open: float  # 1 where the question asks nothing in particular: key words, or a statement
    unnamed: float  # 1 where it is about "this county" and does not say which


# Fitted by scripts/fit_answerability.py, which prints them, on half of the questions of squad2, mtrag, feedbackqa,
# qmsum and scifact. On the other half the area under the ROC curve is 0.720 on squad2 and 0.817 on mtrag; 0.25 refuses
# 4, 5, 1, 9 and 1 % of what the five can answer, and 25 and 29 % of what squad2 and mtrag cannot. Dearer to leave out
# than any other are `similarity`, `denied` and `open`. Of no use beside these were margins between the first and later
# scores, whether both searches agree on the first, standard scores, pairs of words, superlatives, whether a name,
# number or date is there to answer "who", "how many" or "when", and the length of the question.
INTERCEPT = -3.763
WEIGHTS = Signals(
    similarity=6.800,
    lexical=0.130,
    coverage=1.148,
    all_but_one=-0.370,
    missing_particulars=-0.538,
    opposites=-1.056,
    negated_words=-0.833,
    denied=-4.000,
    open=1.254,
    unnamed=-0.341,
)


def answerability(question: str, candidates: Candidates, fused: Sequence[Hit], titles: Mapping[UUID, str]) -> float:
    """The probability, 0 to 1, that the found passages answer the question; 0 where nothing was found.

    `question` is the standalone one, as it was searched. `fused` are the candidates in their common order, best first;
    `titles` has what the documents of the first six hits are called, by document id: the title, and on lines of their
    own whose they are. Who asks for a document or a section by its name is given it.
    """
    if not fused:
        return 0.0
    asked = words(question)
    if any(is_called(asked, hit, titles.get(hit.chunk.document_id, "")) for hit in fused[:READ]):
        return 1.0
    return probability(signals(question, candidates, fused, titles))


def is_called(asked: list[str], hit: Hit, title: str) -> bool:
    """Whether the words of the question are nothing but the name of the document or of the hit's section."""
    heading = hit.chunk.heading or ""
    names = (*title.splitlines(), *heading.split(" > "), heading)
    return bool(asked) and any(words(name) == asked for name in names)


def probability(signals: Signals) -> float:
    """Of the signals, by the fitted weights."""
    log_odds = INTERCEPT + sum(weight * signal for weight, signal in zip(WEIGHTS, signals, strict=True))
    return 1 / (1 + math.exp(-log_odds))


def signals(question: str, candidates: Candidates, fused: Sequence[Hit], titles: Mapping[UUID, str]) -> Signals:
    """What the decision rests on, for at least one hit; see `answerability`."""
    asked = LENT.sub("", question)
    terms = terms_of(question, [f" {hit.chunk.text.lower()}" for hit in fused[:COUNTED]])
    read = [
        (
            f"{titles.get(hit.chunk.document_id, '')} {hit.chunk.heading or ''} {hit.chunk.speaker or ''}",
            hit.chunk.told_text,
        )
        for hit in fused[:READ]
    ]
    speaking = [
        name
        for hit in fused[:OFFERED]
        for name in (*titles.get(hit.chunk.document_id, "").splitlines()[1:], hit.chunk.speaker or "")
    ]
    evidence = weigh(asked, about(terms, speaking), read)
    best = fused[0].chunk.id
    asks = bool(ASKS.search(asked))
    about_what_is_not = asks and NEGATION.search(asked) and not NATURALLY_DENIED.search(asked)
    return Signals(
        similarity=score_of(best, candidates.dense),
        lexical=score_of(best, candidates.lexical) / (1 + sum(term.weight for term in terms)),
        coverage=evidence.coverage,
        all_but_one=evidence.all_but_one,
        missing_particulars=evidence.missing_particulars,
        opposites=evidence.opposites,
        negated_words=evidence.negated_words,
        denied=bool(about_what_is_not and not evidence.denies),
        open=bool(terms) and not asks and not ASKS_WHETHER.match(asked),
        unnamed=bool(UNNAMED.search(asked)),
    )


def score_of(chunk: UUID, hits: Sequence[Hit]) -> float:
    """What one search gave a chunk; 0 where it did not find it."""
    return next((hit.score for hit in hits if hit.chunk.id == chunk), 0.0)
