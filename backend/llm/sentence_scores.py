"""How well each sentence of the sources answers the question. Pure."""

import math
import re
from collections import Counter
from collections.abc import Container, Sequence
from itertools import pairwise

from backend.knowledge.words import content_stems, words
from backend.llm.passage_sentences import PAUSES, Sentence
from backend.llm.question_kind import Wanted

# All weights here and in `excerpts` were chosen on every other answerable question of the dev set squad2, the shortest
# answers among equals, and seen to hold on the others; `extract` says how well.
# A little less than BM25's usual saturation of 1.2, as sentences are short, and a mild length normalisation: a long
# sentence is allowed, a long-winded one is not.
SATURATION = 0.8
LENGTH_WEIGHT = 0.4
# The subject itself is in every sentence at hand and must still count for something.
LEAST_WEIGHT = 1.0
# Two words of the question side by side in the sentence say more than the two apart.
SIDE_BY_SIDE_WEIGHT = 0.4
# So much of what a sentence is worth goes by the share of the question that it has: all words of it once are more than
# one of them often. So much again by the share that its passage has.
COVERAGE_WEIGHT = 0.6
PASSAGE_WEIGHT = 0.4
# The sentence beside a good one often goes on without repeating the question's words, and the one behind a question
# that was asked in the source answers it: the more, the more that one is like ours.
NEIGHBOUR_WEIGHT = 0.25
AFTER_QUESTION_WEIGHT = 1.2
# "I want to talk about the studio. Hang up curtains first.": what an aside announces, the sentence behind it says.
INTRODUCED_WEIGHT = 0.4
TITLE_WEIGHT = 0.15
# Two questions with this share of their content words in both may ask the same.
SAME_QUESTION = 0.6
WHETHER = re.compile(
    r"\W*(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|should|shall|may|must|might)(?:n['’]t)?\b",
    re.IGNORECASE,
)
WHOSE = frozenset("a an the i we you my our your me us it its this that these those there of".split())
# Each source further down counts so much less: retrieval has read the whole passage, and we one sentence.
RANK_DISCOUNT = 0.3
ABOUT_ITSELF_WEIGHT = 0.2
PERSONAL_WEIGHT = 0.6
# In a conversation counts who answers.
HOST_WEIGHT = 0.4
# "What struck me is that you called it 2.0. Why?": what leads up to a question is the question, said before.
LEADING_UP_WEIGHT = 0.1
LEADING_UP_LIKENESS = 0.3
# And so is one that it ends with in quotation marks, unless that is what to say: "Ask each of them: “Is it loud?”"
QUOTED_AT_LAST = re.compile(
    r"^(?!(?:ask|say|tell|try|start|begin|write|answer)\b).*[\"“]([^\"“”]+\?)[\"”]\W*$", re.IGNORECASE | re.DOTALL
)
QUOTED_LIKENESS = 0.5
# "Long drives are boring." tells nothing to whoever asks "Why are long drives boring?".
NOTHING_NEW_WEIGHT = 0.3
# Speakers leave open what they say before a pause: "Over the years, there were a lot of vans...".
PAUSE_WEIGHT = 0.85
# From here on a sentence counts less the longer it is, half at twice the length: people lose its thread.
LONG_WORDS = 60


class QuestionTerms:
    """The question's content stems that occur, with their weights: rare among the sentences at hand means telling."""

    def __init__(self, question: str, passages: Sequence[Sequence[Sentence]]) -> None:
        everything = [sentence for passage in passages for sentence in passage]
        self.order = content_stems(question)
        self.turning = turning(question)
        self.whether = WHETHER.match(question) is not None
        counts = Counter(stem for sentence in everything for stem in frozenset(sentence.stems))
        total = len(everything)
        weights = {
            stem: LEAST_WEIGHT + math.log(1 + (total - counts[stem] + 0.5) / (counts[stem] + 0.5))
            for stem in dict.fromkeys(self.order)
        }
        self.weights = {stem: weight for stem, weight in weights.items() if counts[stem]}
        self._asked = sum(weights.values()) or 1.0
        self.total = sum(self.weights.values()) or 1.0
        self._average = sum(len(sentence.stems) for sentence in everything) / total if total else 1.0

    def match(self, stems: Sequence[str]) -> float:
        """BM25 of the sentence for the question, with a bonus for words that stand side by side in both."""
        counts = Counter(stem for stem in stems if stem in self.weights)
        norm = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * len(stems) / max(self._average, 1))
        score = sum(self.weights[stem] * n * (SATURATION + 1) / (n + norm) for stem, n in counts.items())
        pairs = frozenset(pairwise(self.order)) & frozenset(pairwise(stems))
        score += SIDE_BY_SIDE_WEIGHT * sum(self.weights[a] + self.weights[b] for a, b in pairs)
        return score * (1 - COVERAGE_WEIGHT + COVERAGE_WEIGHT * sum(self.weights[s] for s in counts) / self.total)

    def overlap(self, stems: frozenset[str]) -> float:
        """The weight of the question's words that are among `stems`."""
        return sum(weight for stem, weight in self.weights.items() if stem in stems)

    def share(self, stems: frozenset[str]) -> float:
        """The share of all of the question, by weight, also of words that no source has, that is among `stems`."""
        return self.overlap(stems) / self._asked

    def is_known(self, stems: Sequence[str]) -> bool:
        """Whether who asks says as much in the question; where it is asked whether that is so, it answers."""
        return not self.whether and bool(stems) and self.weights.keys() >= frozenset(stems)

    def coverage(self, title: str, passage: Sequence[Sentence]) -> float:
        """The share of the question, by weight, that occurs anywhere in the passage or its title."""
        stems = frozenset(content_stems(title)).union(*(sentence.stems for sentence in passage))
        return self.overlap(stems) / self.total

    def answered(self, question: str) -> float:
        """What it counts to follow this question in the source."""
        return AFTER_QUESTION_WEIGHT * self.likeness(question) * self.overlap(frozenset(content_stems(question)))

    def likeness(self, question: str) -> float:
        """How much of the words of this question and of ours is in both, from 0 to 1."""
        asked = frozenset(content_stems(question))
        return len(asked & self.weights.keys()) / len(asked | self.weights.keys()) if asked else 0.0

    def is_same(self, question: str) -> bool:
        """Whether this question would have the same yes or no for an answer as ours: it has most of its content words,
        also of those that no source has, and all of the others, as a "not" or an "after" turns it round."""
        ours, asked = frozenset(self.order), frozenset(content_stems(question))
        share = len(asked & ours) / len(asked | ours) if asked else 0.0
        return share >= SAME_QUESTION and turning(question) == self.turning


def turning(question: str) -> frozenset[str]:
    """The words of a question that are no content and not about whom or whose it is."""
    return frozenset(word for word in words(question) if word not in WHOSE and not content_stems(word))


def is_introduced(passage: Sequence[Sentence], place: int) -> bool:
    """Whether an aside, which is not read, announces the sentence at `place`."""
    return place > 0 and passage[place - 1].announces


def introduced(passage: Sequence[Sentence], place: int) -> str:
    """The sentence behind what is not read but says what it is about: an aside, or the question that it answers."""
    sentence = passage[place]
    before = passage[place - 1].alone if is_introduced(passage, place) else sentence.asked
    if sentence.personal:  # it is told instead of what was asked
        before = ""
    return f"{before} {f'{sentence.speaker}: ' if sentence.is_named else ''}{sentence.alone}".strip()


def leads_up(passage: Sequence[Sentence], place: int, terms: QuestionTerms) -> bool:
    """Whether who says it goes on, or ends, with a question that is like ours."""
    sentence = passage[place]
    quoted = QUOTED_AT_LAST.search(sentence.text)
    if quoted and terms.likeness(quoted[1]) >= QUOTED_LIKENESS:
        return True
    return any(
        after.continues
        and after.speaker == sentence.speaker
        and after.text.endswith("?")
        and not sentence.asked
        and terms.likeness(after.text) >= LEADING_UP_LIKENESS
        for after in passage[place + 1 : place + 2]
    )


def says_nothing_new(passage: Sequence[Sentence], place: int, terms: QuestionTerms) -> bool:
    """Whether who asks knows all of it, and nothing is said right behind it."""
    goes_on = any(after.continues and after.whole for after in passage[place + 1 : place + 2])
    return terms.is_known(passage[place].stems) and not goes_on


def bearing(passage: Sequence[Sentence], place: int, terms: QuestionTerms) -> float:
    """What the sentence counts apart from its subject, at most 1: less for an aside, for what only leads up to the
    question, before a pause, and where its thread is lost."""
    sentence = passage[place]
    weight = ABOUT_ITSELF_WEIGHT if sentence.about_itself else 1.0
    weight *= PERSONAL_WEIGHT if sentence.secondary else 1.0
    weight *= LEADING_UP_WEIGHT if leads_up(passage, place, terms) else 1.0
    weight *= NOTHING_NEW_WEIGHT if says_nothing_new(passage, place, terms) else 1.0
    weight *= PAUSE_WEIGHT if sentence.text.endswith(PAUSES) else 1.0
    return weight * min(1.0, LONG_WORDS / sentence.length)


def bearings(
    passages: Sequence[Sequence[Sentence]], terms: QuestionTerms, hosts: Sequence[Container[str]]
) -> list[list[float]]:
    """What each sentence of each passage counts apart from its subject, less where one of the `hosts` of its
    conversation says it."""
    return [
        [
            bearing(passage, place, terms) * (HOST_WEIGHT if sentence.speaker in asking else 1.0)
            for place, sentence in enumerate(passage)
        ]
        for passage, asking in zip(passages, hosts, strict=True)
    ]


def score_sentences(
    wanted: Wanted | None,
    titles: Sequence[str],
    passages: Sequence[Sequence[Sentence]],
    terms: QuestionTerms,
    counting: Sequence[Sequence[float]],
) -> list[list[float]]:
    """A score for each sentence of each passage, best source first; all are 0 where no word of the question occurs.

    `counting` is what `bearings` says of them.
    """
    scores: list[list[float]] = []
    for rank, (title, passage) in enumerate(zip(titles, passages, strict=True)):
        own = [terms.match(sentence.stems) for sentence in passage]
        from_title = TITLE_WEIGHT * terms.overlap(frozenset(content_stems(title)))
        passage_weight = 1 - PASSAGE_WEIGHT + PASSAGE_WEIGHT * terms.coverage(title, passage)
        row: list[float] = []
        for place, sentence in enumerate(passage):
            beside = max(own[max(place - 1, 0) : place] + own[place + 1 : place + 2], default=0.0)
            score = own[place]
            if sentence.asked and not (sentence.secondary or sentence.about_itself):
                score += terms.answered(sentence.asked)
            if is_introduced(passage, place):
                score += INTRODUCED_WEIGHT * own[place - 1]
            if score > 0:
                score += NEIGHBOUR_WEIGHT * beside + from_title
                score *= max(map(wanted.strength, (sentence.alone, introduced(passage, place)))) if wanted else 1.0
                score *= counting[rank][place]
            row.append(passage_weight * score / (1 + RANK_DISCOUNT * rank))
        scores.append(row)
    return scores
