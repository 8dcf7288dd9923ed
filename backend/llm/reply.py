"""A short reply, which is read with what explains it: "No.", "Ribbons. No doubt.". Pure."""

import re

from backend.llm.excerpts import Excerpt, may_follow
from backend.llm.passage_sentences import PAUSES, Sentence
from backend.llm.reading import Reading

# A reply has at most so many words a sentence. What is named ("Ribbons.") answers questions that have so much in
# common; a yes or a never may mean the contrary where one word is another.
REPLY_WORDS = 3
LIKE_QUESTION = 0.5
WHICH = re.compile(
    r"\W*(?:(?:so|and|but|okay|well),? )?(?:which|what|who|where|how (?:many|much|long|often|far))\b", re.I
)
DECIDING = re.compile(
    r"\W*(?:yes|yeah|yep|no(?! (?:doubt|contest|question))|nope|nah|not|never|always|sure|definitely|absolutely|"
    r"of course|only|rarely|hardly|both|neither|none|nothing|nobody|all)\b",
    re.IGNORECASE,
)


def with_reply(lead: Excerpt, reading: Reading) -> Excerpt:
    """The first excerpt with the short reply before it, where the source was asked the same.

    Where it was asked which or what, and replies with that, it is enough that it was asked something like it.
    """
    passage = reading.passages[lead.source]
    first = following = lead.sentences[0]
    reply: list[Sentence] = []
    while following.continues and following.place:
        sentence = passage[following.place - 1]
        is_reply = sentence.length <= REPLY_WORDS and may_follow(sentence) and not sentence.personal
        if not is_reply or sentence.text.endswith(PAUSES) or sentence.speaker != first.speaker:
            break
        reply.insert(0, sentence)
        following = sentence
    if not reply:
        return lead
    names = WHICH.match(first.asked) and not any(DECIDING.match(sentence.text) for sentence in reply)
    is_asked = reading.terms.likeness(first.asked) >= LIKE_QUESTION if names else reading.terms.is_same(first.asked)
    return Excerpt(lead.source, (*reply, *lead.sentences)) if is_asked else lead
