"""A real reranking endpoint on loopback, which answers, or misbehaves, as it is told."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from tests.model_server import QuietServer


@dataclass
class Endpoint:
    """Answers every request with `status` and `body`; `delay_s` before it begins, `endless` after it should end."""

    body: bytes | Callable[[dict[str, Any]], bytes] = b""
    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    delay_s: float = 0
    endless: bool = False
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    sent: int = 0

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        asked = b""
        while (message := await receive())["type"] == "http.request":
            asked += message["body"]
            if not message["more_body"]:
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.requests.append((scope["path"], headers, json.loads(asked)))
        await asyncio.sleep(self.delay_s)
        body = self.body if isinstance(self.body, bytes) else self.body(self.requests[-1][2])
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        while self.endless:
            self.sent += 65536
            await send({"type": "http.response.body", "body": b" " * 65536, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(endpoint: Endpoint) -> AsyncIterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        endpoint.app, lifespan="off", log_config=None, access_log=False, ws="none", interface="asgi3"
    )
    server = QuietServer(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1/rerank"
    finally:
        server.should_exit = server.force_exit = True
        await task


def as_results(scores: Sequence[float], name: str = "relevance_score") -> list[dict[str, Any]]:
    """Best first, as endpoints give them."""
    results = [{"index": index, name: score} for index, score in enumerate(scores)]
    return sorted(results, key=lambda result: -result[name])


def preferring(words: str) -> Endpoint:
    """One that likes texts the better the sooner they come to these words, and no others; it answers in the way of
    text-embeddings-inference."""

    def judged(asked: dict[str, Any]) -> bytes:
        found = [text.find(words) for text in asked["texts"]]
        return json.dumps(as_results([1 / (1 + at) if at >= 0 else 0 for at in found], "score")).encode()

    return Endpoint(judged)
