"""Whether the extractive tier's answers contain a gold answer, and how long they are."""

import re
import statistics
import string
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backend.chat.sources import offered
from backend.llm.extractive_tier import ExtractiveTier
from backend.llm.tier import Prompt, Token
from backend.retrieval.models import Retrieved
from pipeline.evaluation.dataset import Dataset, JudgedQuestion

FIRST_WORDS = 60  # of an answer, in which the gold answer must stand: what one reads without scrolling
# Longer gold answers are texts of their own, which nobody says in the same words. squad2's have 2 in the middle.
SHORT_WORDS = 10

_MARKER = re.compile(r"\s*\[\d+\]")
_FROM = re.compile(
    r"^(?:- )?(?:\*\*[^*\n]*\*\*)?", re.MULTILINE
)  # "From Ana Velloret:", and what begins a place of a list
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")


@dataclass(frozen=True, slots=True)
class Given:
    """One answer: whether it contains a gold answer, how many words it has, and whether a visitor would be given it."""

    contains: bool
    words: int
    is_given: bool


@dataclass(frozen=True, slots=True)
class Answers:
    """Of `questions` with gold answers: `contain` is the share whose answer contains one, be it given or not;
    `given` the share of all that are given such an answer and not refused; `words` the mean length."""

    questions: int
    contain: float
    given: float
    words: float


def has_short_answers(dataset: Dataset) -> bool:
    """Whether gold answers are known that an extractive answer could contain: half of them are short."""
    lengths = [len(answer.split()) for question in dataset.questions for answer in question.answers]
    return bool(lengths) and statistics.median(lengths) <= SHORT_WORDS


async def answer(question: JudgedQuestion, retrieved: Retrieved, tier: ExtractiveTier) -> Given:
    """How the answer to an answerable question compares with the gold ones."""
    words = _FROM.sub("", _MARKER.sub("", await said(retrieved, tier))).split()
    return Given(contains(words, question.answers), len(words), retrieved.answerable)


async def said(retrieved: Retrieved, tier: ExtractiveTier) -> str:
    """What the extractive tier says to the sources that were found; empty where there are none."""
    sources = offered(retrieved)
    if not sources:
        return ""
    stream = tier.stream(Prompt((), retrieved.query, tuple(sources), 0, 0))
    return "".join([event.text async for event in stream if isinstance(event, Token)])


def contains(words: Sequence[str], golden: Iterable[str]) -> bool:
    """Whether one of the gold answers stands among the first words, as whole words and normalised as SQuAD does."""
    said = f" {normalised(' '.join(words[:FIRST_WORDS]))} "
    return any(f" {wanted} " in said for wanted in map(normalised, golden) if wanted)


def normalised(text: str) -> str:
    """Lower case, without punctuation and articles, one space between words (SQuAD's evaluation script, v1.1), and
    also without the quotation marks and dashes of print, which sources have and the extractive tier puts round a
    quotation."""
    said = "".join(letter for letter in text.lower() if not is_punctuation(letter))
    return " ".join(_ARTICLE.sub(" ", said).split())


def is_punctuation(letter: str) -> bool:
    """Whether a character is punctuation by ASCII or by Unicode."""
    return letter in string.punctuation or unicodedata.category(letter).startswith("P")


def summed(given: Sequence[Given]) -> Answers | None:
    """The figures; None where no question has gold answers."""
    if not given:
        return None
    return Answers(
        len(given),
        sum(one.contains for one in given) / len(given),
        sum(one.contains and one.is_given for one in given) / len(given),
        statistics.fmean(one.words for one in given),
    )
