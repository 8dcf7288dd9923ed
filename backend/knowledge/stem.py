"""English stems, by Snowball (Porter2)."""

from functools import lru_cache

import snowballstemmer

from backend.knowledge.spelling import american

ENGLISH = snowballstemmer.stemmer("english")


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The stem of a lower-case English word; words of other scripts come back as they are."""
    stemmed: str = ENGLISH.stemWord(word)
    return stemmed


@lru_cache(maxsize=50_000)
def meaning(word: str) -> str:
    """The stem of a lower-case English word however it is spelt: the same for "licence" and "license"."""
    return stem(american(word))
