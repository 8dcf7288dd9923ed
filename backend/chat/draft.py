"""What a run has gathered so far, and how it is concluded: the saved answer and the data of its terminal frame."""

import time
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from backend.chat.citations import Citation
from backend.chat.events import FinishReason
from backend.chat.replay import error_data
from backend.chat.run import StopReason
from backend.conversations.models import Answer, Message, RunRecord, Turn
from backend.errors import INTERNAL_SENTENCE, FootnoteError, InternalError, Interrupted, Unavailable
from backend.llm.budget import Prices
from backend.llm.cascade import Started, Usage
from backend.llm.race import Attempt, TierTried, told
from backend.llm.thrift import quotes
from backend.llm.tier import Outcome, PromptSource

BudgetState = Literal["within", "near", "spent"]

# A tier that ends so before its first token has not read the prompt.
NOTHING_READ: tuple[Outcome, ...] = ("refused", "unreachable")

SHUTDOWN = "The service is restarting. Ask again in a moment."


@dataclass(slots=True)
class Draft:
    """Everything known of an answer while it is being made."""

    query: str
    creator: str | None = None
    started_at: float = field(default_factory=time.monotonic)
    history: list[Turn] | None = None
    sources: list[dict[str, Any]] | None = None
    scope: str = "none"
    persona: float | Literal["off"] = 0.0
    budget: BudgetState = "within"
    text: list[str] = field(default_factory=list)
    tier: str | None = None
    finish_reason: FinishReason | None = None
    started: Started | None = None
    turns: list[Attempt | TierTried] = field(default_factory=list)
    prompt_sources: tuple[PromptSource, ...] = ()
    citations: list[Citation] = field(default_factory=list)
    usage: Usage = field(default_factory=lambda: Usage(None, None))
    timings_ms: dict[str, int] = field(default_factory=dict)

    def asked(self, started: Started) -> None:
        """A tier has begun to answer."""
        self.tier = started.tier
        self.started = started
        self.prompt_sources = started.prompt.sources

    @property
    def tiers_tried(self) -> list[TierTried]:
        """How it went with each tier whose turn it was, also where the answer was stopped before one had begun."""
        return [told(turn) for turn in self.turns]

    @property
    def tokens(self) -> tuple[int, int] | None:
        """What the model that spoke last has read and written, estimated where it did not count; None without one."""
        if self.started is None or quotes(self.started.member):
            return None
        prompt, completion = self.usage.prompt_tokens, self.usage.completion_tokens
        return (
            self.started.prompt.tokens if prompt is None else prompt,
            self.started.member.budget.counter.count(self.content) if completion is None else completion,
        )

    @property
    def taken(self) -> tuple[int, float]:
        """The tokens, and what they cost, of all models that were asked, also of those that were let go of or broke off
        with the prompt read: those are estimated."""
        tokens, cost = 0, 0.0
        for attempt in [turn for turn in self.turns if isinstance(turn, Attempt)]:
            if quotes(attempt.member) or (attempt.outcome in NOTHING_READ and not attempt.spoken):
                continue
            is_speaker = self.started is not None and attempt.prompt is self.started.prompt
            read, written = (is_speaker and self.tokens) or (attempt.prompt.tokens, 0)
            tokens += read + written
            cost += attempt.member.prices.cost(read, written)
        return tokens, cost

    @property
    def cost(self) -> float | None:
        """What these tokens cost; None without prices."""
        if self.started is None or (prices := self.started.member.prices) == Prices() or self.tokens is None:
            return None
        return prices.cost(*self.tokens)

    def clock(self, name: str) -> None:
        """Notes, once, how many milliseconds after the start something happened."""
        self.timings_ms.setdefault(name, round((time.monotonic() - self.started_at) * 1000))

    @property
    def upstream_events(self) -> str | None:
        """What the tier that spoke last has kept of its upstream's events."""
        return self.started.kept.text() if self.started and self.started.kept else None

    @property
    def content(self) -> str:
        return "".join(self.text)


def conclude(draft: Draft, record: RunRecord, stopped: StopReason | None, failure: BaseException | None) -> Answer:
    """The answer to save. It ended by itself (neither `stopped` nor `failure`), was ended, or failed."""
    draft.clock("total")
    may_replace = bool(draft.text) and failure is None and stopped in (None, "stopped")
    if failure is None and stopped != "shutdown":
        if stopped is not None:
            draft.finish_reason = "stopped"
        return Answer(
            content=draft.content,
            status="complete" if stopped is None else "interrupted",
            terminal=done_data(draft, record, may_replace=may_replace),
            sources=draft.sources or [],
            citations=[asdict(citation) for citation in draft.citations],
            cascade_tier=draft.tier,
            finish_reason=draft.finish_reason,
            upstream_events=draft.upstream_events,
            cost=draft.cost,
            may_replace=may_replace,
        )
    return Answer(
        content=draft.content,
        status="interrupted" if draft.text else "failed",
        terminal=failure_data(record, failure),
        sources=draft.sources or [],
        citations=[asdict(citation) for citation in draft.citations],
        cascade_tier=draft.tier,
        upstream_events=draft.upstream_events,
        cost=draft.cost,
    )


def stands(answer: Answer, record: RunRecord) -> bool:
    """Whether an answer is what the conversation has of its run: one that should have been made anew stays as it was
    where nothing better came of it."""
    return record.replaces is None or answer.may_replace


def done_data(draft: Draft, record: RunRecord, *, may_replace: bool) -> dict[str, Any]:
    """The data of a `done` frame. It names the message that stands in the conversation now."""
    standing = record.message_id if may_replace else record.replaces or record.message_id
    return {
        "cascade_tier": draft.tier,
        "conversation_id": str(record.conversation_id),
        "message_id": str(standing),
        "run_id": str(record.id),
        "finish_reason": draft.finish_reason,
        "creator": draft.creator,
        "scope": draft.scope,
        "persona": draft.persona,
        "budget": draft.budget,
        "citations": [asdict(citation) for citation in draft.citations],
        "standalone_query": draft.query,
        "usage": asdict(draft.usage),
        "tiers_tried": [asdict(tried) for tried in draft.tiers_tried],
        "timings_ms": {name: draft.timings_ms.get(name) for name in ("retrieval", "first_token", "total")},
    }


def nothing_new(record: RunRecord) -> Message:
    """What is told of a run that should have made an answer anew and has left it as it was: that it was stopped, with
    what is still known, or that it was cut off."""
    if record.stopped:
        draft = Draft(query="", creator=record.creator, finish_reason="stopped")
        forgotten = {"standalone_query": None, "budget": None}
        terminal = done_data(draft, record, may_replace=False) | forgotten
    else:
        terminal = error_data(Interrupted(), record, saved=False)
    return Message(
        id=record.message_id,
        seq=record.seq + 1,
        role="assistant",
        content="",
        status="failed",
        sources=[],
        citations=[],
        cascade_tier=None,
        finish_reason="stopped" if record.stopped else None,
        created_at=record.heartbeat_at,
        terminal=terminal,
    )


def failure_data(record: RunRecord, failure: BaseException | None) -> dict[str, Any]:
    """The data of an `error` frame; only our own sentences are told."""
    if failure is None:
        failure = Unavailable(SHUTDOWN, retry_after=2)
    elif not isinstance(failure, FootnoteError):
        failure = InternalError(INTERNAL_SENTENCE)
    return error_data(failure, record, saved=record.replaces is None)
