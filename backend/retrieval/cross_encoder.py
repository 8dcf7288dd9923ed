"""Reranks with a sentence-transformers cross-encoder in this process, in a thread of its own."""

import asyncio
import logging
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from backend.errors import ConfigurationError

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

log = logging.getLogger(__name__)


class CrossEncoderReranker:
    """One batch at a time. See `Reranker`.

    A batch cannot be stopped once it runs, so one that is too late is left to end and its scores are dropped; until
    then other questions wait for their turn no longer than their own deadline. So no more than one is ever computed.
    """

    def __init__(self, model: "CrossEncoder", deadline_s: float) -> None:
        self._model = model
        self._deadline_s = deadline_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reranker")
        self._turn = asyncio.Semaphore()

    async def scores(self, query: str, texts: Sequence[str]) -> list[float] | None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._deadline_s
        try:
            async with asyncio.timeout_at(deadline):
                await self._turn.acquire()
        except TimeoutError:
            log.warning("the reranker is busy: the order stays as it is")
            return None
        scoring = loop.run_in_executor(self._thread, self._predict, query, list(texts))
        scoring.add_done_callback(lambda _: self._turn.release())
        # `wait` cancels nothing, so the turn is over when the thread is done and not when we stop waiting.
        await asyncio.wait({scoring}, timeout=deadline - loop.time())
        if not scoring.done():
            log.warning("the reranker was not ready in %.3f s: the order stays as it is", self._deadline_s)
            return None
        return scoring.result()

    async def close(self) -> None:
        """Waits for the batch that runs."""
        await asyncio.to_thread(self._thread.shutdown)

    def _predict(self, query: str, texts: list[str]) -> list[float] | None:
        try:
            pairs = [(query, text) for text in texts]
            predicted = self._model.predict(pairs, batch_size=max(len(pairs), 1), show_progress_bar=False)
        except Exception:  # noqa: BLE001  whatever torch raises, the order that was found is still an answer
            log.warning("the reranker failed: the order stays as it is")
            return None
        scores = [float(score) for score in predicted]
        return scores if all(map(math.isfinite, scores)) else None


async def open_cross_encoder(model: str, *, deadline_s: float) -> CrossEncoderReranker:
    """Loads the model, a folder or an id, in a thread: the library alone takes some 15 s.

    Raises `ConfigurationError` where it cannot be had, or gives something else than one score for a pair.
    """
    return CrossEncoderReranker(await asyncio.to_thread(load, model), deadline_s)


def load(model: str) -> "CrossEncoder":
    """See `open_cross_encoder`."""
    # Imported where it is needed: it costs 15 s and 500 MB, and most services do without.
    from sentence_transformers import CrossEncoder

    try:
        loaded: CrossEncoder = CrossEncoder(model)
    except Exception as error:  # the libraries raise all kinds for a model that is missing, broken or not one
        raise ConfigurationError(
            f"`retrieval.rerank.model` {model} cannot be loaded: give the folder or the id of a cross-encoder."
        ) from error
    if loaded.num_labels != 1:
        raise ConfigurationError(
            f"`retrieval.rerank.model` {model} gives {loaded.num_labels} numbers for a pair: choose a model that "
            "gives one score."
        )
    return loaded
