"""The cascade: tiers in order, until one has answered."""

import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal, assert_never

from backend.errors import Unavailable
from backend.knowledge.similarity import Similarity
from backend.llm.agent_tier import AgentTier, Sessions
from backend.llm.deadlines import Deadlines
from backend.llm.extractive_tier import ExtractiveTier
from backend.llm.openai_tier import OpenAITier
from backend.llm.tier import Finish, Outcome, Prompt, Tier, TierFailure, Token
from backend.settings import Settings
from backend.settings_tiers import AgentTierSettings, ExtractiveTierSettings, OpenAITierSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TierTried:
    """One tier that was asked; `elapsed_ms` from its request to its end."""

    cascade_tier: str
    outcome: Outcome
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of the answer as the upstream gave them, None where it gave none."""

    prompt_tokens: int | None
    completion_tokens: int | None


@dataclass(frozen=True, slots=True)
class Started:
    """The first token of `tier` is there; it follows at once."""

    tier: str


@dataclass(frozen=True, slots=True)
class Reset:
    """`tier` failed within its answer and another has begun: what was streamed so far is void."""

    tier: str
    reason: Outcome


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete; the last event. `events` is what the tier wants kept with it."""

    tier: str
    finish_reason: Literal["stop", "length"]
    usage: Usage
    tiers_tried: tuple[TierTried, ...]
    events: str | None = None


CascadeEvent = Started | Token | Reset | Finished


class NoTierAnswered(Unavailable):
    """Every tier failed; `tiers_tried` says how, in order. Tokens that were streamed before stay what was said."""

    def __init__(self, tiers_tried: tuple[TierTried, ...]) -> None:
        super().__init__("Nothing that could write an answer is available just now. Please try again.")
        self.tiers_tried = tiers_tried


class Cascade:
    """Asks each tier until one answers to the end."""

    def __init__(self, tiers: Sequence[Tier]) -> None:
        self.tiers = tuple(tiers)

    async def answer(self, prompt: Prompt) -> AsyncGenerator[CascadeEvent, None]:
        """`Started`, tokens and `Finished`; raises `NoTierAnswered` when no tier is left.

        A tier that fails before its first token is passed over silently. One that fails later is followed by `Reset`
        and `Started` as soon as another has its first token, and not before: while none has, the reader keeps the
        text that there is.
        """
        tried: list[TierTried] = []
        broken: tuple[str, Outcome] | None = None
        for tier in self.tiers:
            begun = False
            asked_at = time.monotonic()
            try:
                async with aclosing(tier.stream(prompt)) as stream:
                    async for event in stream:
                        match event:
                            case Token():
                                if not begun:
                                    begun = True
                                    if broken is not None:
                                        yield Reset(*broken)
                                    yield Started(tier.name)
                                yield event
                            case Finish(reason, prompt_tokens, completion_tokens, kept):
                                tried.append(TierTried(tier.name, "answered", since(asked_at)))
                                usage = Usage(prompt_tokens, completion_tokens)
                                yield Finished(tier.name, reason, usage, tuple(tried), kept)
                                return
                            case _:
                                assert_never(event)
            except TierFailure as failure:
                tried.append(TierTried(tier.name, failure.outcome, since(asked_at)))
                log.warning("tier %s failed: %s after %d ms", tier.name, failure.outcome, tried[-1].elapsed_ms)
                if begun:
                    broken = (tier.name, failure.outcome)
        raise NoTierAnswered(tuple(tried))

    async def close(self) -> None:
        """Closes every tier's connections."""
        for tier in self.tiers:
            await tier.close()


def open_cascade(settings: Settings, similarity: Similarity | None, sessions: Sessions) -> Cascade:
    """The tiers of `cascade.order`; one that lacks its base URL or model is left out, with a line in the log."""
    tiers: list[Tier] = []
    for name in settings.cascade.order:
        section = settings.tiers[name]
        match section:
            case OpenAITierSettings(base_url=str(base_url), model=str(model)) if base_url and model:
                tiers.append(openai_tier(name, base_url, model, section))
            case OpenAITierSettings():
                log.info("tier %s is skipped: it has no base_url or no model", name)
            case AgentTierSettings(base_url=str(base_url)) if base_url:
                tiers.append(agent_tier(name, base_url, section, sessions))
            case AgentTierSettings():
                log.info("tier %s is skipped: it has no base_url", name)
            case ExtractiveTierSettings():
                tiers.append(ExtractiveTier(name, similarity))
            case _:
                assert_never(section)
    return Cascade(tiers)


def openai_tier(name: str, base_url: str, model: str, section: OpenAITierSettings) -> OpenAITier:
    """A tier from its settings."""
    return OpenAITier(
        name,
        base_url=base_url,
        model=model,
        api_key=section.api_key.get_secret_value() if section.api_key else None,
        deadlines=Deadlines(section.first_token_timeout_s, section.idle_timeout_s, section.total_timeout_s),
    )


def agent_tier(name: str, base_url: str, section: AgentTierSettings, sessions: Sessions) -> AgentTier:
    """A tier from its settings."""
    return AgentTier(
        name,
        base_url=base_url,
        api_key=section.api_key.get_secret_value() if section.api_key else None,
        connect_timeout_s=section.connect_timeout_s,
        deadlines=Deadlines(section.first_token_timeout_s, section.idle_timeout_s, section.total_timeout_s),
        max_response_bytes=section.max_response_bytes,
        max_line_bytes=section.max_line_bytes,
        sessions=sessions,
    )


def since(moment: float) -> int:
    """Whole milliseconds from a moment of the monotonic clock until now."""
    return round((time.monotonic() - moment) * 1000)
