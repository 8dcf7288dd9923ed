"""What it counts that a stretch of a source is near to the question in meaning, beside the words they share. Pure."""

import math
from collections.abc import Mapping, Sequence

from backend.llm.passage_sentences import Sentence
from backend.llm.sentence_scores import RANK_DISCOUNT, introduced

# Chosen like the weights of `sentence_scores`, and by reading answers from podcasts and talks, whose listeners ask in
# other words than the speakers: there a floor of 0.2 beats one of 0, which squad2 cannot tell apart.
# What a sentence means is read off the stretch that it begins, up to so many words, as speakers need several sentences
# to say a thing; from 40 on squad2 loses. A date or a name stands in one sentence.
STRETCH_WORDS = 35
# So many words are compared in all, as they take time: what some fifteen stretches have. With half as many, squad2 is
# answered as well, but talks are not: the sentence that answers often has no word of the question.
COMPARED_WORDS = 400
# Every compared stretch gets this share of the best score before its cosine counts, so that one in other words than
# the question's can win.
FLOOR = 0.2
# A score grows as exp(4·cosine): by half for every 0.1. Growths from 2.5 to 5 differ little.
GROWTH = 4.0
# From this cosine on a stretch is about what is asked, so what it leans on is known from the question.
NEAR = 0.45
# And from this one it needs nothing before it, if it names what it is about.
CLEAR = 0.55

Place = tuple[int, int]  # the number of a passage, and of a sentence in it
Meanings = Mapping[str, float]  # cosines of stretches with the question


def worth_comparing(
    passages: Sequence[Sequence[Sentence]],
    scores: Sequence[Sequence[float]],
    counting: Sequence[Sequence[float]],
    *,
    brief: bool,
) -> dict[Place, str]:
    """The stretches that score best by their words, then those of the best passages, by where they begin.

    `counting` is what `bearings` says of them. A `brief` answer has stretches of one sentence.
    """
    with_floor = raised(scores, counting)
    places = [
        (rank, sentence.place)
        for rank, passage in enumerate(passages)
        for sentence in passage
        if sentence.usable and not sentence.about_itself
    ]
    found: dict[Place, str] = {}
    words = 0
    for rank, place in sorted(places, key=lambda place: -with_floor[place[0]][place[1]]):
        read = stretch(passages[rank], place, 0 if brief else STRETCH_WORDS)
        text = " ".join((introduced(passages[rank], place), *(further.text for further in read[1:])))
        words += len(text.split())
        if found and words > COMPARED_WORDS:
            break
        found[rank, place] = text
    return found


def stretch(passage: Sequence[Sentence], place: int, most_words: int) -> Sequence[Sentence]:
    """The sentence with those that go on behind it, as far as there are words left for them."""
    end, words = place + 1, passage[place].length
    while end < len(passage) and passage[end].continues and words + passage[end].length <= most_words:
        words += passage[end].length
        end += 1
    return passage[place:end]


def by_meaning(
    scores: Sequence[Sequence[float]],
    counting: Sequence[Sequence[float]],
    cosines: Mapping[Place, float],
) -> list[list[float]]:
    """The scores with what the stretches mean; those that were not compared keep theirs."""
    with_floor = raised(scores, counting)
    return [
        [
            floor * math.exp(GROWTH * max(cosines[rank, place], 0.0)) if (rank, place) in cosines else score
            for place, (score, floor) in enumerate(zip(row, floors, strict=True))
        ]
        for rank, (row, floors) in enumerate(zip(scores, with_floor, strict=True))
    ]


def raised(scores: Sequence[Sequence[float]], counting: Sequence[Sequence[float]]) -> list[list[float]]:
    """The scores with their share of the best one, less for what counts less and in passages further down."""
    share = FLOOR * (max((score for row in scores for score in row), default=0.0) or 1.0)
    return [
        [score + share * counts / (1 + RANK_DISCOUNT * rank) for score, counts in zip(row, own, strict=True)]
        for rank, (row, own) in enumerate(zip(scores, counting, strict=True))
    ]
