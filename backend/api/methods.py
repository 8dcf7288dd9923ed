"""Which methods an address of the API takes, and `HEAD` wherever `GET` is."""

from fastapi.routing import RouteContext, iter_route_contexts
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.accept import EVENTS


def methods_at(scope: Scope) -> list[str]:
    """The methods that the address of a request takes; none where nothing of the API is there."""
    found: set[str] = set()
    for route in iter_route_contexts(scope["app"].routes):
        if route.methods and route.path_regex.match(scope["path"]):
            found |= route.methods
            if "GET" in route.methods and not is_stream(route):
                found.add("HEAD")
    return sorted(found)


def is_stream(route: RouteContext) -> bool:
    """Whether a route answers with events: these have no end that could be told beforehand."""
    answer = (getattr(route, "responses", None) or {}).get(200, {})
    return EVENTS in answer.get("content", {})


class HeadAsGet:
    """Answers `HEAD` as `GET` is answered, without the body: monitors and link checkers ask so whether it is there.

    The framework knows no `HEAD` of its own, and naming it at each route would list every operation twice.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        if scope["type"] == "http" and scope["method"] == "HEAD" and "HEAD" in methods_at(scope):
            await self._app({**scope, "method": "GET"}, receive, without_body)
        else:
            await self._app(scope, receive, send)
