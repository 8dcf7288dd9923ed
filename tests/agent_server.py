"""A real bridge to an agent on loopback: it keeps sessions, answers in events, or fails as told.

async with AgentServer(answer="Hello [1].") as server:
    ... server.address ... server.requests ... server.sessions ... server.open_streams
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID, uuid4

from tests.model_server import CANARY, ModelServer, RecordedRequest, begin, words_of, write

# Instead of a stream.
Refusal = Literal["refuse_500", "refuse_401", "refuse_429", "redirect", "no_content", "endless_refusal", "html", "json"]
# After the name of the session and before the first word.
Silent = Literal["hang", "endless_comments", "endless_thoughts", "error", "empty", "blank"]
# In the midst of the answer.
Broken = Literal[
    "error_after",
    "error_event",
    "error_without_type",
    "no_done",
    "reset",
    "stall",
    "endless_answer",
    "broken_json",
    "no_object",
    "no_type",
    "text_is_a_number",
    "half_character",
    "lone_surrogate",
    "giant_line",
]
# Whole answers of an odd kind.
Odd = Literal["done_alone", "other_done", "events_of_others", "hang_after_done", "many_events"]
AgentFault = Refusal | Silent | Broken | Odd


@dataclass
class AgentServer(ModelServer):
    """Settings may be changed between two requests. A fault in the midst of an answer comes after two pieces.

    `sessions` has what each was told, by its name. A session that is not there is `unknown`, said as an error event, as
    a status, or by saying nothing. `renaming` bridges give a session a new name every turn, as some agents do.
    """

    failing: AgentFault | None = None
    unknown: Literal["error", "status", "nothing"] = "error"
    renaming: bool = False
    name: Any = None
    sessions: dict[str, list[str]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/bridge"

    async def respond(self, request: RecordedRequest, send: Any) -> None:
        failing, resumed = self.failing, request.body["resume_session_id"]
        statuses = {"refuse_401": 401, "refuse_429": 429, "refuse_500": 500, "redirect": 307, "no_content": 204}
        if failing in statuses or failing == "endless_refusal":
            status = statuses.get(failing or "", 500)
            location = (b"location", f"http://127.0.0.1:{self.port}/elsewhere".encode())
            wait = [(b"retry-after", b"7")] if status == 429 else []
            await begin(send, status, "application/json", location, *wait, (b"x-reason", CANARY.encode()))
            while failing == "endless_refusal":
                await write(send, CANARY.encode() * 1000)
                await asyncio.sleep(0)
            await write(send, b"" if status == 204 else event(type="error", message=CANARY), last=True)
        elif failing in ("html", "json"):
            await begin(send, 200, {"html": "text/html; charset=utf-8", "json": "application/json"}[failing])
            await write(send, event(type="done", text=CANARY), last=True)
        elif resumed is not None and resumed not in self.sessions and self.unknown == "status":
            await begin(send, 404, "application/json")
            await write(send, json.dumps({"error": CANARY}).encode(), last=True)
        else:
            await begin(send, 200, "text/event-stream", (b"set-cookie", f"session={uuid4()}; Path=/".encode()))
            async for piece in self.events(request, resumed):
                for byte in [piece] if self.chunking != "byte" else [bytes([one]) for one in piece]:
                    await write(send, byte)
            await write(send, b"", last=True)

    async def events(self, request: RecordedRequest, resumed: str | None) -> AsyncIterator[bytes]:
        await asyncio.sleep(self.first_token_delay_s)
        if resumed is not None and resumed not in self.sessions:
            if self.unknown == "error":
                yield event(type="error", message=f"no session {CANARY}")
            return
        told = [*self.sessions.get(resumed or "", []), request.body["prompt"]]
        name = self.name if self.name is not None else resumed if resumed and not self.renaming else str(uuid4())
        if isinstance(name, str):
            self.sessions[name] = told
        yield event(type="session_id", value=name)
        async for silent in self.silence():
            yield silent
        failing = self.failing
        if failing == "error":
            yield event(type="error", message=CANARY)
            return
        text = {"empty": "", "blank": " \n "}.get(failing or "", self.text(request))
        words = [] if failing == "done_alone" else words_of(text)
        for number, word in enumerate(words):
            if number == 2 and failing == "no_done":
                return
            if number == 2:
                async for broken in self.break_off():
                    yield broken
            yield event(type="text_delta", text=word)
        if failing == "reset":
            raise ConnectionResetError
        yield event(type="done", text=f"{CANARY} instead" if failing == "other_done" else text)
        if failing == "hang_after_done":
            await asyncio.sleep(3600)

    async def silence(self) -> AsyncIterator[bytes]:
        """What comes instead of a first word."""
        if self.failing == "hang":
            await asyncio.sleep(3600)
        while self.failing == "endless_comments":
            yield b": still there\n\n"
            await asyncio.sleep(0.01)
        while self.failing == "endless_thoughts":
            yield event(type="thinking", text=CANARY)
            await asyncio.sleep(0.01)

    async def break_off(self) -> AsyncIterator[bytes]:
        """What comes after the second piece."""
        match self.failing:
            case "stall":
                await asyncio.sleep(3600)
            case "endless_answer":
                while True:
                    yield event(type="text_delta", text="and ")
                    await asyncio.sleep(0)
            case "error_after":
                yield event(type="error", message=CANARY)
            case "error_event":
                yield b"event: error\n" + event(type="oh", message=CANARY)
            case "error_without_type":
                yield event(error={"message": CANARY})
            case "broken_json":
                yield f'data: {{"type": "text_delta", "text": "{CANARY}\n\n'.encode()
            case "no_object":
                yield f'data: ["{CANARY}"]\n\n'.encode()
            case "no_type":
                yield event(text=CANARY)
            case "text_is_a_number":
                yield event(type="text_delta", text=7)
            case "half_character":
                yield event(type="text_delta", text="😀").replace(b"\x80", b"", 1)
            case "lone_surrogate":
                yield event(type="text_delta", text="X").replace(b"X", b"\\ud83d")
            case "giant_line":
                for _ in range(40):
                    yield b"data: " + b"x" * 65536
            case "events_of_others":
                yield event(type="tool_use", name="search", input={"query": "loudness\0"})
                yield event(type="tool_error", message=CANARY)
                yield event(type="notice", error=CANARY)
            case "many_events":
                for number in range(2000):
                    yield event(type="tool_result", number=number, text="🎚" * 20)
            case _:
                pass

    def text(self, request: RecordedRequest) -> str:
        return self.answer if isinstance(self.answer, str) else self.answer(request.body["prompt"])


class RememberedSessions:
    """Sessions in memory, by conversation and tier."""

    def __init__(self) -> None:
        self.kept: dict[tuple[UUID, str], tuple[str, str, int]] = {}

    async def find(self, conversation_id: UUID, tier: str, instructions: str) -> tuple[str, int] | None:
        began_under, session_id, number = self.kept.get((conversation_id, tier), ("", "", 0))
        return (session_id, number) if began_under == instructions else None

    async def keep(self, conversation_id: UUID, tier: str, instructions: str, session_id: str, number: int) -> None:
        self.kept[conversation_id, tier] = (instructions, session_id, number)


def event(**fields: Any) -> bytes:
    """One event as it goes over the wire; nothing outside of ASCII is escaped."""
    return f"data: {json.dumps(fields, ensure_ascii=False)}\n\n".encode()
