"""Refuses large bodies, whether they say their length or come in pieces."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.error_handlers import FRAMEWORK, render


class BodyLimit:
    """A body over `limit` bytes is a 413 in our own form. (FastAPI's own limit answers in plain text.)"""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._limit:
            await render(FRAMEWORK[413])(scope, receive, send)
        elif "transfer-encoding" in headers:
            await self._app(scope, *self._counting(receive, send))
        else:  # the server passes on no byte more than the length that is said
            await self._app(scope, receive, send)

    def _counting(self, receive: Receive, send: Send) -> tuple[Receive, Send]:
        """Once the response has begun nobody reads the body any more, only whether the client is there."""
        size = 0
        begun = False

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._limit and not begun:
                raise HTTPException(413)
            return message

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        return counted, noted
