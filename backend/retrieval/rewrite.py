"""Makes a question that leans on the conversation searchable on its own, by rule and without a model."""

import re
from collections.abc import Sequence

from backend.knowledge.lexical import WORD as ANY_WORD
from backend.knowledge.words import WORD, content_stems

# Words that point back to something said before; and those that may, where the question says little else.
POINTERS = frozenset("it its this these those they them their he she him her his hers".split())
MAY_POINT = frozenset("that there then one ones same such former latter more else another instead".split())
LITTLE = 3
OPENERS = re.compile(r"^(and|but|so|or|how so|what about|how about|what else|really|ok|okay|then)\b", re.IGNORECASE)
STOPWORDS = frozenset(
    "a an the of to in on at for with by from is are was were be been do does did can could should would will i you we "
    "me my your our what which who when where why how about if or and but not no so as than too very just".split()
)
FEW_WORDS = 2
# So that "What's better?" has as many words of its own as "What is better?".
CONTRACTED = re.compile(r"(?:n['’]t|['’](?:s|d|m|re|ve|ll))\b")
# Who asks what something is, by a name or with "a", says it all: "What is an identifier?", "Who is Leonie?". Of six of
# the dev set mtrag three lost up to half of their nDCG@10 by words that were lent to them, and none gained by any.
DEFINED = re.compile(r"\W*(?i:what|who)(?i:['’]s|\s+(?:is|are|was|were))\s+(?:(?i:an?)\s+[\w'’.-]+|[A-Z][\w'’.-]*)\W*")
OF_ANOTHER = frozenset("advantage alternative benefit disadvantage downside drawback example exception option".split())
# Words that are lent to a question. Of 179 such questions of the dev set mtrag nDCG@10 was 0.683 with none, 0.796 with
# 2, 0.814 with 3, 0.810 with 4 and 0.798 with 5; with the whole question before it, it was 0.79.
LENT_WORDS = 3
THANKS = frozenset(("thank", "thanks", "thx"))  # what is said between two questions is about neither


def standalone(query: str, earlier: Sequence[str]) -> str:
    """The query as it is where it stands on its own, else with what it is about in brackets behind it.

    `earlier` are the visitor's questions so far, oldest first. The first content words are lent that the query does
    not have itself, from the last question, then from the one before it, and so on: joining whole questions is known to
    hurt retrieval.
    """
    if not earlier or not leans_on_history(query):
        return query
    lent = lent_words(query, earlier)
    return f"{query} ({' '.join(lent)})" if lent else query


def lent_words(query: str, earlier: Sequence[str]) -> list[str]:
    """What a leaning query is about, in the visitor's words."""
    said = set(content_stems(query))
    lent: list[str] = []
    for question in reversed(earlier):
        for word in WORD.findall(question):
            stems = content_stems(word)
            if said.issuperset(stems) or word.lower() in THANKS:
                continue
            said.update(stems)
            lent.append(word)
            if len(lent) == LENT_WORDS:
                return lent
    return lent


def leans_on_history(query: str) -> bool:
    """Whether the query points back, opens as a continuation, or says almost nothing by itself."""
    words = ANY_WORD.findall(CONTRACTED.sub("", query.lower()))
    content = [word for word in words if word not in STOPWORDS | POINTERS | MAY_POINT]
    if content and OF_ANOTHER.isdisjoint(content) and DEFINED.fullmatch(query):
        return False
    if len(content) < FEW_WORDS or OPENERS.match(query) or not POINTERS.isdisjoint(words):
        return True
    return len(content) < LITTLE and not MAY_POINT.isdisjoint(words)
