"""The Porter stemmer (M. F. Porter, "An algorithm for suffix stripping", 1980), with his published later changes."""

import re
from functools import lru_cache

# In the measure's terms: a word is [C](VC)^m[V].
VOWELS = "aeiou"

STEP_2 = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize", "bli": "ble", "alli": "al",
    "entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize", "ation": "ate", "ator": "ate", "alism": "al",
    "iveness": "ive", "fulness": "ful", "ousness": "ous", "aliti": "al", "iviti": "ive", "biliti": "ble", "logi": "log",
}  # fmt: skip
STEP_3 = {"icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": ""}
STEP_4 = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "sion", "tion", "ou", "ism",
    "ate", "iti", "ous", "ive", "ize",
)  # fmt: skip


def shape(word: str) -> str:
    """The word as a string of `c` and `v`; y is a vowel after a consonant."""
    kinds = ""
    for letter in word:
        vowel = letter in VOWELS or (letter == "y" and kinds.endswith("c"))
        kinds += "v" if vowel else "c"
    return kinds


def measure(word: str) -> int:
    """How many times a vowel is followed by a consonant."""
    return len(re.findall("v+c+", shape(word)))


def ends_short(word: str) -> bool:
    """Whether it ends consonant, vowel, consonant, the last not w, x or y: `hop`."""
    return shape(word)[-3:] == "cvc" and word[-1] not in "wxy"


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The stem of a lower-case English word; words of other scripts and short words come back as they are."""
    if len(word) < 3 or not word.isascii() or not word.isalpha():
        return word
    word = without_inflection(word)
    word = exchange(word, STEP_2)
    word = exchange(word, STEP_3)
    for suffix in sorted(STEP_4, key=len, reverse=True):
        if word.endswith(suffix):
            kept = suffix[0] if suffix in ("sion", "tion") else ""
            base = word.removesuffix(suffix) + kept
            word = base if measure(base) > 1 else word
            break
    if word.endswith("e"):
        base = word[:-1]
        if measure(base) > 1 or (measure(base) == 1 and not ends_short(base)):
            word = base
    return word[:-1] if word.endswith("ll") and measure(word) > 1 else word


def without_inflection(word: str) -> str:
    """Step 1: plurals, -ed, -ing, and y after a vowel's syllable."""
    if word.endswith(("sses", "ies")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    if word.endswith("eed"):
        word = word[:-1] if measure(word[:-3]) > 0 else word
    elif (match := re.fullmatch("(.+?)(?:ed|ing)", word)) and "v" in shape(match[1]):
        word = match[1]
        if word.endswith(("at", "bl", "iz")):
            word += "e"
        elif len(word) > 1 and word[-1] == word[-2] and shape(word)[-1] == "c" and word[-1] not in "lsz":
            word = word[:-1]
        elif measure(word) == 1 and ends_short(word):
            word += "e"
    return f"{word[:-1]}i" if word.endswith("y") and "v" in shape(word[:-1]) else word


def exchange(word: str, endings: dict[str, str]) -> str:
    """The longest ending of the table is exchanged where a syllable remains before it."""
    for ending in sorted(endings, key=len, reverse=True):
        if word.endswith(ending):
            base = word.removesuffix(ending)
            return base + endings[ending] if measure(base) > 0 else word
    return word
