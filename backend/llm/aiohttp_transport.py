"""Requests of an httpx2 client made by aiohttp, whose parser is in C: the default one takes a third of a token's cost.

The openai client brings such a transport too. That one keeps cookies, which would carry what is one visitor's into the
question of another, and breaks at a reason phrase that is no UTF-8, with the connection left open.
"""

from collections.abc import AsyncIterator
from types import SimpleNamespace

import aiohttp
import httpx2

PIECE_BYTES = 1 << 16
CONNECTIONS = 1000
# So long a connection waits for the next question: to open one costs three round trips with TLS, and who talks asks
# once a minute. Clouds forget silent ones after four minutes at the least; what the upstream closes costs nothing.
KEPT_S = 60.0


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """One pool of connections; whoever reads a response sets the deadlines, but for the one of connecting."""

    def __init__(self, connect_timeout_s: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The response as soon as its head is there. Raises `httpx2.TransportError` without the upstream's text."""
        if self._session is None:  # not before there is a loop
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=CONNECTIONS,
                    keepalive_timeout=KEPT_S,
                    # 5 MB that a model in the same network does not need.
                    ssl=httpx2.create_ssl_context() if request.url.scheme == "https" else True,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=self._timeout,
                trace_configs=[telling_kept_connections()],
            )
        try:
            response = await self._ask(self._session, request, await request.aread())
        except (aiohttp.ClientError, OSError, ValueError):
            raise httpx2.ConnectError("The upstream did not answer.") from None
        return httpx2.Response(
            response.status, headers=response.raw_headers, stream=AiohttpBody(response), request=request
        )

    async def _ask(
        self, session: aiohttp.ClientSession, request: httpx2.Request, body: bytes
    ) -> aiohttp.ClientResponse:
        """The response. An upstream may close a connection that was kept just as a request goes out on it. It has not
        answered that one and has hardly seen it, so it is sent again, at the latest on a new connection."""
        while True:
            connection = SimpleNamespace(was_kept=False)
            try:
                return await session.request(
                    request.method,
                    str(request.url),
                    headers=request.headers,
                    data=body or None,
                    allow_redirects=False,
                    trace_request_ctx=connection,
                )
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if not connection.was_kept:
                    raise

    async def aclose(self) -> None:
        """Closes every connection."""
        if self._session is not None:
            await self._session.close()


def telling_kept_connections() -> aiohttp.TraceConfig:
    """Sets `was_kept` of a request's context where it goes out on a connection that others were sent on before."""

    async def tell(
        _session: aiohttp.ClientSession, trace: SimpleNamespace, _of: aiohttp.TraceConnectionReuseconnParams
    ) -> None:
        trace.trace_request_ctx.was_kept = True

    config = aiohttp.TraceConfig()
    config.on_connection_reuseconn.append(tell)
    return config


class AiohttpBody(httpx2.AsyncByteStream):
    """The body of a response as it comes. Closed before its end, it closes the connection."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._response.content.iter_chunked(PIECE_BYTES):
                yield piece
        except (aiohttp.ClientError, OSError, ValueError):
            raise httpx2.ReadError("The upstream broke off.") from None

    async def aclose(self) -> None:
        """Gives the connection back where the body was read to its end, and closes it elsewhere."""
        self._response.release()
