"""The service as tests use it: the real application behind uvicorn on a free port, and a client that reads streams."""

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import uvicorn

from backend.app import create_app
from backend.serve import connections
from backend.settings import Settings
from backend.settings_access import SiteSettings
from tests.model_server import QuietServer
from tests.sse import Dispatched, Reader, check_stream, text_of

QUESTION = "How loud should my master be?"
PATIENCE_S = 10.0  # longer than a service has it with comparing sentences: what is said must not depend on the load


@dataclass
class Answer:
    """A stream as it was read: whole, or as far as the reader stayed."""

    response: httpx.Response
    events: list[Dispatched] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    raw: bytes = b""

    @property
    def run_id(self) -> str:
        return self.response.headers["x-run-id"]

    @property
    def conversation_id(self) -> str:
        return self.response.headers["x-conversation-id"]

    @property
    def sources(self) -> list[dict[str, Any]]:
        return self.events[0].json

    @property
    def text(self) -> str:
        return text_of(self.events)

    @property
    def last(self) -> Dispatched:
        return self.events[-1]

    def checked(self) -> Self:
        check_stream(self.events)
        return self


class Visitor:
    """One visitor of one service: keeps the token as a widget does."""

    def __init__(self, base_url: str, token: str | None = None) -> None:
        # It is plain HTTP; reading all certificates would take 50 ms for each visitor.
        self.http = httpx.AsyncClient(base_url=base_url, timeout=30, verify=False)
        self.token = token

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.http.aclose()

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Visitor-Token": self.token} if self.token else {}

    async def ask(
        self, query: str = QUESTION, *, stop_after: int | None = None, key: str | None = None, **fields: Any
    ) -> Answer:
        """Asks and reads to the end, or until `stop_after` events have come."""
        headers = self.headers | ({"Idempotency-Key": key} if key else {})
        request = self.http.stream("POST", "/api/v1/chat", json={"query": query, **fields}, headers=headers)
        return await self._read(request, stop_after)

    async def follow(
        self,
        run_id: str,
        after: int | None = None,
        *,
        stop_after: int | None = None,
        there: asyncio.Event | None = None,
    ) -> Answer:
        """Comes back to a run; `there` is set once it is answered."""
        headers = self.headers | ({"Last-Event-ID": str(after)} if after is not None else {})
        request = self.http.stream("GET", f"/api/v1/chat/runs/{run_id}/events", headers=headers)
        return await self._read(request, stop_after, there)

    async def _read(self, request: Any, stop_after: int | None, there: asyncio.Event | None = None) -> Answer:
        reader = Reader()
        async with request as response:
            if there is not None:
                there.set()
            self.token = response.headers.get("x-visitor-token", self.token)
            answer = Answer(response)
            if response.status_code != 200:
                await response.aread()
                return answer
            async for chunk in response.aiter_raw():
                answer.raw += chunk
                answer.events += reader.feed(chunk)
                if stop_after is not None and len(answer.events) >= stop_after:
                    break
        answer.comments = reader.comments
        return answer

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(path, headers=self.headers)

    async def post(self, path: str, body: Any = None) -> httpx.Response:
        content = None if body is None else json.dumps(body)
        headers = self.headers | {"Content-Type": "application/json"}
        return await self.http.post(path, content=content, headers=headers)

    async def messages(self, conversation_id: str) -> list[dict[str, Any]]:
        return (await self.get(f"/api/v1/conversations/{conversation_id}/messages")).json()["items"]


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[str]:
    """The application, answering at the address that is given; ended as by a signal."""
    listening = socket.create_server(("127.0.0.1", 0))
    # asyncio does this only for sockets that name their protocol; without it each first piece waits some 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    how = connections(settings.server) | {"timeout_graceful_shutdown": 3}
    config = uvicorn.Config(create_app(settings), lifespan="on", log_config=None, **how)
    server = QuietServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        if serving.done():
            serving.result()
            raise RuntimeError("the service did not start")
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


def with_section(settings: Settings, section: str, **values: object) -> Settings:
    """The same settings with some values of one section changed."""
    changed = getattr(settings, section).model_copy(update=values)
    return settings.model_copy(update={section: changed})


def quiet_port() -> int:
    """A port that nobody has now and that no connection is given by itself: those begin at 32768."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


SITE_PORT = quiet_port()  # chosen before the service starts, which has to know the origin of its site


def with_site(settings: Settings) -> Settings:
    """The same settings with the site `blog`, whose pages come from `SITE_PORT`."""
    blog = SiteSettings(origins=(f"http://127.0.0.1:{SITE_PORT}",))
    return settings.model_copy(update={"sites": settings.sites | {"blog": blog}})


def with_model(settings: Settings, base_url: str) -> Settings:
    """The same settings with the tier `fast` asking this model server."""
    fast = settings.tiers["fast"].model_copy(update={"base_url": base_url, "model": "test"})
    return settings.model_copy(update={"tiers": {**settings.tiers, "fast": fast}})


SHARED = Path(__file__).parent.parent.parent / "shared"
