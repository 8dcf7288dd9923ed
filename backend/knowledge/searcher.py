"""From a question's text to the candidates of the index, whichever model the index was made with."""

import logging
from dataclasses import dataclass

from backend.errors import ConfigurationError, Unavailable
from backend.knowledge.embedders import Embedders
from backend.knowledge.index import Index, ModelChanged
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.models import Candidates, EmbeddingModel, LexicalHits, Scope

log = logging.getLogger(__name__)

ATTEMPTS = 3  # one is enough, two where a rebuild is published in between; three would be two rebuilds in a second


@dataclass(frozen=True, slots=True)
class Query:
    """A question's text, ready to be searched in any number of scopes. `model` made `dense`; None without a library."""

    text: str
    model: EmbeddingModel | None
    dense: tuple[float, ...]


class Searcher:
    """Asks the index for its model, embeds the question with that, and searches."""

    def __init__(self, index: Index, embedders: Embedders, lexical: LexicalEncoder) -> None:
        self._index = index
        self._embedders = embedders
        self._lexical = lexical

    async def embed(self, text: str) -> Query:
        """The question as the library's model embeds it. Raises `Unavailable` where the model cannot be loaded."""
        model = await self._index.model()
        if model is None:
            return Query(text, None, ())
        try:
            embedder = await self._embedders.get(model)
        except ConfigurationError as error:
            log.error("The embedding model %s of the library cannot be loaded: %s", model.name, error.message)
            raise Unavailable("The embedding model of the library cannot be loaded.") from error
        return Query(text, model, tuple((await embedder.embed(text)).tolist()))

    async def lexical(self, text: str, scope: Scope, limit: int) -> LexicalHits | None:
        """Half of a search, beside the embedding of the question: see `Index.lexical`. None also where it failed, as
        the search makes it then."""
        try:
            return await self._index.lexical(self._lexical.query(text), scope, limit)
        except Unavailable:
            return None

    async def search(self, query: Query, scope: Scope, limit: int, begun: LexicalHits | None = None) -> Candidates:
        """The `limit` best chunks of the dense and of the lexical search; see `Index.search`. `begun` is what `lexical`
        found for the same text, scope and limit.

        A library that was rebuilt with another model meanwhile is searched with that. Raises `Unavailable` where the
        index is away or its model cannot be loaded.
        """
        sparse = begun.sparse if begun else self._lexical.query(query.text)
        for _ in range(ATTEMPTS):
            if query.model is None:
                return Candidates((), ())
            try:
                return await self._index.search(query.model, query.dense, sparse, scope, limit, begun)
            except ModelChanged:
                query = await self.embed(query.text)
        raise Unavailable("The library is being made anew: try again shortly.")
