"""The least that an answer can be: the same embedding and index query, then the model's bytes relayed, nothing stored.

`python -m tests.bare_answer MODEL_BASE_URL DATA_DIR PORT`; the floor of `make bench-stream`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn

from backend import settings as configuration
from backend.knowledge.embedder import Embedder, QueryEmbedder
from backend.knowledge.export import ensure_exported
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.models import Scope
from backend.knowledge.opening import open_index


class BareAnswer:
    """Finds passages for every question and streams what the model says to them."""

    def __init__(self, base_url: str, data_dir: Path) -> None:
        settings = configuration.load(data_dir=data_dir)
        self._url = f"{base_url}/chat/completions"
        self._embedder = Embedder.load(ensure_exported(settings))
        self._queries = QueryEmbedder(self._embedder)
        self._lexical = LexicalEncoder()
        self._index = open_index(settings)
        self._candidates = settings.retrieval.candidates
        self._sources = settings.retrieval.sources
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message.get("more_body"):
                break
        query = json.loads(body)["query"]
        dense = (await self._queries.embed(query)).tolist()
        model = self._embedder.model
        found = await self._index.search(model, dense, self._lexical.query(query), Scope(), self._candidates)
        passages = "\n\n".join(hit.chunk.text for hit in found.dense[: self._sources])
        if self._session is None:
            # A model is asked as often at once as there are readers.
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        prompt = {"model": "bench", "stream": True, "messages": [{"role": "user", "content": f"{passages}\n\n{query}"}]}
        async with self._session.post(self._url, json=prompt) as response:
            headers = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            async for chunk in response.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


if __name__ == "__main__":
    uvicorn.run(
        BareAnswer(sys.argv[1], Path(sys.argv[2])),
        port=int(sys.argv[3]), lifespan="off", loop="uvloop", access_log=False, log_level="error",
    )  # fmt: skip
