"""What it counts that a stretch of a source is near to the question in meaning, beside the words they share. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.llm.excerpts import WRITTEN_LEAD_WORDS
from backend.llm.leaning import points_at_once
from backend.llm.passage_sentences import Sentence
from backend.llm.sentence_scores import RANK_DISCOUNT, introduced
from backend.llm.window import window

# Chosen like the weights of `sentence_scores`, and by reading answers from podcasts and talks, whose listeners ask in
# other words than the speakers: there a floor of 0.2 beats one of 0, which squad2 cannot tell apart.
# What a spoken sentence means is read off the stretch that it begins, up to so many words, as speakers need several
# sentences to say a thing and then come to another. A date or a name stands in one sentence. What is written keeps to
# its point: there all that would be read of it is compared, and what it has of the question may stand anywhere in it.
STRETCH_WORDS = 35
# So many words are compared in all, as they take time: what some fifteen stretches have, or nine windows. With half as
# many, squad2 is answered as well, but talks are not: the sentence that answers often has no word of the question.
SPOKEN_WORDS_COMPARED, WRITTEN_WORDS_COMPARED = 400, 800
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
Ranking = Mapping[str, float]  # how well stretches answer it, by a reranker: higher is better


@dataclass(frozen=True, slots=True)
class Passage:
    """The sentences of a source, each with its score by words and what it counts apart from its subject."""

    sentences: Sequence[Sentence]
    scores: Sequence[float]
    counting: Sequence[float]
    spoken: bool


def worth_comparing(passages: Sequence[Passage], *, brief: bool) -> dict[Place, str]:
    """The stretches that score best by their words, then those of the best passages, by where they begin.

    A `brief` answer has stretches of one sentence.
    """
    begun = {
        (rank, sentence.place): compared_at(passage, sentence.place, brief=brief)
        for rank, passage in enumerate(passages)
        for sentence in passage.sentences
        if may_begin(passage, sentence.place, brief=brief)
    }
    worth = by_words(passages, begun)
    found: dict[Place, str] = {}
    spent = 0.0
    for rank, place in sorted(begun, key=lambda place: -worth[place]):
        passage = passages[rank]
        read = begun[rank, place]
        text = " ".join((introduced(passage.sentences, place), *(further.text for further in read[1:])))
        spent += len(text.split()) / (SPOKEN_WORDS_COMPARED if passage.spoken or brief else WRITTEN_WORDS_COMPARED)
        if found and spent > 1:
            break
        found[rank, place] = text
    return found


def may_begin(passage: Passage, place: int, *, brief: bool) -> bool:
    """Whether the sentence at `place` may be compared as the first of a stretch; what is written begins with what
    stands by itself, and with no item of a list where what announces that may begin."""
    sentence = passage.sentences[place]
    if not sentence.usable or sentence.about_itself:
        return False
    if passage.spoken or brief:
        return True
    if points_at_once(sentence.alone) or sentence.secondary:
        return False
    while sentence.continues and not sentence.lists:
        sentence = passage.sentences[sentence.place - 1]
    return sentence.place == place or not (sentence.lists and sentence.usable and not sentence.about_itself)


def compared_at(passage: Passage, place: int, *, brief: bool) -> Sequence[Sentence]:
    """The sentences that are compared where an answer begins with the one at `place`."""
    if brief:
        return passage.sentences[place : place + 1]
    if passage.spoken:
        return stretch(passage.sentences, place, STRETCH_WORDS)
    return window(passage.sentences, place, WRITTEN_LEAD_WORDS)


def stretch(passage: Sequence[Sentence], place: int, most_words: int) -> Sequence[Sentence]:
    """The sentence with those that go on behind it, as far as there are words left for them."""
    end, words = place + 1, passage[place].length
    while end < len(passage) and passage[end].continues and words + passage[end].length <= most_words:
        words += passage[end].length
        end += 1
    return passage[place:end]


def by_words(passages: Sequence[Passage], begun: Mapping[Place, Sequence[Sentence]]) -> dict[Place, float]:
    """What each place is worth by its words, which may stand anywhere in what is written."""
    with_floor = raised(passages)
    return {
        (rank, place): max(with_floor[rank][sentence.place] for sentence in read)
        if not passages[rank].spoken
        else with_floor[rank][place]
        for (rank, place), read in begun.items()
    }


def by_meaning(passages: Sequence[Passage], cosines: Mapping[Place, float], *, brief: bool) -> list[list[float]]:
    """The scores with what the stretches mean; those that were not compared keep theirs."""
    worth = by_words(passages, {at: compared_at(passages[at[0]], at[1], brief=brief) for at in cosines})
    return [
        [
            worth[rank, place] * math.exp(GROWTH * max(cosines[rank, place], 0.0))
            if (rank, place) in cosines
            else score
            for place, score in enumerate(passage.scores)
        ]
        for rank, passage in enumerate(passages)
    ]


def reordered(scores: Sequence[Sequence[float]], reranked: Mapping[Place, float]) -> list[list[float]]:
    """The scores, of which those of the reranked places change hands: the best of these takes the highest of them.

    Rerankers score on scales of their own, so only their order counts; equal ones stay as they were.
    """
    places = sorted(reranked, key=lambda at: -scores[at[0]][at[1]])
    best_first = sorted(places, key=lambda at: -reranked[at])
    dealt = {at: scores[rank][place] for at, (rank, place) in zip(best_first, places, strict=True)}
    return [[dealt.get((rank, place), score) for place, score in enumerate(row)] for rank, row in enumerate(scores)]


def raised(passages: Sequence[Passage]) -> list[list[float]]:
    """The scores with their share of the best one, less for what counts less and in passages further down."""
    share = FLOOR * (max((score for passage in passages for score in passage.scores), default=0.0) or 1.0)
    return [
        [
            score + share * counts / (1 + RANK_DISCOUNT * rank)
            for score, counts in zip(passage.scores, passage.counting, strict=True)
        ]
        for rank, passage in enumerate(passages)
    ]
