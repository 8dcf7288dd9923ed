"""Refuses large bodies, whether they say their length or come in pieces."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Reading a body over `limit` bytes is a 413 in our own form. (FastAPI's own limit answers in plain text.)"""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        size = int(declared) if declared.isdecimal() else 0

        async def counted() -> Message:
            nonlocal size
            if size > self._limit:
                raise HTTPException(413)
            message = await receive()
            if not declared and message["type"] == "http.request":
                size += len(message.get("body", b""))
                if size > self._limit:
                    raise HTTPException(413)
            return message

        await self._app(scope, counted, send)
