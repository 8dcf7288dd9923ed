"""What the sentences of a finished answer rest on: each citation with whether its passage bears it out."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from backend.chat.claims import Claim, find_claims
from backend.chat.particulars import denies, is_english, names, numbers, told_numbers
from backend.knowledge.similarity import Similarity
from backend.knowledge.stem import stem
from backend.knowledge.words import content_stems, words
from backend.llm.sentences import split_blocks, split_sentences
from backend.llm.tier import PromptSource

# Shares of a claim's content words that its passages have: from where on they alone say yes, below which they alone say
# no, and what decides between these two where nothing is known of the meaning. See `check`.
ENOUGH_WORDS, FEW_WORDS, HALF_OF_THE_WORDS = 0.8, 0.3, 0.5
SIMILAR = 0.55  # cosine
# A claim is compared with so many sentences of its passages, those that share most words with it, each read together
# with the one before and with the one behind it.
COMPARED_SENTENCES = 2
# Two claims with what they are compared with, which take some 65 ms of two cores (12 ms of one for each text); one
# sentence in six is compared at all, and claims behind these are judged by their words.
MOST_TEXTS = 10


@dataclass(frozen=True, slots=True)
class Citation:
    """`sentence` of the answer, without its markers, cites source `index`; `supported` as `check` judges it."""

    index: int
    sentence: str
    supported: bool


class Grounds:
    """What the passages that a claim cites say together, with their titles and whose they are."""

    def __init__(self, sources: Sequence[PromptSource]) -> None:
        self._sources = sources
        self.text = "\n\n".join(
            f"{source.text}\n\n{source.title}\n\n{source.creator}\n\n{source.speaker or ''}" for source in sources
        )

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(content_stems(self.text))

    @cached_property
    def all_stems(self) -> frozenset[str]:
        return frozenset(map(stem, words(self.text)))

    @cached_property
    def told_numbers(self) -> set[str]:
        return told_numbers(self.text)

    @cached_property
    def is_english(self) -> bool:
        return is_english(self.text)

    @cached_property
    def sentences(self) -> list[list[str]]:
        """The sentences of each passage."""
        return [
            [sentence for block in split_blocks(source.text) for sentence in split_sentences(block)]
            for source in self._sources
        ]

    def nearest(self, claim: str) -> list[str]:
        """The sentences that share most words with the claim."""
        return [self.sentences[passage][place] for passage, place in self._nearest(claim)]

    def nearest_pairs(self, claim: str) -> list[str]:
        """The same, each with the sentence before it and with the one behind it."""
        pairs: list[str] = []
        for passage, place in self._nearest(claim):
            sentences = self.sentences[passage]
            pairs.append(" ".join(sentences[max(place - 1, 0) : place + 1]))
            pairs.append(" ".join(sentences[place : place + 2]))
        return list(dict.fromkeys(pairs))

    def _nearest(self, claim: str) -> list[tuple[int, int]]:
        wanted = frozenset(content_stems(claim))
        ranked = sorted(
            (-len(wanted.intersection(content_stems(sentence))), passage, place)
            for passage, sentences in enumerate(self.sentences)
            for place, sentence in enumerate(sentences)
        )
        return [(passage, place) for _, passage, place in ranked[:COMPARED_SENTENCES]]


async def check(answer: str, sources: Sequence[PromptSource], similarity: Similarity | None = None) -> list[Citation]:
    """Each cited sentence with each source it cites, in the order of the answer; nothing is left out for its verdict.

    A sentence that cites several passages is judged by all of them together; a passage that shares no content word with
    it supports nothing. First words tell: a number or a name that is nowhere in the passages, or a denial where the
    nearest sentences deny nothing, is not supported; with 80 % of its content words (stems) a sentence is, with less
    than 30 % it is not. Between these decides `similarity`, the highest cosine with what comes nearest, at least 0.55;
    half of the content words where there is no similarity to be had.

    The figures. Of 700 sentences of answers that people wrote from given passages (dev set mtrag, another half than the
    thresholds were chosen on) 91 % count as supported by these passages, 23 % by the one other passage of the same
    creator that shares most words with them, 0.9 % by one at random. With one number changed 7 % do, with one name
    changed 6 %, with a `not` put in 18 %. Half of the content words alone, with nothing else, gave 97, 62, 2, 99, 97
    and 96 %. Much of what is lost of the first are sentences with a name or number that is indeed not there. Of
    scifact's claims 76 % count as supported by abstracts that support them, and 74 % by those that contradict them:
    that two results are opposite without a word of denial is not seen.
    """
    if "[" not in answer:
        return []  # it cites nothing
    by_index = {source.index: source for source in sources}
    # As a rule some milliseconds, but half a second where an answer is nothing but brackets.
    claims = await asyncio.to_thread(find_claims, answer, by_index)
    cited = dict.fromkeys(group for claim in claims for group in (claim.cited, *((index,) for index in claim.cited)))
    grounds = {group: Grounds([by_index[index] for index in group]) for group in cited}
    verdicts = [by_words(claim, grounds[claim.cited]) for claim in claims]
    undecided = [claim for claim, verdict in zip(claims, verdicts, strict=True) if verdict is None]
    meant = await by_meaning(undecided, grounds, similarity)
    citations: list[Citation] = []
    for claim, verdict in zip(claims, verdicts, strict=True):
        supported = meant[claim] if verdict is None else verdict
        content = frozenset(content_stems(claim.sentence))
        for index in claim.cited:
            shares = not content or not content.isdisjoint(grounds[(index,)].stems)
            citations.append(Citation(index, claim.sentence, supported and shares))
    return citations


def by_words(claim: Claim, grounds: Grounds) -> bool | None:
    """Whether the passages bear the claim out as far as words tell; None where they leave it open."""
    if numbers(claim.sentence) - grounds.told_numbers:
        return False
    if grounds.is_english:
        if not grounds.all_stems.issuperset(names(claim.sentence)):
            return False
        if denies(claim.sentence) and not any(map(denies, grounds.nearest(claim.sentence))):
            return False
    share = shared(claim, grounds)
    if share >= ENOUGH_WORDS:
        return True
    return False if share < FEW_WORDS else None


def shared(claim: Claim, grounds: Grounds) -> float:
    """The share of the claim's content words that the passages have; 1 where it has none."""
    content = frozenset(content_stems(claim.sentence))
    return len(content & grounds.stems) / len(content) if content else 1.0


async def by_meaning(
    claims: Sequence[Claim], grounds: Mapping[tuple[int, ...], Grounds], similarity: Similarity | None
) -> dict[Claim, bool]:
    """Whether what comes nearest to each claim means the same; judged by half of the words where nothing can tell."""
    verdicts = {claim: shared(claim, grounds[claim.cited]) >= HALF_OF_THE_WORDS for claim in claims}
    compared: dict[Claim, list[str]] = {}
    texts = 0
    for claim in verdicts:
        nearest = grounds[claim.cited].nearest_pairs(claim.sentence)
        texts += 1 + len(nearest)
        if texts > MOST_TEXTS:
            break
        compared[claim] = nearest
    if similarity is None or not compared:
        return verdicts
    cosines = await similarity.best([(claim.sentence, nearest) for claim, nearest in compared.items()])
    if cosines is not None:
        verdicts.update({claim: cosine >= SIMILAR for claim, cosine in zip(compared, cosines, strict=True)})
    return verdicts
