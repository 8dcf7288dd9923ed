"""What similar sentences may still differ in: their numbers, their names, and whether they deny something."""

import re
from collections.abc import Iterator

from backend.knowledge.stem import stem
from backend.knowledge.words import STOPWORDS, WORD, words

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
SPOKEN = (
    {word: number for number, word in enumerate(UNITS)}
    | {word: 10 * number for number, word in enumerate(TENS, start=2)}
    | {"first": 1, "second": 2, "third": 3, "once": 1, "twice": 2, "both": 2, "half": 2, "dozen": 12}
)
SCALES = {"thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
NUMBER_WORD = f"(?:{'|'.join([*SPOKEN, 'hundred', *SCALES])})"
SPOKEN_NUMBER = re.compile(rf"\b{NUMBER_WORD}(?:[\s-]+(?:(?:and|point)[\s-]+)?{NUMBER_WORD})*\b", re.IGNORECASE)
LONGEST_SPOKEN = 10  # words

# Behind these a capital letter begins a sentence, a list item or a quotation, and need not begin a name.
SENTENCE_BEGINS = ".!?…:;\"'“”‘’«»„([*•–—-"
# Capitals and denials are read as English has them; German begins every noun with a capital. A text is taken to be
# English where so many of its words are English function words: 99 % of passages of English prose have that (dev
# sets), while 5 to 19 % of the words of German, French, Spanish or Dutch texts are such.
ENGLISH_SHARE = 0.2

NEGATION = re.compile(
    r"\b(?:(?<!whether or )not|no|never|cannot|neither|nor|none|nobody|nothing|without|[a-z]+n['’]t)\b", re.IGNORECASE
)


def numbers(text: str) -> set[str]:
    """The numbers written in digits, alike however they are written: 1,000 and 1000, 0,5 and 0.50."""
    return {plain(match[0]) for match in NUMBER.finditer(text)}


def plain(number: str) -> str:
    """A number without separators of thousands and needless zeros."""
    if THOUSANDS.fullmatch(number):
        number = re.sub("[.,]", "", number)
    number = number.replace(",", ".")
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    return number.lstrip("0") or "0"


def told_numbers(text: str) -> set[str]:
    """The numbers of a text in digits or, as speech has them, in words: "forty-four point one" tells 44.1.

    Also what parts of such words tell, 44 and 40 and 1: a doubtful reading must not make a claim wrong.
    """
    told = numbers(text)
    for match in SPOKEN_NUMBER.finditer(text):
        said = re.split(r"[\s-]+", match[0].lower())[:LONGEST_SPOKEN]
        told.update(
            value
            for start in range(len(said))
            for end in range(start, len(said))
            for value in values(said[start : end + 1])
        )
    return told


def values(said: list[str]) -> Iterator[str]:
    """What number words tell: their value, and the year that two of two digits make ("nineteen ninety-five")."""
    if "point" in said:
        at = said.index("point")
        decimals = "".join(str(SPOKEN[word]) for word in said[at + 1 :] if word in SPOKEN)
        yield plain(f"{value(said[:at])}.{decimals}")
        return
    yield str(value(said))
    for at in range(1, len(said)):
        century, year = value(said[:at]), value(said[at:])
        if 10 <= century <= 99 and 10 <= year <= 99:
            yield f"{century}{year}"


def value(said: list[str]) -> int:
    """The whole number in words: scales multiply what stands before them."""
    total, current = 0, 0
    for word in said:
        if word in SPOKEN:
            current += SPOKEN[word]
        elif word == "hundred":
            current = max(current, 1) * 100
        elif word in SCALES:
            total += max(current, 1) * SCALES[word]
            current = 0
    return total + current


def names(text: str) -> list[str]:
    """Words with a capital letter that no sentence begins with, as stems, in order."""
    found: list[str] = []
    for match in WORD.finditer(text):
        word = match[0]
        before = text[: match.start()].rstrip()[-1:]
        if word[0].isupper() and before and before not in SENTENCE_BEGINS and word.lower() not in STOPWORDS:
            found += [stem(part) for part in words(word)]
    return found


def is_english(text: str) -> bool:
    """Whether names and denials can be told in this text."""
    said = words(text)
    return sum(word in STOPWORDS for word in said) >= ENGLISH_SHARE * len(said)


def denies(text: str) -> bool:
    """Whether a text says that something is not so."""
    return NEGATION.search(text) is not None
