"""A web site on loopback, for what fetches."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from backend.errors import ContentError
from pipeline.fetch import Fetcher, Limits
from pipeline.public_network import Address, is_public

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def is_public_or_loopback(address: Address) -> bool:
    """What a fetcher may connect to in tests with a site on this machine."""
    return address == ip_address("127.0.0.1") or is_public(address)


async def to_loopback(host: str, port: int) -> Sequence[str]:
    """Resolves every name to this machine."""
    return ["127.0.0.1"]


@dataclass
class Site:
    """Answers with what `pages` holds for a path (with its query): a text, bytes, or a handler."""

    pages: dict[str, str | bytes | Handler] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    requests: list[web.Request] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._server = TestServer(app, host="127.0.0.1")
        await self._server.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.close()

    @property
    def port(self) -> int:
        assert self._server.port is not None
        return self._server.port

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [request.path_qs for request in self.requests]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        page = self.pages.get(request.path_qs)
        if page is None:
            raise web.HTTPNotFound
        if callable(page):
            return await page(request)
        content = page.encode() if isinstance(page, str) else page
        return web.Response(body=content, headers={"Content-Type": self.types.get(request.path_qs, "text/html")})


def redirect(location: str, status: int = 302) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": location})

    return handler


def status(code: int, **headers: str) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return handler


def endless(piece: bytes, pause_s: float = 0.0, **headers: str) -> Handler:
    """A page that never stops."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html"} | headers)
        await response.prepare(request)
        try:
            while True:
                await response.write(piece)
                await asyncio.sleep(pause_s)
        except ConnectionError:
            return response

    return handler


LIMITS = Limits(size=100_000, retry_after_s=1.0)


async def reason(fetcher: Fetcher, url: str, path: Path) -> ContentError:
    with pytest.raises(ContentError) as caught:
        await fetcher.fetch(url, path)
    assert path not in list(path.parent.glob("*"))
    return caught.value
