"""BM25 term weights of passages and questions, over words, pairs of neighbouring words, and beginnings of words.

A passage's weight of a term is f·(k + 1) / (f + k·(1 − b + b·length/average)), f being how often the term occurs, with
k = 1.2 and b = 0.75 (the defaults of most engines). A question's weight of a term is 1; the engine multiplies it by the
term's IDF when it searches. Two neighbouring words are a term too, of less weight: a passage that has the question's
words in the question's order says more of it than one that has them somewhere (the idea is the sequential dependence
model's, Metzler and Croft, 2005). The first four letters of a longer word are a term as well, so that words of one
family meet that do not share a stem (truncation, McNamee and Mayfield, 2004). Figures are in
docs/decisions/0009-fusion.md.
"""

import re
import zlib
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from backend.knowledge.models import SparseVector
from backend.knowledge.spelling import spellings
from backend.knowledge.stem import stem

K, B = 1.2, 0.75
PAIR_WEIGHT = 0.3
BEGINNING_WEIGHT = 0.2
BEGINNING_LENGTH = 4
# The usual length of a passage in words, stop words left out: 3,000 passages of talks and articles with 200 tokens of
# the embedding model each have 77 on average. It only sets which length counts as neither short nor long.
AVERAGE_LENGTH = 77.0
# Words of English that nearly every text has, and those that only make a question of it.
STOPWORDS = frozenset(
    """
    a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to
    was will with what which who when where why how do does did can could should would i you we my your
    """.split()
)
# Scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, kana and Han. Each of their letters is a word, so
# that their pairs are what stands for words.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
WORD = re.compile(rf"[^\W_{UNSPACED}]+|[{UNSPACED}]")


class LexicalEncoder:
    """English stop words and stemming; other languages are matched word by word. Safe to use from several threads."""

    def passage(self, text: str) -> SparseVector:
        """Weights of what a passage says; empty where nothing but stop words is left."""
        terms = terms_of(text)
        floor = K * (1 - B + B * len(terms) / AVERAGE_LENGTH)
        weights: dict[int, float] = {}
        for kinds, weight in (
            (terms, 1.0),
            (pairs_of(terms), PAIR_WEIGHT),
            (beginnings_of(terms), BEGINNING_WEIGHT),
        ):
            for term, count in Counter(kinds).items():
                weights[identity(term)] = weight * count * (K + 1) / (count + floor)
        return SparseVector(tuple(weights), tuple(weights.values()))

    def query(self, text: str) -> SparseVector:
        """Weights of what a question asks for: 1 for each different term, and for a word's other spelling."""
        terms = terms_of(text)
        wanted = (*terms, *pairs_of(terms), *beginnings_of(terms), *other_spellings_of(text))
        identities = dict.fromkeys(map(identity, wanted))
        return SparseVector(tuple(identities), (1.0,) * len(identities))


def terms_of(text: str) -> list[str]:
    """The stems of the words that count, in order, repeats included."""
    return [stem(word) for word in WORD.findall(text.lower()) if word not in STOPWORDS]


def other_spellings_of(text: str) -> list[str]:
    """The stems of the words that count, British where the text is American and the other way round."""
    return [
        stem(other) for word in WORD.findall(text.lower()) if word not in STOPWORDS for other in spellings(word)[1:]
    ]


def pairs_of(terms: Iterable[str]) -> list[str]:
    """Neighbours, each pair as one term; stop words between them do not part them."""
    return [f"{one} {other}" for one, other in pairwise(terms)]


def beginnings_of(terms: Iterable[str]) -> list[str]:
    """The beginnings of the longer ones, told from words by what follows them."""
    return [f"{term[:BEGINNING_LENGTH]}…" for term in terms if len(term) > BEGINNING_LENGTH]


def identity(term: str) -> int:
    """The term's number in the index, 32 bits; of a million terms one in four thousand shares it with another."""
    return zlib.crc32(term.encode())
