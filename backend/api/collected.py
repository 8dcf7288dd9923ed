"""An answer as one JSON document, for clients that do not read streams."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from backend.api.error_handlers import refusal
from backend.api.sse import while_connected
from backend.chat.events import KEEPALIVE, Gathered, split_frames
from backend.errors import status_of


class CollectedAnswer(Response):
    """Reads a run to its end and tells it in one piece. Who leaves before that counts as a reader who left."""

    def __init__(self, frames: AsyncGenerator[bytes, None], headers: Mapping[str, str]) -> None:
        super().__init__(headers=headers)
        self._frames = frames
        self._told_headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await while_connected(receive, self._tell(scope, receive, send))

    async def _tell(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._frames) as pieces:
            response = await collected(pieces)
        response.headers.update({"Cache-Control": "no-store", **self._told_headers})
        await response(scope, receive, send)


async def collected(pieces: AsyncGenerator[bytes, None]) -> JSONResponse:
    """The whole answer: its text, its sources, and what `done` says; where the run failed, its error with a status."""
    gathered = Gathered()
    async for piece in pieces:
        for frame in split_frames(piece):
            if frame != KEEPALIVE:
                gathered.add(frame)
    if "code" in gathered.terminal:
        return failed(gathered.terminal)
    return JSONResponse({"answer": gathered.text, "sources": gathered.sources, **gathered.terminal})


def failed(terminal: dict[str, Any]) -> JSONResponse:
    """The data of an `error` frame in the form of a refusal."""
    body = {"error": terminal["message"], **{name: value for name, value in terminal.items() if name != "message"}}
    return refusal(body, status_of(terminal["code"]), {})
