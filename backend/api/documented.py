"""What the OpenAPI document says of responses beside the models of their bodies: refusals, answers, where they lead."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from backend.api.schemas import ErrorBody

Responses = dict[int | str, dict[str, Any]]

REFUSALS: Responses = {status: {"model": ErrorBody} for status in (401, 403, 404, 409, 413, 422, 429, 500, 503)}


class Described(FastAPI):
    """An application whose OpenAPI document says how one signs in, too. A visitor need not."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        document = super().openapi()
        scheme = {"type": "http", "scheme": "bearer", "description": "A user's token (a JWT), or an API key."}
        document["components"]["securitySchemes"] = {"bearer": scheme}
        document["security"] = [{}, {"bearer": []}]
        return document


def operation_id(route: APIRoute) -> str:
    """The name of an operation, such as `conversations_rename`."""
    return f"{route.tags[0]}_{route.name}"


def leading_to(*operations: str, **parameters: str) -> dict[str, Any]:
    """Links from a response to what can be asked next. `parameters` say where in this exchange their values are; who
    asked, or the visitor that was made, goes on asking."""
    return {operation: {"operationId": operation, "parameters": parameters} for operation in operations}


STREAM = {
    "itemSchema": {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "event": {"enum": ["sources", "token", "reset", "tool", "done", "error"]},
            "data": {"type": "string", "contentMediaType": "application/json"},
        },
        "required": ["id", "event", "data"],
    }
}
RUN = {"run_id": "$response.header.X-Run-Id", "x-visitor-token": "$response.header.X-Visitor-Token"}
CONVERSATION = {
    "conversation_id": "$response.header.X-Conversation-Id",
    "x-visitor-token": "$response.header.X-Visitor-Token",
}

ANSWER: Responses = {
    200: {
        "description": "The answer as it is written, or at its end for a client that would rather have JSON.",
        "content": {
            "text/event-stream": STREAM,
            "application/json": {"schema": {"type": "object"}},
        },
        "headers": {
            name: {"schema": {"type": "string"}} for name in ("X-Run-Id", "X-Conversation-Id", "X-Visitor-Token")
        },
        "links": leading_to("chat_events", "chat_stop", **RUN)
        | leading_to(
            "conversations_read", "conversations_rename", "conversations_messages", "conversations_export",
            "conversations_delete", **CONVERSATION,
        ),
    }
}  # fmt: skip

FRAMES: Responses = {
    200: {
        "description": "The frames of the run behind the one that the client has, and then the run live.",
        "content": {"text/event-stream": STREAM},
    },
    204: {"description": "The client has all frames."},
}

MESSAGES: Responses = {
    200: {
        "links": leading_to(
            "answers_rate", "answers_take_back", "answers_regenerate",
            conversation_id="$request.path.conversation_id", message_id="$response.body#/items/1/id",
        )
    }
}  # fmt: skip
