"""BM25 term weights of passages and questions, computed here; term ids and weights are those of Qdrant's `qdrant/bm25`.

A passage's weight of a term is f·(k + 1) / (f + k·(1 − b + b·length/average)), f being how often the term occurs, with
k = 1.2 and b = 0.75 (the defaults of the engine, and of most others). A question's weight of a term is 1; the engine
multiplies it by the term's IDF when it searches.
"""

import qdrant_edge

from backend.knowledge.models import SparseVector

# The usual length of a passage in terms, stop words left out: 3,000 passages of talks and articles with 200 tokens of
# the embedding model each have 77 on average. It only sets which length counts as neither short nor long.
AVERAGE_LENGTH = 77.0


class LexicalEncoder:
    """English stop words and stemming; other languages are matched word by word. Safe to use from several threads."""

    def __init__(self) -> None:
        self._model = qdrant_edge.Bm25(qdrant_edge.Bm25Config(avg_len=AVERAGE_LENGTH))

    def passage(self, text: str) -> SparseVector:
        """Weights of what a passage says; empty where nothing but stop words is left."""
        return sparse_from(self._model.embed_document(text))

    def query(self, text: str) -> SparseVector:
        """Weights of what a question asks for: 1 for each different term."""
        return sparse_from(self._model.embed_query(text))


def sparse_from(vector: qdrant_edge.SparseVector) -> SparseVector:
    """The engine's sparse vector as ours."""
    return SparseVector(tuple(vector.indices), tuple(vector.values))
