"""The tier `agent` against a real bridge: what it tells a session, how it fails, and that it lets go."""

import asyncio
import json
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest

from backend.errors import Unavailable
from backend.llm.agent_stream import AgentStream
from backend.llm.agent_tier import AgentTier, Sessions
from backend.llm.deadlines import Deadlines
from backend.llm.kept_events import MAX_BYTES
from backend.llm.tier import Finish, Message, Outcome, Place, Prompt, TierFailure, Token
from tests.agent_server import AgentFault, AgentServer, Odd, RememberedSessions, event
from tests.model_server import CANARY

SOON = Deadlines(first_token_s=0.3, idle_s=0.3, total_s=0.9)
PATIENT = Deadlines(first_token_s=30, idle_s=30, total_s=30)
PROMPT = Prompt(
    messages=(
        Message("system", "Be brief."),
        Message("user", "<sources>new</sources> <conversation>all</conversation> ?"),
    ),
    question="?",
    sources=(),
    tokens=9,
    max_tokens=50,
    place=Place(uuid4(), 1),
    follow_up="<sources>new</sources> ?",
)
TURNS = tuple(Message(role, f"<turn>{role} {number}</turn>") for number in (1, 3, 5) for role in ("user", "assistant"))


def nth(number: int, prompt: Prompt = PROMPT) -> Prompt:
    """The prompt as the question of that number in its conversation, with the turns before it."""
    assert prompt.place is not None
    return replace(prompt, place=replace(prompt.place, number=number), turns=TURNS[: number - 1])


@asynccontextmanager
async def tier_of(
    server: AgentServer,
    deadlines: Deadlines = PATIENT,
    *,
    sessions: Sessions | None = None,
    max_response_bytes: int = 1 << 23,
) -> AsyncIterator[AgentTier]:
    tier = AgentTier(
        "agent",
        base_url=server.address,
        api_key="key",
        connect_timeout_s=5,
        deadlines=deadlines,
        max_response_bytes=max_response_bytes,
        max_line_bytes=1 << 20,
        sessions=sessions or RememberedSessions(),
    )
    try:
        yield tier
    finally:
        await tier.close()


async def read(tier: AgentTier, prompt: Prompt = PROMPT) -> tuple[str, str]:
    """The whole answer, and what is kept of its events; the last event, and only the last, must be the finish."""
    async with aclosing(tier.stream(prompt)) as stream:
        *tokens, finish = [event async for event in stream]
    assert finish == Finish("stop")
    said = [token for token in tokens if isinstance(token, Token) and token.text]
    assert len(said) == len(tokens)
    assert [place for place, token in enumerate(said) if token.kept] == [0]
    assert said[0].kept
    return "".join(token.text for token in said), said[0].kept.text()


async def listen(tier: AgentTier, said: list[str], prompt: Prompt = PROMPT) -> None:
    """Notes the tokens down as they come."""
    async with aclosing(tier.stream(prompt)) as stream:
        async for token in stream:
            if isinstance(token, Token):
                said.append(token.text)


def asked(server: AgentServer) -> list[tuple[str, bool, bool]]:
    """Of each request its prompt, whether it brought the instructions, and whether it resumed a session."""
    fields = [request.body for request in server.requests]
    return [(body["prompt"], body["system"] == "Be brief.", body["resume_session_id"] is not None) for body in fields]


ALL, NEW = PROMPT.messages[1].content, PROMPT.follow_up


@pytest.mark.parametrize("chunking", ["token", "byte"])
async def test_text_arrives_intact_however_it_is_cut(chunking: Any) -> None:
    text = "Dés\u2028ordre 👩‍🚀 \u0085 naïve \x0c [1]\n\n- a\n- b "
    async with AgentServer(text, chunking) as server, tier_of(server) as tier:
        said, _ = await read(tier)
    assert said == text


async def test_the_first_turn_tells_everything_and_later_ones_resume_the_session_with_what_is_new() -> None:
    async with AgentServer("Hi", renaming=True) as server, tier_of(server) as tier:
        for number in (1, 3, 5):
            assert (await read(tier, nth(number)))[0] == "Hi"
        first, second, third = server.requests
        names = list(server.sessions)
    assert first.path == "/bridge/chat/start"
    assert first.headers["authorization"] == "Bearer key"
    assert first.body == {"prompt": ALL, "system": "Be brief.", "resume_session_id": None}
    assert second.body == {"prompt": NEW, "system": None, "resume_session_id": names[0]}
    assert third.body == {"prompt": NEW, "system": None, "resume_session_id": names[1]}


async def test_a_session_is_told_the_turns_that_others_answered_meanwhile() -> None:
    async with AgentServer("Hi") as server, tier_of(server) as tier:
        await read(tier, nth(1))
        await read(tier, nth(7))
        (missed, _, resumed) = asked(server)[1]
    quoted = "\n".join(["<conversation>", *(turn.content for turn in TURNS[2:]), "</conversation>", "", NEW])
    assert (missed, resumed) == (quoted, True)


async def test_another_conversation_other_instructions_and_the_same_question_again_begin_a_session() -> None:
    other = replace(PROMPT, place=Place(uuid4(), 3))
    voiced = replace(nth(3), messages=(Message("system", "Be loud."), PROMPT.messages[1]))
    async with AgentServer("Hi") as server, tier_of(server) as tier:
        await read(tier, nth(3))
        for prompt in (other, voiced, voiced):
            await read(tier, prompt)
        told = [(request.body["prompt"], request.body["resume_session_id"]) for request in server.requests]
    assert told == [(ALL, None)] * 4


@pytest.mark.parametrize("unknown", ["error", "status", "nothing"])
async def test_a_session_that_has_expired_begins_again_with_the_conversation(unknown: Any) -> None:
    async with AgentServer("Hi", unknown=unknown) as server, tier_of(server) as tier:
        await read(tier, nth(1))
        server.sessions.clear()
        said, kept = await read(tier, nth(3))
        await read(tier, nth(5))
        assert asked(server)[1:] == [(NEW, False, True), (ALL, True, False), (NEW, False, True)]
    assert said == "Hi"
    assert CANARY not in kept


@pytest.mark.parametrize("fault", ["refuse_401", "refuse_429", "hang"])
async def test_what_a_forgotten_session_does_not_explain_is_not_asked_again(fault: AgentFault) -> None:
    async with AgentServer("Hi") as server, tier_of(server, SOON) as tier:
        await read(tier, nth(1))
        server.failing = fault
        with pytest.raises(TierFailure):
            await read(tier, nth(3))
        assert asked(server)[1:] == [(NEW, False, True)]


async def test_a_session_begins_again_once_and_never_after_a_word() -> None:
    async with AgentServer("one two three") as server, tier_of(server) as tier:
        await read(tier, nth(1))
        server.failing = "error"
        with pytest.raises(TierFailure):
            await read(tier, nth(3))
        assert asked(server)[1:] == [(NEW, False, True), (ALL, True, False)]
        server.failing, said = "error_after", list[str]()
        with pytest.raises(TierFailure):
            await listen(tier, said, nth(3))
        assert asked(server)[3:] == [(NEW, False, True)]
        assert "".join(said) == "one two"


async def test_beginning_again_has_no_time_of_its_own() -> None:
    async with (
        AgentServer("Hi", first_token_delay_s=0.35) as server,
        tier_of(server, replace(PATIENT, first_token_s=0.5)) as tier,
    ):
        await read(tier, nth(1))
        server.sessions.clear()
        with pytest.raises(TierFailure) as failure:
            await read(tier, nth(3))
        assert failure.value.outcome == "timeout"
        assert asked(server)[1:] == [(NEW, False, True), (ALL, True, False)]


@pytest.mark.parametrize(
    ("fault", "outcome", "text"),
    [
        ("refuse_500", "refused", ""),
        ("refuse_401", "refused", ""),
        ("redirect", "refused", ""),
        ("no_content", "refused", ""),
        ("endless_refusal", "refused", ""),
        ("html", "broken_stream", ""),
        ("json", "broken_stream", ""),
        ("hang", "timeout", ""),
        ("endless_comments", "timeout", ""),
        ("endless_thoughts", "timeout", ""),
        ("error", "refused", ""),
        ("empty", "empty", ""),
        ("blank", "empty", ""),
        ("error_after", "refused", "one two"),
        ("error_event", "refused", "one two"),
        ("error_without_type", "refused", "one two"),
        ("no_done", "broken_stream", "one two"),
        ("reset", "broken_stream", "one two three"),
        ("stall", "timeout", "one two"),
        ("endless_answer", "timeout", "one two"),
        ("broken_json", "broken_stream", "one two"),
        ("no_object", "broken_stream", "one two"),
        ("no_type", "broken_stream", "one two"),
        ("text_is_a_number", "broken_stream", "one two"),
        ("half_character", "broken_stream", "one two"),
        ("lone_surrogate", "broken_stream", "one two"),
        ("giant_line", "broken_stream", "one two"),
    ],
)
async def test_every_fault_is_a_failure_that_says_nothing_of_the_upstream(
    fault: AgentFault, outcome: Outcome, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "backend")
    said: list[str] = []
    sessions = RememberedSessions()
    deadlines = SOON if outcome == "timeout" else PATIENT
    async with (
        AgentServer("one two three", failing=fault) as server,
        tier_of(server, deadlines, sessions=sessions) as tier,
    ):
        with pytest.raises(TierFailure) as failure:
            await listen(tier, said)
        assert await server.no_stream_open()
        assert len(server.requests) == 1
    assert failure.value.outcome == outcome
    assert "".join(said) == text or (fault == "endless_answer" and "".join(said).startswith(text))
    assert CANARY not in "".join(traceback.format_exception(failure.value)) + caplog.text + str(sessions.kept)
    assert [number for _, _, number in sessions.kept.values()] == ([-1] if text else [])


async def test_a_session_is_told_again_what_it_was_not_heard_to_the_end() -> None:
    async with AgentServer("one two three", failing="stall", renaming=True) as server, tier_of(server) as tier:
        async with aclosing(tier.stream(nth(1))) as stream:
            assert (await anext(stream)) == Token("one")
        server.failing = None
        await read(tier, nth(3))
        quoted = [turn.content for turn in TURNS[:2]]
        assert asked(server)[1] == ("\n".join(["<conversation>", *quoted, "</conversation>", "", NEW]), False, True)
        await read(tier, nth(5))
        assert asked(server)[2] == (NEW, False, True)


def test_what_was_said_before_a_fault_is_delivered_however_the_bytes_were_cut() -> None:
    said, broken = event(type="text_delta", text="one"), event(type="error", message=CANARY)
    stream = AgentStream(max_line_bytes=1 << 20)
    assert stream.feed(said + broken + said) == "one"
    assert stream.failure is not None
    assert stream.failure.outcome == "refused"
    with pytest.raises(TierFailure, match="refused"):
        AgentStream(max_line_bytes=1 << 20).feed(broken + said)


async def test_an_answer_without_end_is_cut_off_at_its_bytes() -> None:
    async with (
        AgentServer("one two three", failing="endless_answer") as server,
        tier_of(server, max_response_bytes=10_000) as tier,
    ):
        with pytest.raises(TierFailure) as failure:
            await read(tier)
        assert failure.value.outcome == "broken_stream"
        assert await server.no_stream_open()


async def test_nobody_listening_is_unreachable_and_no_reason_to_begin_again() -> None:
    server, sessions = AgentServer("Hi"), RememberedSessions()
    async with server, tier_of(server, sessions=sessions) as tier:
        await read(tier, nth(1))
    async with tier_of(server, sessions=sessions) as tier:
        with pytest.raises(TierFailure) as failure:
            await read(tier, nth(3))
    assert failure.value.outcome == "unreachable"
    assert len(sessions.kept) == 1


@pytest.mark.parametrize("fault", ["hang", "stall"])
async def test_leaving_closes_the_upstream_connection_at_once(fault: AgentFault) -> None:
    async with AgentServer("one two three", failing=fault) as server, tier_of(server) as tier:
        reading = asyncio.create_task(read(tier))
        await server.stream_open()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await server.no_stream_open()
        if fault == "stall":
            async with aclosing(tier.stream(PROMPT)) as stream:
                assert await anext(stream) == Token("one")
                assert server.open_streams == 1
            assert await server.no_stream_open()


@pytest.mark.parametrize("fault", get_args(Odd))
async def test_odd_answers_are_whole_and_read_as_they_were_delivered(fault: AgentFault) -> None:
    async with AgentServer("one two three", failing=fault) as server, tier_of(server) as tier:
        said, kept = await read(tier)
        assert await server.no_stream_open()
    assert said == "one two three"
    assert 0 < len(kept.encode()) <= MAX_BYTES


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


@pytest.mark.parametrize("name", ["'; DROP TABLE messages; --", "a" * 200])
async def test_the_name_of_a_session_is_sent_back_as_it_came(name: str) -> None:
    async with AgentServer("Hi", name=name) as server, tier_of(server) as tier:
        await read(tier, nth(1))
        await read(tier, nth(3))
        assert server.requests[1].body["resume_session_id"] == name


@pytest.mark.parametrize("name", ["", "a" * 201, "one\ntwo", "nul\0", "\u202eoverride", "\x1b[2J"])
async def test_a_name_that_no_session_has_is_not_remembered(name: str) -> None:
    async with AgentServer("Hi", name=name) as server, tier_of(server) as tier:
        await read(tier, nth(1))
        await read(tier, nth(3))
        assert [resumed for _, _, resumed in asked(server)] == [False, False]


async def test_a_name_that_is_no_text_is_a_broken_stream() -> None:
    async with AgentServer("Hi", name={"value": "one"}) as server, tier_of(server) as tier:
        with pytest.raises(TierFailure, match="broken_stream"):
            await read(tier)


async def test_what_a_bridge_wants_remembered_as_a_cookie_is_not() -> None:
    async with AgentServer("Hi") as server, tier_of(server) as tier:
        await read(tier, nth(1))
        await read(tier, nth(3))
        assert not [request for request in server.requests if "cookie" in request.headers]


class LostSessions:
    """A database that is away, or does not answer."""

    def __init__(self, *, hangs: bool) -> None:
        self.hangs = hangs

    async def find(self, conversation_id: UUID, tier: str, instructions: str) -> tuple[str, int] | None:
        if self.hangs:
            await asyncio.sleep(3600)
        raise Unavailable("away")

    async def keep(self, conversation_id: UUID, tier: str, instructions: str, session_id: str, number: int) -> None:
        await self.find(conversation_id, tier, instructions)


@pytest.mark.parametrize("hangs", [False, True])
async def test_without_its_database_every_turn_tells_everything(hangs: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.llm.agent_tier.SESSION_S", 0.1)
    async with AgentServer("Hi") as server, tier_of(server, sessions=LostSessions(hangs=hangs)) as tier:
        assert (await read(tier, nth(3)))[0] == "Hi"
        assert asked(server) == [(ALL, True, False)]
