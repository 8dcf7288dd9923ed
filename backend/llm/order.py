"""Where a question starts: easy ones at the first tier of the order, hard ones at the strong one. Pure.

A question is hard by any of these, each a plain rule that a reader can check:

- it compares: a word such as `versus`, `difference` or `compared`, or a choice (`which …`, `should …`, `is … or …?`);
- it is long: more than 40 words;
- it can be answered from several documents about equally well: the best passages of at least three documents lie within
  a twentieth of the best score, so that what they say has to be brought together;
- it comes late: after at least eight messages of the conversation, which the answer has to fit.
"""

import re
from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

COMPARES = re.compile(
    r"\b(?:compar(?:e|es|ed|ing|ison|isons)|versus|vs|differ(?:s|ence|ences|ent from)?|similarit(?:y|ies)|trade-?offs?|"
    r"pros and cons|(?:dis)?advantages?|(?:better|worse|cheaper|more \w+|less \w+) than|contrast|in common)\b"
    r"|(?:\b(?:which|should|better|rather|prefer)|^\W*(?:is|are|do|does))\b[^.?!]*\bor\b",
    re.IGNORECASE,
)
LONG_WORDS = 40
SEVERAL_DOCUMENTS = 3
# In the sample library the best passage has 0.64 to 0.77 and what is about something else 0.55 to 0.6; this takes broad
# questions ("What makes a good interview?") for hard ones, and narrow ones ("What is room tone?") for easy ones.
NEARLY = 0.95
LATE_MESSAGES = 8

Item = TypeVar("Item")


def is_hard(question: str, strengths: Sequence[tuple[UUID, float]], messages: int) -> bool:
    """Whether the strong tier is to be asked first.

    `strengths` are the document and the score of each passage that was found, `messages` those of the conversation
    before this question.
    """
    return (
        COMPARES.search(question) is not None
        or len(question.split()) > LONG_WORDS
        or documents_of_equal_strength(strengths) >= SEVERAL_DOCUMENTS
        or messages >= LATE_MESSAGES
    )


def documents_of_equal_strength(strengths: Sequence[tuple[UUID, float]]) -> int:
    """How many documents have a passage that is nearly as strong as the best one."""
    best = max((score for _, score in strengths), default=0.0)
    return len({document for document, score in strengths if score >= best * NEARLY}) if best > 0 else 0


def starting_at(first: Item, others: Sequence[Item]) -> tuple[Item, ...]:
    """`first`, then the others in their order, nobody twice."""
    return (first, *(other for other in others if other != first))
