"""Renders every refusal as PROTOCOL says. Nothing of an exception's own text leaves the process."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from backend.api.methods import methods_at
from backend.errors import (
    INTERNAL_SENTENCE,
    BodyTooLarge,
    FootnoteError,
    InternalError,
    InvalidRequest,
    NotFound,
    RateLimited,
    Unauthenticated,
)

FIELD_LENGTH = 60  # an unknown field is repeated, and may be of any length
RETRY_AFTER_S = 2  # what is away is away for a moment, as far as anybody knows

# What the framework refuses by itself, in our words.
FRAMEWORK = {
    400: InvalidRequest("The body is not valid JSON in UTF-8."),
    404: NotFound("There is nothing at this address."),
    405: InvalidRequest("This address does not take this method."),
    413: BodyTooLarge("The request body is too large: at most 64 KiB are read."),
}

# What holds for a value, by the name that the validation has for a breach of it: its own sentences are for programmers.
RULES = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "finite_number": "must be a number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than_equal": "must be at least {ge:g}",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
    "model_attributes_type": "must be an object",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must not be empty",
    "string_type": "must be text",
    "too_long": "must have at most {max_length} characters",
    "too_short": "must not be empty",
    "uuid_parsing": "must be a UUID",
    "uuid_type": "must be a UUID",
}


def install_error_handlers(app: FastAPI) -> None:
    """Registers the handlers."""

    @app.exception_handler(FootnoteError)
    async def expected(_request: Request, error: FootnoteError) -> JSONResponse:
        return render(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        if isinstance(error.body, bytes):  # it was not read as JSON
            return render(InvalidRequest("Send the body as JSON, with the `Content-Type` `application/json`."))
        return render(InvalidRequest(sentence_for(error)))

    @app.exception_handler(HTTPException)
    async def routing(request: Request, error: HTTPException) -> JSONResponse:
        known = FRAMEWORK.get(error.status_code)
        if known is None:
            known = InvalidRequest("The request cannot be answered.")
        response = render(known, status=known.status if error.status_code == 400 else error.status_code)
        response.headers.update(error.headers or {})
        if error.status_code == 405 and (methods := methods_at(request.scope)):
            response.headers["Allow"] = ", ".join(methods)  # the framework names those of one route alone
        return response

    @app.exception_handler(Exception)
    async def unexpected(_request: Request, _error: Exception) -> JSONResponse:
        # The server logs it, as its stack alone.
        return render(InternalError(INTERNAL_SENTENCE))


def render(error: FootnoteError, status: int | None = None) -> JSONResponse:
    """The response of an error."""
    body: dict[str, object] = {"error": error.message, "code": error.code}
    headers = dict(error.headers) if isinstance(error, RateLimited) else {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"  # which RFC 9110 wants of every 401
    if error.retry_after is not None:
        body["retry_after"] = error.retry_after
    return refusal(body, status or error.status, headers)


def refusal(body: dict[str, object], status: int, headers: Mapping[str, str]) -> JSONResponse:
    """A refusal with this body, and the header that goes with its `retry_after`. Every 503 has one, also where nobody
    could say when to come back."""
    if status == 503:
        body = {**body, "retry_after": body.get("retry_after", RETRY_AFTER_S)}
    told = {"Retry-After": str(body["retry_after"])} if "retry_after" in body else {}
    return JSONResponse(body, status_code=status, headers={**headers, **told})


def sentence_for(error: RequestValidationError) -> str:
    """The first problem, naming the field and never repeating the value."""
    problem = error.errors()[0]
    if problem["type"] == "json_invalid":
        return "The body is not valid JSON."
    field = ".".join(str(part) for part in problem["loc"][1:])[:FIELD_LENGTH]
    name = f"`{field}`" if field else "The body"
    if problem["type"] == "extra_forbidden":
        return f"{name} is not a known field."
    if problem["type"] == "missing":
        return f"{name} is missing."
    if (rule := RULES.get(problem["type"])) is not None:
        return f"{name} {rule.format(**problem.get('ctx', {}))}."
    message = problem["msg"].removeprefix("Value error, ")
    return f"{name}: {message[:1].lower()}{message[1:]}."
