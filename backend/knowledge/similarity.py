"""How near sentences are in meaning, by the embedding model that the library is searched with."""

import asyncio
import logging
from collections.abc import Sequence

from backend.errors import FootnoteError
from backend.knowledge.embedders import Embedders
from backend.knowledge.index import Index
from backend.settings import EMBEDDED

log = logging.getLogger(__name__)

# A burst of questions goes first. Readers have the sources meanwhile and wait for the answer or its end, which words
# alone would make worse.
PATIENCE_S = 1.0


class Similarity:
    """Cosines of one model, all-MiniLM-L6-v2: what a cosine says differs from model to model.

    Whoever asks waits for `patience_s` seconds at most.
    """

    def __init__(self, index: Index, embedders: Embedders, patience_s: float) -> None:
        self._index = index
        self._embedders = embedders
        self._patience_s = patience_s

    async def best(self, pairs: Sequence[tuple[str, Sequence[str]]]) -> list[float] | None:
        """For each sentence the highest cosine with one of its texts, -1 where it has none.

        None where another model made the library, or this one cannot be asked now.
        """
        texts = list(dict.fromkeys(text for sentence, others in pairs for text in (sentence, *others)))
        try:
            async with asyncio.timeout(self._patience_s):
                model = await self._index.model()
                if model is None or model.name != EMBEDDED:
                    return None
                embedder = await self._embedders.get(model)
                embedded = await asyncio.gather(*(embedder.embed(text, after_questions=True) for text in texts))
                vectors = dict(zip(texts, embedded, strict=True))
        except (FootnoteError, TimeoutError):
            log.warning("what sentences mean is not compared, words alone decide: the embedding model is away or busy")
            return None
        return [
            max((float(vectors[sentence] @ vectors[other]) for other in others), default=-1.0)
            for sentence, others in pairs
        ]
