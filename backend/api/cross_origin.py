"""What browsers are told before and after pages of the sites ask across origins."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from backend.access.sites import SITE_HEADER
from backend.api.error_handlers import render
from backend.errors import Forbidden
from backend.limits.headers import RATE_LIMIT_HEADERS

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
SENT = ("Authorization", "Content-Type", "X-Visitor-Token", "Idempotency-Key", "Last-Event-ID", SITE_HEADER)
READ = ("X-Run-Id", "X-Conversation-Id", "X-Visitor-Token", "Retry-After", "Content-Disposition", *RATE_LIMIT_HEADERS)

NOT_SO = Forbidden("A page of this origin may not send such a request.")


class CrossOrigin(CORSMiddleware):
    """Lets pages of these origins ask. A browser that asks beforehand for what may not be is refused in our form."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app, allow_origins=origins, allow_methods=METHODS, allow_headers=SENT, expose_headers=READ, max_age=3600
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        told = super().preflight_response(request_headers)
        if told.status_code == 200:
            return told
        refused = render(NOT_SO)
        refused.headers.update({name: value for name, value in told.headers.items() if name not in refused.headers})
        return refused
