"""Makes a question that leans on the conversation searchable on its own, by rule and without a model."""

import re
from collections.abc import Sequence

# Words that point back to something said before.
POINTERS = frozenset(
    "it its that this these those they them their he she him her his hers there then one ones same such former latter "
    "more else another instead".split()
)
OPENERS = re.compile(r"^(and|but|so|or|why|how so|what about|how about|what else|really|ok|okay|then)\b", re.IGNORECASE)
STOPWORDS = frozenset(
    "a an the of to in on at for with by from is are was were be been do does did can could should would will i you we "
    "me my your our what which who when where why how about if or and but not no so as than too very just".split()
)
FEW_WORDS = 2


def standalone(query: str, earlier: Sequence[str]) -> str:
    """The query as it is where it stands on its own, else with the visitor's last question before it.

    `earlier` are the visitor's questions so far, oldest first. Only the last one is joined: joining the whole history
    is known to hurt retrieval.
    """
    if not earlier or not leans_on_history(query):
        return query
    return f"{earlier[-1]} {query}"


def leans_on_history(query: str) -> bool:
    """Whether the query points back, opens as a continuation, or says almost nothing by itself."""
    words = re.findall(r"\w+", query.lower())
    content = [word for word in words if word not in STOPWORDS and word not in POINTERS]
    if len(content) < FEW_WORDS:
        return True
    return bool(OPENERS.match(query)) or any(word in POINTERS for word in words)
