"""Reranks with an HTTP endpoint, in the two dialects that there are."""

import asyncio
import logging
import math
from collections.abc import Sequence
from typing import Any

import httpx2
from pydantic_core import from_json

log = logging.getLogger(__name__)

MAX_RESPONSE_BYTES = 1 << 20  # some endpoints send every text back; 30 passages are less than a tenth of this
CHUNKS_AT_ONCE = 64  # chunks that came together are handed out without a pause, however many and small they are


class RerankEndpoint:
    """See `Reranker`. The address is asked as it is given.

    With a `model` the request is `{model, query, documents}`, as Jina, Cohere and vLLM have it, without one `{query,
    texts, truncate}`, as text-embeddings-inference has it (llama.cpp takes both). Either kind of answer is read.
    """

    def __init__(self, url: str, *, model: str | None, api_key: str | None, deadline_s: float) -> None:
        self._url = url
        self._model = model
        self._deadline_s = deadline_s
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {api_key}"} if api_key else {})
        # Our deadline covers connecting, sending and every read. A redirect could lead a key away.
        self._client = httpx2.AsyncClient(headers=headers, timeout=None, follow_redirects=False)

    async def scores(self, query: str, texts: Sequence[str]) -> list[float] | None:
        if not texts:
            return []
        try:
            async with asyncio.timeout(self._deadline_s):
                body = await self._ask(query, texts)
        except TimeoutError:
            log.warning("the reranker was not ready in %.3f s: the order stays as it is", self._deadline_s)
            return None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError):
            # Its text may quote the address, which may hold a password.
            body = None
        scores = None if body is None else read_scores(body, len(texts))
        if scores is None:
            log.warning("the reranker failed: the order stays as it is")
        return scores

    async def close(self) -> None:
        """Closes the connections that are kept open for the next question."""
        await self._client.aclose()

    async def _ask(self, query: str, texts: Sequence[str]) -> bytes | None:
        """The body of the answer; None where it is a refusal or too large."""
        if self._model is not None:
            request: dict[str, Any] = {"model": self._model, "query": query, "documents": list(texts)}
        else:
            request = {"query": query, "texts": list(texts), "truncate": True}
        body, chunks = bytearray(), 0
        async with self._client.stream("POST", self._url, json=request) as response:
            if response.status_code != httpx2.codes.OK:
                return None
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_RESPONSE_BYTES:
                    return None
                chunks += 1
                if chunks % CHUNKS_AT_ONCE == 0:
                    await asyncio.sleep(0)
        return bytes(body)


def read_scores(body: bytes, count: int) -> list[float] | None:
    """The scores of `count` texts in their order: from `[{index, score}]` or `{results: [{index, relevance_score}]}`.

    None where the body is anything else: each text must have one finite score.
    """
    try:
        answer = from_json(body)
        results = answer["results"] if isinstance(answer, dict) else answer
        scores = {place(result): score(result) for result in results}
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None
    if len(results) != count or scores.keys() != set(range(count)):
        return None
    ordered = [scores[index] for index in range(count)]
    return ordered if all(map(math.isfinite, ordered)) else None


def place(result: dict[str, Any]) -> int:
    """Which text a result is about. Raises `TypeError` where it is not a number."""
    index = result["index"]
    if type(index) is not int:
        raise TypeError
    return index


def score(result: dict[str, Any]) -> float:
    """What a result gives its text. Raises `TypeError` or `ArithmeticError` where it is not a number of this world."""
    value = result["relevance_score"] if "relevance_score" in result else result["score"]
    if type(value) not in (int, float):
        raise TypeError
    return float(value)
