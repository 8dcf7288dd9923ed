"""What every response tells the browser that reads it, unless it says something else itself."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

DEFAULTS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


class DefaultHeaders:
    """Takes a response for what it says it is, tells nobody where the reader came from, and keeps no copy."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                said = {name for name, _ in headers}
                message["headers"] = [*headers, *(default for default in DEFAULTS if default[0] not in said)]
            await send(message)

        await self._app(scope, receive, completed)
