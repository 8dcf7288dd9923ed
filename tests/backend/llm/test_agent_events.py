"""What is kept of the events of a bridge, and what never is."""

import json
from typing import Any

import pytest

from backend.llm.agent_stream import AgentStream
from backend.llm.kept_events import MAX_BYTES
from backend.llm.tier import TierFailure
from tests.agent_server import AgentServer, event
from tests.backend.llm.bridge import read, tier_of
from tests.model_server import CANARY


async def test_the_events_of_an_answer_are_kept_with_its_pieces_joined() -> None:
    async with AgentServer("one two three", failing="events_of_others") as server, tier_of(server) as tier:
        _, kept = await read(tier)
        names = list(server.sessions)
    assert [json.loads(line) for line in kept.splitlines()] == [
        {"type": "session_id", "value": names[0]},
        {"type": "text_delta", "text": "one two"},
        {"type": "tool_use", "name": "search"},
        {"type": "text_delta", "text": " three"},
        {"type": "done", "text": "one two three"},
    ]


@pytest.mark.parametrize(
    ("fields", "is_kept_as"),
    [
        ({"type": "session_id", "value": "s", "error": CANARY}, {"type": "session_id", "value": "s"}),
        ({"type": "session_id", "value": f"{CANARY}\n"}, {"type": "session_id", "value": None}),
        ({"type": "text_delta", "text": "one", "error": CANARY}, {"type": "text_delta", "text": "one"}),
        ({"type": "done", "text": "one", "error": None, "detail": CANARY}, {"type": "done", "text": "one"}),
        ({"type": "done", "text": {"error": CANARY}}, {"type": "done"}),
        ({"type": "tool_result", "is_error": True, "message": CANARY}, None),
        ({"type": "tool_result", "error": {"message": CANARY}}, None),
        ({"type": "tool_error", "name": "search"}, None),
        ({"type": f"key {CANARY} refused"}, None),
        (
            {"type": "tool_result", "name": "search", "status": "failed", "content": CANARY, "is_error": False},
            {"type": "tool_result", "name": "search", "status": "failed"},
        ),
        ({"type": "tool_result", "name": [CANARY], "status": f"key {CANARY} refused"}, {"type": "tool_result"}),
        ({"type": "tool_result", "name": CANARY * 20}, {"type": "tool_result"}),
    ],
)
def test_nothing_is_kept_that_may_quote_an_error(fields: dict[str, Any], is_kept_as: dict[str, Any] | None) -> None:
    stream = AgentStream(max_line_bytes=1 << 20)
    stream.feed(event(**fields))
    kept = stream.kept.text()
    assert CANARY not in kept
    assert [json.loads(line) for line in kept.splitlines()] == ([is_kept_as] if is_kept_as else [])


@pytest.mark.parametrize("error", [{"error": CANARY}, {"error": {"message": CANARY}}, {"is_error": True}])
def test_an_end_that_tells_of_an_error_is_no_answer_and_what_came_before_is_delivered(error: dict[str, Any]) -> None:
    failed = event(type="done", text=CANARY, **error)
    with pytest.raises(TierFailure, match="refused"):
        AgentStream(max_line_bytes=1 << 20).feed(failed)
    stream = AgentStream(max_line_bytes=1 << 20)
    assert stream.feed(event(type="text_delta", text="one") + failed) == "one"
    assert stream.failure is not None
    assert stream.failure.outcome == "refused"
    assert not stream.done
    assert CANARY not in stream.kept.text()


@pytest.mark.parametrize(("letters", "is_kept"), [(50_000, True), (100_000, False)])
async def test_more_events_than_there_is_room_for_are_cut(letters: int, is_kept: bool) -> None:
    async with AgentServer("x" * letters) as server, tier_of(server) as tier:
        said, kept = await read(tier)
    assert said == "x" * letters
    *events, last = [json.loads(line) for line in kept.splitlines()]
    assert last == {"type": "cut"}
    assert ({"type": "text_delta", "text": said} in events) == is_kept
    assert len(kept) <= MAX_BYTES
