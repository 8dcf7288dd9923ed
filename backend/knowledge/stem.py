"""English stems, by Snowball (Porter2)."""

from functools import lru_cache

import snowballstemmer

ENGLISH = snowballstemmer.stemmer("english")


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The stem of a lower-case English word; words of other scripts come back as they are."""
    stemmed: str = ENGLISH.stemWord(word)
    return stemmed
