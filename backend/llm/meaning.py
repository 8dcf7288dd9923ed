"""What it counts that a sentence is near to the question in meaning, beside the words they share. Pure."""

import math
from collections.abc import Mapping, Sequence

from backend.llm.passage_sentences import Sentence
from backend.llm.sentence_scores import RANK_DISCOUNT, bearing

# Chosen like the weights of `sentence_scores`, and by reading answers from podcasts and talks, whose listeners ask in
# other words than the speakers: there a floor of 0.2 beats one of 0, which squad2 cannot tell apart. More than
# eight compared sentences cost time and gain nothing on squad2.
COMPARED_SENTENCES = 8
# Every compared sentence gets this share of the best score before its cosine counts, so that one in other words than
# the question's can win.
FLOOR = 0.2
# A score grows as exp(4·cosine): by half for every 0.1. Growths from 2.5 to 5 differ little.
GROWTH = 4.0
# From this cosine on a sentence is about what is asked, so what it leans on is known from the question.
NEAR = 0.55

Meanings = Mapping[str, float]  # cosines of sentences with the question


def worth_comparing(passages: Sequence[Sequence[Sentence]], scores: Sequence[Sequence[float]]) -> list[str]:
    """The sentences that score best by their words, then those of the best passages: at most 8."""
    with_floor = raised(passages, scores)
    places = [
        (rank, sentence.place)
        for rank, passage in enumerate(passages)
        for sentence in passage
        if sentence.usable and not sentence.about_itself
    ]
    best = sorted(places, key=lambda place: -with_floor[place[0]][place[1]])[:COMPARED_SENTENCES]
    return list(dict.fromkeys(as_compared(passages[rank], place) for rank, place in best))


def as_compared(passage: Sequence[Sentence], place: int) -> str:
    """What of a sentence is compared: with the question before it that it answers, as an answer rarely repeats that."""
    sentence = passage[place]
    return f"{passage[place - 1].alone} {sentence.alone}" if sentence.asked else sentence.alone


def by_meaning(
    passages: Sequence[Sequence[Sentence]], scores: Sequence[Sequence[float]], meanings: Meanings
) -> list[list[float]]:
    """The scores with what the sentences mean; those that were not compared keep theirs."""
    with_floor = raised(passages, scores)
    return [
        [
            floor * math.exp(GROWTH * max(cosine, 0.0)) if cosine is not None else score
            for place, (score, floor) in enumerate(zip(row, floors, strict=True))
            for cosine in [meanings.get(as_compared(passage, place))]
        ]
        for passage, row, floors in zip(passages, scores, with_floor, strict=True)
    ]


def raised(passages: Sequence[Sequence[Sentence]], scores: Sequence[Sequence[float]]) -> list[list[float]]:
    """The scores with their share of the best one, less for asides and in passages further down."""
    share = FLOOR * (max((score for row in scores for score in row), default=0.0) or 1.0)
    return [
        [
            score + share * bearing(sentence) / (1 + RANK_DISCOUNT * rank)
            for sentence, score in zip(passage, row, strict=True)
        ]
        for rank, (passage, row) in enumerate(zip(passages, scores, strict=True))
    ]
