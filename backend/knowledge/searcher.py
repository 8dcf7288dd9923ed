"""From a question's text to the candidates of the index, whichever model the index was made with."""

import logging

from backend.errors import ConfigurationError, Unavailable
from backend.knowledge.embedders import Embedders
from backend.knowledge.index import Index, ModelChanged
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.models import Candidates, Scope

log = logging.getLogger(__name__)

ATTEMPTS = 3  # one is enough, two where a rebuild is published in between; three would be two rebuilds in a second


class Searcher:
    """Asks the index for its model, embeds the question with that, and searches."""

    def __init__(self, index: Index, embedders: Embedders, lexical: LexicalEncoder) -> None:
        self._index = index
        self._embedders = embedders
        self._lexical = lexical

    async def search(self, text: str, scope: Scope, limit: int) -> Candidates:
        """The `limit` best chunks of the dense and of the lexical search; see `Index.search`.

        A library that is rebuilt with another model meanwhile is searched with that. Raises `Unavailable` where the
        index is away or its model cannot be loaded.
        """
        sparse = self._lexical.query(text)
        for _ in range(ATTEMPTS):
            model = await self._index.model()
            if model is None:
                return Candidates((), ())
            try:
                embedder = await self._embedders.get(model)
            except ConfigurationError as error:
                log.error("The embedding model %s of the library cannot be loaded: %s", model.name, error.message)
                raise Unavailable("The embedding model of the library cannot be loaded.") from error
            dense = await embedder.embed(text)
            try:
                return await self._index.search(model, dense.tolist(), sparse, scope, limit)
            except ModelChanged:
                continue
        raise Unavailable("The library is being made anew: try again shortly.")
