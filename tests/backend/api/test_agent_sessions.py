"""A conversation with a bridge to an agent: one session for it, nobody else's, and an answer when there is none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.conversations.models import agent_sessions, conversations, messages
from backend.database import open_database
from backend.erasure import erase
from backend.settings import Settings
from backend.settings_tiers import AgentTierSettings
from tests.agent_server import AgentServer
from tests.model_server import CANARY
from tests.service import Answer, Visitor, running, with_section

FIRST = "Which microphone should I buy for a podcast?"
SECOND = "How loud should my master be?"
THIRD = "Do I need acoustic treatment in a small room?"


def with_agent(library: Settings, address: str) -> Settings:
    """The library's settings with a bridge before the tier that needs nothing."""
    agent = AgentTierSettings(kind="agent", base_url=address)
    asking = library.model_copy(update={"tiers": {**library.tiers, "agent": agent}})
    return with_section(asking, "cascade", order=("agent", "extractive"))


@asynccontextmanager
async def visiting(library: Settings, server: AgentServer) -> AsyncIterator[Visitor]:
    async with running(with_agent(library, server.address)) as address, Visitor(address) as visitor:
        yield visitor


@pytest.fixture
async def database(library: Settings) -> AsyncIterator[AsyncEngine]:
    engine = open_database(library.database.url, pool_size=2)
    yield engine
    await engine.dispose()


async def ask(visitor: Visitor, query: str, conversation: str | None = None, tier: str = "agent") -> Answer:
    """A question, answered by this tier; what is saved is what was delivered."""
    answer = (await visitor.ask(query, conversation_id=conversation)).checked()
    assert (answer.last.event, answer.last.json["cascade_tier"]) == ("done", tier)
    saved = await visitor.messages(answer.conversation_id)
    assert saved[-1]["content"] == answer.text
    return answer


def resumed(server: AgentServer) -> list[str | None]:
    return [request.body["resume_session_id"] for request in server.requests]


async def sessions_of(database: AsyncEngine, conversation: str) -> list[str]:
    query = select(agent_sessions.c.session_id).where(agent_sessions.c.conversation_id == UUID(conversation))
    async with database.connect() as connection:
        return list((await connection.execute(query)).scalars())


async def events_of(database: AsyncEngine, conversation: str) -> list[str | None]:
    """What is kept of the upstream with each answer."""
    is_answer = (messages.c.conversation_id == UUID(conversation)) & (messages.c.role == "assistant")
    async with database.connect() as connection:
        query = select(messages.c.upstream_events).where(is_answer).order_by(messages.c.seq)
        return list((await connection.execute(query)).scalars())


async def test_turns_resume_one_session_and_one_that_was_forgotten_begins_again_with_the_conversation(
    library: Settings, database: AsyncEngine
) -> None:
    async with AgentServer() as server, visiting(library, server) as visitor:
        first = await ask(visitor, FIRST)
        conversation = first.conversation_id
        second = await ask(visitor, SECOND, conversation)
        (session,) = server.sessions
        assert resumed(server) == [None, session]
        told = [request.body for request in server.requests]
        assert told[0]["system"]
        assert told[1]["system"] is None
        assert FIRST not in told[1]["prompt"]
        assert SECOND in told[1]["prompt"]
        assert second.sources[0]["snippet"][:40] in told[1]["prompt"]
        server.sessions.clear()
        third = await ask(visitor, THIRD, conversation)
        assert resumed(server)[2:] == [session, None]
        again = server.requests[-1].body
        assert again["system"] == told[0]["system"]
        for said in (FIRST, SECOND, THIRD):
            assert said in again["prompt"]
        assert await sessions_of(database, conversation) == list(server.sessions)
        for answer, kept in zip((first, second, third), await events_of(database, conversation), strict=True):
            assert kept is not None
            assert '"type":"text_delta"' in kept
            assert "session_id" not in answer.raw.decode()
        assert "session_id" not in (await visitor.get(f"/api/v1/conversations/{conversation}/messages")).text


async def test_while_the_bridge_is_down_the_next_tier_answers_and_the_session_is_told_of_it(library: Settings) -> None:
    async with AgentServer() as server, visiting(library, server) as visitor:
        conversation = (await ask(visitor, FIRST)).conversation_id
        server.failing = "refuse_500"
        by_another = await ask(visitor, SECOND, conversation, "extractive")
        server.failing = None
        await ask(visitor, THIRD, conversation)
        last = server.requests[-1].body
        assert last["resume_session_id"] in server.sessions
        assert FIRST not in last["prompt"]
        assert SECOND in last["prompt"]
        assert by_another.text.split(" [")[0][:30] in last["prompt"]


async def test_of_a_stopped_answer_the_events_are_kept_and_the_session_is_told(
    library: Settings, database: AsyncEngine
) -> None:
    async with AgentServer(failing="stall") as server, visiting(library, server) as visitor:
        begun = await visitor.ask(FIRST, stop_after=2)
        await visitor.post(f"/api/v1/chat/runs/{begun.run_id}/stop")
        stopped = (await visitor.follow(begun.run_id)).checked()
        assert stopped.last.json["finish_reason"] == "stopped"
        assert await server.no_stream_open()
        (kept,) = await events_of(database, begun.conversation_id)
        assert kept is not None
        assert stopped.text in kept
        server.failing = None
        await ask(visitor, SECOND, begun.conversation_id)
        last = server.requests[-1].body
        assert last["resume_session_id"] in server.sessions
        assert FIRST in last["prompt"]
        assert stopped.text in last["prompt"]


async def test_an_answer_that_was_cut_at_its_length_has_a_session_too(library: Settings, database: AsyncEngine) -> None:
    short = with_section(library, "chat", answer_tokens=16)
    async with AgentServer("word " * 200) as server, visiting(short, server) as visitor:
        cut = await ask(visitor, FIRST)
        assert cut.last.json["finish_reason"] == "length"
        assert await events_of(database, cut.conversation_id) != [None]
        await ask(visitor, SECOND, cut.conversation_id)
        assert resumed(server) == [None, *server.sessions]


async def test_a_bridge_that_is_gone_or_breaks_off_costs_nobody_an_answer(
    library: Settings, database: AsyncEngine
) -> None:
    async with AgentServer(failing="error_after") as server, visiting(library, server) as visitor:
        broken = await ask(visitor, FIRST, tier="extractive")
        assert "reset" in [event.event for event in broken.events]
        assert CANARY not in broken.raw.decode()
        assert await events_of(database, broken.conversation_id) == [None]
        await server.__aexit__()
        gone = await ask(visitor, SECOND, broken.conversation_id, "extractive")
        assert [tried["outcome"] for tried in gone.last.json["tiers_tried"]] == ["unreachable", "answered"]


async def test_nobody_elses_conversation_gets_the_session(library: Settings) -> None:
    async with (
        AgentServer() as server,
        visiting(library, server) as visitor,
        Visitor(str(visitor.http.base_url)) as other,
    ):
        conversation = (await ask(visitor, FIRST)).conversation_id
        theirs = (await ask(other, FIRST)).conversation_id
        one, another = server.sessions
        refused = await other.ask(SECOND, conversation_id=conversation)
        assert refused.response.status_code == 404
        await ask(other, SECOND, theirs)
        await ask(visitor, SECOND, conversation)
        await ask(visitor, FIRST)
        assert resumed(server) == [None, None, another, one, None]


async def test_a_deleted_conversation_takes_its_session_along(library: Settings, database: AsyncEngine) -> None:
    async with AgentServer() as server, visiting(library, server) as visitor:
        conversation = (await ask(visitor, FIRST)).conversation_id
        assert await sessions_of(database, conversation) == list(server.sessions)
        async with database.begin() as connection:
            await connection.execute(delete(conversations).where(conversations.c.id == UUID(conversation)))
        assert await sessions_of(database, conversation) == []


async def test_an_erased_document_is_not_found_again_in_a_session_or_in_what_a_bridge_sent(
    library: Settings, database: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.chat.run.KEEP_ENDED_S", 0.2)
    monkeypatch.setattr("backend.erasure.SETTLE_S", 0.2)
    async with AgentServer() as server, visiting(library, server) as visitor:
        first = await ask(visitor, FIRST)
        conversation = first.conversation_id
        untouched = (await ask(visitor, SECOND)).conversation_id
        documents = {UUID(source["document_id"]) for source in first.sources}
        shared = {UUID(source["document_id"]) for source in (await ask(visitor, SECOND)).sources}
        await erase(library, documents - shared)
        assert await events_of(database, conversation) == [None]
        assert await sessions_of(database, conversation) == []
        assert await events_of(database, untouched) != [None]
        assert len(await sessions_of(database, untouched)) == 1
        await ask(visitor, SECOND, conversation)
        assert server.requests[-1].body["resume_session_id"] is None


async def test_a_question_that_is_asked_anew_goes_to_a_session_that_has_not_answered_it(library: Settings) -> None:
    async with AgentServer() as server, visiting(library, server) as visitor:
        first = await ask(visitor, FIRST)
        conversation = first.conversation_id
        second = await ask(visitor, SECOND, conversation)
        old = resumed(server)[-1]
        path = f"/api/v1/conversations/{conversation}/messages/{second.last.json['message_id']}/regenerate"
        response = await visitor.http.post(path, headers=visitor.headers | {"Accept": "application/json"})
        again = response.json()
        assert (response.status_code, again["cascade_tier"]) == (200, "agent")
        told = server.requests[-1].body
        assert told["resume_session_id"] is None
        assert first.text[:40] in told["prompt"]
        assert told["prompt"].count(SECOND) == 1
        await ask(visitor, THIRD, conversation)
        assert old is not None
        assert resumed(server)[-1] in server.sessions
        assert resumed(server)[-1] != old
        assert "<conversation>" not in server.requests[-1].body["prompt"]
