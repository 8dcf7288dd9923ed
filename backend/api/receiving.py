"""The receiving side of a client's connection: a request has a time to arrive in, and its head a size; what is no
request is refused in our own form."""

import asyncio
import sys
from http import HTTPStatus
from typing import Any

from httptools import HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from backend.api.default_headers import DEFAULTS
from backend.api.error_handlers import render
from backend.errors import FootnoteError, InvalidRequest, Unauthenticated

# The address and all headers together. Four tokens of the longest kind have room in it.
MAX_HEAD_BYTES = 32 * 1024
# A client that is refused while it still sends would lose the answer if the connection were closed on unread bytes.
LINGER_S = 2.0
CREDENTIALS = (b"authorization", b"x-visitor-token")

MALFORMED = (400, InvalidRequest("This is not a request in HTTP/1.1."))
HEAD_TOO_LARGE = (431, InvalidRequest("The address and the headers are too large: at most 32 KiB of them are read."))
# Present and not valid, as no token is that long.
CREDENTIALS_TOO_LARGE = (401, Unauthenticated("These credentials are not valid here."))


class Refused(Exception):
    """Stops the parser in the middle of a request."""


class Receiving(HttpToolsProtocol):
    """The server's HTTP protocol, where one request is received at a time.

    A client that has not sent the whole of one after `receive_timeout_s` seconds is cut. What it sends while it is
    being answered is dropped, and the connection closed behind the answer: nobody is made to hold a queue for it.
    """

    def __init__(self, *arguments: Any, receive_timeout_s: float, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._receive_timeout_s = receive_timeout_s
        self._deadline: asyncio.TimerHandle | None = None
        self._whole = False  # the request that was begun last has arrived
        self._deaf = False  # what still comes is dropped
        self._received = b""  # last
        self._overhead = 0  # bytes of the request that are not its body: head, framing, trailers
        self._header = b""  # the one that a piece of the head ends in
        self._refusal: tuple[int, FootnoteError] = MALFORMED
        self._plain_head = b""  # of a request that would rather go on in another protocol, without that wish

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._lift_deadline()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._overhead += len(data)
        self._received = data
        super().data_received(data)
        if self._deaf or (self._whole and self._answering()):
            return
        # The parser hands out a header when all of it is there, and would gather an endless one.
        self._overhead = max(self._overhead, 0)
        last_line = data[data.rfind(b"\n") + 1 :]
        if len(last_line) < len(data):
            self._header = last_line.split(b":", 1)[0].lower()
        if self._overhead > MAX_HEAD_BYTES:
            self._refuse(*(CREDENTIALS_TOO_LARGE if self._header in CREDENTIALS else HEAD_TOO_LARGE))
        elif self._deadline is None:
            self._set_deadline()

    def on_message_begin(self) -> None:
        if self._answering():
            raise Refused
        self._lift_deadline()
        self._whole = False
        self._overhead = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MAX_HEAD_BYTES:
            credentials = sum(len(value) for name, value in self.headers if name in CREDENTIALS)
            self._refusal = HEAD_TOO_LARGE if size - credentials > MAX_HEAD_BYTES else CREDENTIALS_TOO_LARGE
            raise Refused
        if self.parser.should_upgrade() and any(name == b"upgrade" for name, _ in self.headers):
            self._plain_head = self._head_without_upgrade()
            return
        super().on_headers_complete()
        self.headers = []  # what comes behind the body is not taken for a header: it has passed no proxy's rules

    def on_body(self, body: bytes) -> None:
        self._overhead -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._plain_head:  # the parser knows of no body in such a request
            return
        self._whole = True
        self._lift_deadline()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Called where the parser has stopped."""
        self._refuse(*self._refusal)

    def _unsupported_upgrade_warning(self) -> None:
        """Called where the parser has stopped behind the head, as the client wants to go on in another protocol.

        None is spoken here: the request is read again without that wish, with its body, and answered as it is. (Java's
        client and curl --http2 ask for HTTP/2 so.)
        """
        stopped = sys.exception()
        if not self._plain_head or not isinstance(stopped, HttpParserUpgrade):  # CONNECT
            self._deaf = True
            self.cycle.keep_alive = False
            return
        head, self._plain_head = self._plain_head, b""
        self.parser = type(self.parser)(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
        super().data_received(head + self._received[stopped.args[0] :])

    def _head_without_upgrade(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def _refuse(self, status: int, error: FootnoteError) -> None:
        """Answers in place of the application, and drops what comes until the client has closed."""
        self._deaf = True
        if self._answering():
            self.cycle.keep_alive = False
            if self._whole:  # the refused one is the next
                return
            if self.cycle.response_started:
                self.transport.abort()
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._lift_deadline()
        response = render(error, status)
        head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()]
        head += [b"%b: %b" % header for header in (*response.raw_headers, *DEFAULTS, (b"connection", b"close"))]
        self.transport.write(b"\r\n".join([*head, b"", bytes(response.body)]))
        self.transport.write_eof()
        self._deadline = self.loop.call_later(LINGER_S, self.transport.abort)

    def _answering(self) -> bool:
        """Whether the application is at work for this client."""
        return self.cycle is not None and not self.cycle.response_complete

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(self._receive_timeout_s, self.transport.abort)

    def _lift_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
