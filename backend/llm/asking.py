"""What is asked within a source, by a host or a writer. Pure."""

import re
from collections.abc import Sequence

# A question that a transcript closes with a full stop. A longer sentence may go on: "What is said here is true of …".
SHORT_QUESTION_WORDS = 9
ASKING = re.compile(
    r"(?:(?:just|very|quickly|first|now|then|basically)[, ]+)*"
    r"(?:(?:what|who|where|why|how|which \w+)(?:['’]s| is| are| was| were| do| does| did| can| could| should| would)|"
    r"(?:do|does|did|are|is|have|has|can|could|would|should) (?:you|we|i|they|it|this|that|there|anybody|anyone))\b",
    re.IGNORECASE,
)
# "What is not open is …", "What I like is …": a statement.
CLEFT = re.compile(r"what\b.*?\b(?:is|are|was|were)\b.*\b(?:is|are|was|were|means?)\b", re.IGNORECASE)
# A host's request is a question however long it is: "I guess tell us how it began.".
REQUEST = re.compile(
    r"(?:(?:can|could|would) you (?:\w+ )?(?:explain|describe|tell|talk|give|share)|(?:(?:i guess|maybe|please),? )*"
    r"(?:tell (?:us|me)|walk (?:us|me) through|talk (?:to us |more |a (?:little )?bit (?:more )?)about))\b",
    re.IGNORECASE,
)
ASKING_BACK = re.compile(r"\b(?:you|it|that|this|they|those|these)\b", re.IGNORECASE)
# Who is asked may say something else before the answer: an aside, or no more content words than these ("I like it.").
ALMOST_NOTHING = 2
# "How do I get rid of the echo? It was a beautiful conversation.": what is told of whoever asks is no answer.
TELLING = re.compile(r"(?:it|he|she|they|this|that|there|we|i)(?:['’]d)? (?:\w+ly )?(?:was|were|had)\b", re.IGNORECASE)
FOR_HELP = re.compile(r"\b(?:do|can|could|should|would|must|may) (?:i|we)\b|\bhow to\b", re.IGNORECASE)


def asks_back(question: str, stems: Sequence[str]) -> bool:
    """Whether what it asks about was said before it: "When did you find out?", "Why is that?"."""
    return len(stems) < ALMOST_NOTHING and bool(ASKING_BACK.search(question))


def asks_for_help(question: str) -> bool:
    """Whether it asks what to do: no tale of whoever asks is an answer to that."""
    return FOR_HELP.search(question) is not None


def tells(sentence: str) -> bool:
    """Whether it tells what happened."""
    return TELLING.match(sentence) is not None


def is_question(text: str) -> bool:
    """Whether it asks; transcripts do not always say so at its end."""
    short = len(text.split()) <= SHORT_QUESTION_WORDS
    return (
        text.endswith("?")
        or bool(REQUEST.match(text))
        or (short and bool(ASKING.match(text)) and not CLEFT.match(text))
    )
