"""The tier `agent`: an upstream that keeps its own sessions, such as a bridge to a command-line agent."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol, TypedDict
from uuid import UUID

from backend.errors import Unavailable
from backend.llm.agent_stream import AgentStream
from backend.llm.deadlines import Deadlines, next_before, read_out
from backend.llm.tier import Finish, Message, Prompt, TierFailure, Token
from backend.llm.upstream import Upstream

log = logging.getLogger(__name__)

# Seconds that the database has to find or keep the name of a session; without it the next turn tells everything anew.
SESSION_S = 1.0


class Sessions(Protocol):
    """Where the names of sessions are kept. Both methods raise `Unavailable` while that is away."""

    async def find(self, conversation_id: UUID, tier: str, instructions: str) -> tuple[str, int] | None:
        """The session that a tier has of a conversation under these instructions, and the number of the last question
        that it has answered."""
        ...

    async def keep(self, conversation_id: UUID, tier: str, instructions: str, session_id: str, number: int) -> None:
        """Remembers the session in place of any other."""
        ...


class Request(TypedDict):
    """What is asked. `system` is None where the session has it, `resume_session_id` where there is no session."""

    prompt: str
    system: str | None
    resume_session_id: str | None


class AgentTier:
    """Asks one bridge behind one base URL; see docs/operations.md for what it has to do.

    The first turn tells everything: instructions, sources, and the conversation so far. Later ones resume the session
    and tell the new sources, the question, and the turns that others have answered meanwhile. A session that began
    under other instructions (another voice) is left alone; one that fails before a word of the answer has expired,
    and a new one is told everything, once, within the same deadlines.

    Only answer text counts as a token: events of other types do not hold a deadline open.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str,
        api_key: str | None,
        connect_timeout_s: float,
        deadlines: Deadlines,
        max_response_bytes: int,
        max_line_bytes: int,
        sessions: Sessions,
    ) -> None:
        self.name = name
        self._deadlines = deadlines
        self._max_line_bytes = max_line_bytes
        self._sessions = sessions
        self._upstream = Upstream(
            f"{base_url.rstrip('/')}/chat/start",
            {"Accept": "text/event-stream"} | ({"Authorization": f"Bearer {api_key}"} if api_key else {}),
            connect_timeout_s=connect_timeout_s,
            max_response_bytes=max_response_bytes,
        )

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Token | Finish, None]:
        """Tokens, then one `Finish`; anything else is a `TierFailure` that carries no text of the upstream's."""
        now = asyncio.get_running_loop().time()
        first_token_by, end = now + self._deadlines.first_token_s, now + self._deadlines.total_s
        resuming = await self._resumption(prompt)
        if resuming is not None:
            begun = False
            try:
                async with aclosing(self._ask(resuming, prompt, first_token_by, end)) as events:
                    async for event in events:
                        begun = True
                        yield event
                return
            except TierFailure as failure:
                if begun or not could_be_expired(failure):
                    raise
            log.info("tier %s: a session could not be resumed; the conversation is told anew", self.name)
        async with aclosing(self._ask(beginning(prompt), prompt, first_token_by, end)) as events:
            async for event in events:
                yield event

    async def close(self) -> None:
        """Closes the connections that are kept open for the next question."""
        await self._upstream.close()

    async def _ask(
        self, request: Request, prompt: Prompt, first_token_by: float, end: float
    ) -> AsyncGenerator[Token | Finish, None]:
        """One request. The deadlines are moments of the loop's clock."""
        answer = AgentStream(max_line_bytes=self._max_line_bytes)
        silent_until, begun = first_token_by, False
        async with aclosing(self._upstream.stream(request)) as chunks:
            while not answer.done:
                try:
                    chunk = await next_before(min(silent_until, end), chunks)
                except TimeoutError:
                    raise TierFailure("timeout") from None
                if chunk is None:
                    break
                if text := answer.feed(chunk):
                    if not begun and answer.session_id not in (None, request["resume_session_id"]):
                        # An answer that is stopped is one that the session has missed, and is told of.
                        await self._keep(prompt, answer.session_id, questions_ago=1)
                    yield Token(text) if begun else Token(text, answer.kept)
                    begun = True
                    silent_until = asyncio.get_running_loop().time() + self._deadlines.idle_s
                if answer.failure is not None:
                    raise answer.failure
            if answer.done:
                await read_out(chunks)
        finish = answer.finish()
        await self._keep(prompt, answer.session_id or request["resume_session_id"])
        yield finish

    async def _resumption(self, prompt: Prompt) -> Request | None:
        """The request that goes on with the conversation's session; None where there is none to go on with."""
        place = prompt.place
        if place is None or place.number == 1:
            return None
        try:
            async with asyncio.timeout(SESSION_S):
                found = await self._sessions.find(place.conversation_id, self.name, digest(prompt))
        except (TimeoutError, Unavailable):
            log.warning("tier %s: no session could be looked up; the conversation is told anew", self.name)
            return None
        if found is None:
            return None
        session_id, answered = found
        if answered >= place.number:
            return None  # this question is asked again, and the session has its answer
        missed = turns_since(prompt.turns, (place.number - answered) // 2 - 1)
        return {"prompt": follow_up(prompt, missed), "system": None, "resume_session_id": session_id}

    async def _keep(self, prompt: Prompt, session_id: str | None, *, questions_ago: int = 0) -> None:
        """Remembers a session, and the question that it has answered last."""
        place = prompt.place
        if place is None or session_id is None:
            return
        answered = place.number - 2 * questions_ago
        try:
            async with asyncio.timeout(SESSION_S):
                await self._sessions.keep(place.conversation_id, self.name, digest(prompt), session_id, answered)
        except (TimeoutError, Unavailable):
            log.warning("tier %s: a session could not be kept; the next turn tells the conversation anew", self.name)


def could_be_expired(failure: TierFailure) -> bool:
    """Whether an upstream that answered so may only have forgotten the session."""
    if failure.outcome in ("unreachable", "timeout") or failure.retry_after_s is not None:
        return False
    return failure.blame not in ("key", "access")


def beginning(prompt: Prompt) -> Request:
    """The request that tells everything."""
    user = "\n\n".join(message.content for message in prompt.messages if message.role != "system")
    return {"prompt": user, "system": instructions_of(prompt), "resume_session_id": None}


def follow_up(prompt: Prompt, missed: list[str]) -> str:
    """The question with its sources, after the turns that the session has missed."""
    return "\n".join([*(["<conversation>", *missed, "</conversation>", ""] if missed else []), prompt.follow_up])


def turns_since(turns: tuple[Message, ...], questions: int) -> list[str]:
    """The newest turns, back to the last `questions` questions, as far as they are there."""
    starts = [place for place, turn in enumerate(turns) if turn.role == "user"]
    if not questions or not turns:
        return []
    first = starts[-questions] if questions <= len(starts) else 0
    return [turn.content for turn in turns[first:]]


def instructions_of(prompt: Prompt) -> str:
    return "\n\n".join(message.content for message in prompt.messages if message.role == "system")


def digest(prompt: Prompt) -> str:
    """SHA-256 of the instructions, in hexadecimal."""
    return hashlib.sha256(instructions_of(prompt).encode()).hexdigest()
