"""One endpoint that answers questions with a stream, asked by aiohttp, whose parser is in C."""

import json
from collections.abc import AsyncGenerator, Mapping
from types import SimpleNamespace
from typing import Literal

import aiohttp
import httpx2

from backend.llm.responses import blame_for, could_be_events, is_packed, wait_asked_for
from backend.llm.tier import TierFailure

CONNECTIONS = 1000
# So long a connection waits for the next question: to open one costs three round trips with TLS, and who talks asks
# once a minute. Clouds forget silent ones after four minutes at the least; what the upstream closes costs nothing.
KEPT_S = 60.0
READ_AHEAD_BYTES = 1 << 16  # twice as many wait at most for who reads slowly
WITH_CONTENT = range(200, 204)
# A compressor between us and a model would hold pieces back, and its bytes are never unpacked here.
HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "Footnote"}


class Upstream:
    """One address with one pool of connections, which keeps no cookies: they would carry what is one visitor's into the
    question of another. Whoever reads an answer sets the deadlines, but for the one of connecting.

    `headers` go with every request. No more than `max_response_bytes` of an answer are given on.
    """

    def __init__(self, url: str, headers: dict[str, str], *, connect_timeout_s: float, max_response_bytes: int) -> None:
        self._url = url
        self._headers = HEADERS | headers
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout_s)
        self._max_response_bytes = max_response_bytes
        self._session: aiohttp.ClientSession | None = None

    async def stream(self, request: Mapping[str, object]) -> AsyncGenerator[bytes, None]:
        """The events of the answer to one request, which goes out as JSON, as they arrive, cut anywhere. Closing this
        generator closes the connection, unless the answer was read to its end.

        Raises `TierFailure`, without the upstream's text. An error's body is never read: nothing in it may reach a
        client or a log, and it may have no end. A redirection is refused too: prompts and keys go where the settings
        say and nowhere else.
        """
        # As UTF-8: escaped, most scripts take two or three times as much, and some servers refuse more than 100 kB.
        body = json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
        outcome: Literal["unreachable", "broken_stream"] = "unreachable"
        try:
            response = await self._ask(body)
            try:
                outcome = "broken_stream"
                refuse_unread(response)
                received = 0
                while piece := await response.content.readany():
                    received += len(piece)
                    if received > self._max_response_bytes:
                        raise TierFailure("broken_stream")
                    yield piece
            finally:
                response.release()
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError):
            # A bare RuntimeError says that the connection is gone, or was closed here, where it is noticed by chance.
            # Not `from error`: its text may quote the upstream, and a traceback would carry it into the log.
            raise TierFailure(outcome) from None

    async def close(self) -> None:
        """Closes the connections that are kept open for the next question."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, body: bytes) -> aiohttp.ClientResponse:
        """The response as soon as its head is there. An upstream may close a connection that was kept just as a request
        goes out on it. It has not answered that one and has hardly seen it, so it is sent again, at the latest on a new
        connection."""
        session = self._session = self._session or self._opened()  # not before there is a loop
        while True:
            connection = SimpleNamespace(was_kept=False)
            try:
                return await session.post(self._url, data=body, allow_redirects=False, trace_request_ctx=connection)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if not connection.was_kept:
                    raise

    def _opened(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS,
                keepalive_timeout=KEPT_S,
                # 5 MB that a model in the same network does not need.
                ssl=httpx2.create_ssl_context() if self._url.startswith("https:") else True,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers=self._headers,
            read_bufsize=READ_AHEAD_BYTES,
            timeout=self._timeout,
            trace_configs=[telling_kept_connections()],
        )


def refuse_unread(response: aiohttp.ClientResponse) -> None:
    """Raises `TierFailure` for what is no stream of events, by its head alone."""
    if response.status not in WITH_CONTENT:
        wait_s = wait_asked_for(response.headers.get("Retry-After", ""))
        raise TierFailure("refused", blame=blame_for(response.status), retry_after_s=wait_s)
    kind, packing = (response.headers.get(f"Content-{name}", "") for name in ("Type", "Encoding"))
    if not could_be_events(kind) or is_packed(packing):
        raise TierFailure("broken_stream")


def telling_kept_connections() -> aiohttp.TraceConfig:
    """Sets `was_kept` of a request's context where it goes out on a connection that others were sent on before."""

    async def tell(
        _session: aiohttp.ClientSession, trace: SimpleNamespace, _of: aiohttp.TraceConnectionReuseconnParams
    ) -> None:
        trace.trace_request_ctx.was_kept = True

    config = aiohttp.TraceConfig()
    config.on_connection_reuseconn.append(tell)
    return config
