"""The tier `agent` as its tests ask it, and what a bridge heard of that."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from uuid import uuid4

from backend.llm.agent_tier import AgentTier, Sessions
from backend.llm.deadlines import Deadlines
from backend.llm.tier import Finish, Message, Place, Prompt, Token
from tests.agent_server import AgentServer, RememberedSessions

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
ALL, NEW = PROMPT.messages[1].content, PROMPT.follow_up


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
