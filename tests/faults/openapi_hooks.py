"""What schemathesis does with its requests: most are led to where there is something, and what came of each is noted.

Left to itself it names a creator, a site, credentials and a conversation that nobody knows in nearly every request, and
so hardly ever gets behind the first refusal.
"""

import json
import os
from typing import Any

import schemathesis

LOG = "SCHEMATHESIS_TEST_LOG"
CREDENTIALS = "SCHEMATHESIS_TEST_CREDENTIALS"  # sent as `Authorization`
KEPT = 8
WHO = ("x-footnote-site", "authorization", "x-visitor-token")

# What the last question has made: its conversation, run and visitor, and an answer in it.
latest: dict[str, str] = {}


def is_kept(value: object) -> bool:
    """Whether a value goes out as it was made: one in eight, always the same ones, so that a failure comes again."""
    return sum(str(value).encode(errors="replace")) % KEPT == 0


@schemathesis.hook
def before_load_schema(_context: Any, raw_schema: dict[str, Any]) -> None:
    """It finds out by the names what a `conversation_id` belongs to, and begins with questions only where it does."""
    named = json.dumps(raw_schema).replace("ConversationBody", "Conversation").replace("MessageBody", "Message")
    raw_schema.update(json.loads(named))


@schemathesis.hook
def before_call(_context: Any, case: Any, _arguments: Any) -> None:
    for name, value in list((case.headers or {}).items()):
        if name.lower() in WHO and not is_kept(value):
            del case.headers[name]
    if not any(name.lower() in WHO for name in case.headers):
        if CREDENTIALS in os.environ:
            case.headers["Authorization"] = os.environ[CREDENTIALS]
        elif "x-visitor-token" in latest:
            case.headers["X-Visitor-Token"] = latest["x-visitor-token"]
    case.path_parameters.update(
        {name: latest[name] for name, value in case.path_parameters.items() if name in latest and not is_kept(value)}
    )
    if case.operation.path == "/api/v1/chat" and isinstance(case.body, dict):
        known = {"creator": "dex-morrowby", "topic": None, "conversation_id": latest.get("conversation_id")}
        case.body.update(
            {name: known[name] for name, value in case.body.items() if name in known and not is_kept(value)}
        )


@schemathesis.hook
def after_call(_context: Any, case: Any, response: Any) -> None:
    label = case.operation.label
    with open(os.environ[LOG], "a") as log:
        log.write(f"{label} {response.status_code}\n")
    if not 200 <= response.status_code < 300:
        return
    if label.startswith("DELETE") and label.endswith(("conversations", "{conversation_id}")):
        latest.clear()
    if label == "GET /api/v1/conversations/{conversation_id}/messages":
        answers = [message["id"] for message in response.json()["items"] if message["role"] == "assistant"]
        latest.update({"message_id": answers[-1]} if answers else {})
    for header, name in (("x-conversation-id", "conversation_id"), ("x-run-id", "run_id"), 2 * ("x-visitor-token",)):
        if header in response.headers:
            latest[name] = response.headers[header][0]
