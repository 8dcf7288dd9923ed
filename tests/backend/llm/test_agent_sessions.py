"""What the tier `agent` tells a session, when it begins another, and whose name it remembers."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend.errors import Unavailable
from backend.llm.tier import Message, Place, TierFailure
from tests.agent_server import AgentFault, AgentServer, RememberedSessions
from tests.backend.llm.bridge import ALL, NEW, PATIENT, PROMPT, SOON, TURNS, asked, listen, nth, read, tier_of
from tests.model_server import CANARY


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


async def test_a_session_is_told_again_what_it_was_not_heard_to_the_end() -> None:
    async with AgentServer("one two three", failing="stall", renaming=True) as server, tier_of(server) as tier:
        async with aclosing(tier.stream(nth(1))) as stream:
            assert (await anext(stream)).text.startswith("one")
        server.failing = None
        await read(tier, nth(3))
        quoted = [turn.content for turn in TURNS[:2]]
        assert asked(server)[1] == ("\n".join(["<conversation>", *quoted, "</conversation>", "", NEW]), False, True)
        await read(tier, nth(5))
        assert asked(server)[2] == (NEW, False, True)


async def test_nobody_listening_is_unreachable_and_no_reason_to_begin_again() -> None:
    server, sessions = AgentServer("Hi"), RememberedSessions()
    async with server, tier_of(server, sessions=sessions) as tier:
        await read(tier, nth(1))
    async with tier_of(server, sessions=sessions) as tier:
        with pytest.raises(TierFailure) as failure:
            await read(tier, nth(3))
    assert failure.value.outcome == "unreachable"
    assert len(sessions.kept) == 1


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
