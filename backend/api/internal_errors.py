"""Faults of ours as responses."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.error_handlers import render
from backend.errors import INTERNAL_SENTENCE, InternalError


class InternalErrors:
    """Answers an unexpected exception with a 500 in our own form, and raises it again for the server's log.

    It stands inside of what lets pages of other origins read a response. The framework's own handler stands outside and
    is left for faults of that.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception:
            if scope["type"] == "http" and not started:
                await render(InternalError(INTERNAL_SENTENCE))(scope, receive, send)
            raise
