"""Every error that may reach a client or a curator: its code, its HTTP status, and whether a retry helps."""

from collections.abc import Mapping


class FootnoteError(Exception):
    """Base of all expected errors.

    `message` is one sentence for the person who caused it: it never holds
    another exception's text, a URL or a key.
    """

    code = "internal"
    status = 500
    retryable = False

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


class Unauthenticated(FootnoteError):
    """Credentials were presented and are not valid."""

    code = "unauthenticated"
    status = 401


class Forbidden(FootnoteError):
    """The caller is known and may not do this."""

    code = "forbidden"
    status = 403


class NotFound(FootnoteError):
    """Missing, deleted, or someone else's: the three look the same."""

    code = "not_found"
    status = 404


class ConversationBusy(FootnoteError):
    """Another run is still answering in this conversation."""

    code = "conversation_busy"
    status = 409
    retryable = True


class BodyTooLarge(FootnoteError):
    """The request body is over the cap."""

    code = "body_too_large"
    status = 413


class InvalidRequest(FootnoteError):
    """The request can never succeed as it is."""

    code = "invalid_request"
    status = 422


class RateLimited(FootnoteError):
    """Too many requests; `retry_after` says when to come back."""

    code = "rate_limited"
    status = 429
    retryable = True

    def __init__(self, message: str, *, retry_after: int, headers: Mapping[str, str]) -> None:
        """`headers` say which limit it is."""
        super().__init__(message, retry_after=retry_after)
        self.headers = headers


class Unavailable(FootnoteError):
    """Something that the service depends on is away."""

    code = "unavailable"
    status = 503
    retryable = True


INTERNAL_SENTENCE = "Something went wrong on our side; try again shortly."


class InternalError(FootnoteError):
    """A fault of ours."""

    retryable = True


class Interrupted(FootnoteError):
    """A run was cut off because its worker died."""

    code = "interrupted"
    status = 503
    retryable = True

    def __init__(self) -> None:
        super().__init__("The answer was interrupted. Ask again to get a new one.")


class ConfigurationError(FootnoteError):
    """A setting, file or machine is not fit to start with; the message says which and what to do."""

    code = "configuration"


class ContentError(FootnoteError):
    """A document cannot be ingested; the message is the reason a curator reads."""

    code = "content"


def status_of(code: str) -> int:
    """The HTTP status of an error of which only the code is known."""
    kinds = {kind.code: kind for kind in FootnoteError.__subclasses__()}
    return kinds.get(code, FootnoteError).status
