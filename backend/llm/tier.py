"""A tier: one way to get an answer. The cascade tries tiers in order; all of them speak these types."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import UUID

from backend.llm.kept_events import KeptEvents

Outcome = Literal[
    "answered", "refused", "unreachable", "timeout", "broken_stream", "empty", "skipped", "over_budget", "stopped"
]

# `access` counts like `tier`, but a session that has expired is not why: nothing is asked anew.
Blame = Literal["tier", "question", "key", "access"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt, in the roles that OpenAI-compatible endpoints know."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class PromptSource:
    """A source as the prompt offers it; `index` is what the marker `[1]` points to. `spoken`: it is a recording.

    `speaker` is who says or wrote it, None where that is not known or several do: then its text may have labels.
    """

    index: int
    title: str
    creator: str
    text: str
    spoken: bool = False
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question stands: its conversation, and its number among the messages there (1, 3, 5 …)."""

    conversation_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything a tier may use: the assembled messages, and the parts for tiers that need no model, or that remember.

    `tokens` is the size of `messages` by tiktoken; `max_tokens` caps the answer; `personality_weight` says how much of
    a creator's voice is in it. A tier whose upstream remembers the conversation finds in `follow_up` the user's message
    without the conversation, and in `turns` the turns that the message quotes, oldest first, each in its fence.
    """

    messages: tuple[Message, ...]
    question: str
    sources: tuple[PromptSource, ...]
    tokens: int
    max_tokens: int
    temperature: float = 0.2
    personality_weight: float = 0.0
    place: Place | None = None
    follow_up: str = ""
    turns: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the answer, never empty.

    The first one of an answer may bring what is to be kept of the upstream's own events, and goes on gathering them.
    """

    text: str
    kept: KeptEvents | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of a complete answer; the last event of a stream. Token counts are None where the upstream gave none."""

    reason: Literal["stop", "length"]
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class TierFailure(Exception):
    """A tier could not answer. Only `outcome` may be shown; the text of `__cause__` is never shown or logged.

    `blame` says what the failure tells about other questions; `retry_after_s` is when the upstream wants to be asked
    again, within our bounds.
    """

    def __init__(self, outcome: Outcome, *, blame: Blame = "tier", retry_after_s: float | None = None) -> None:
        super().__init__(outcome)
        self.outcome: Outcome = outcome
        self.blame: Blame = blame
        self.retry_after_s = retry_after_s


class Tier(Protocol):
    """Streams one answer per call.

    The stream is tokens and then exactly one `Finish`. Any other end is a `TierFailure`. Closing the generator closes
    the upstream connection.
    """

    name: str

    def stream(self, prompt: Prompt) -> AsyncGenerator[Token | Finish, None]: ...

    async def close(self) -> None: ...
