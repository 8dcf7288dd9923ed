"""Tiers that do as they are told, and what a cascade of them says."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from backend.llm.budget import Budget, Prices
from backend.llm.cascade import Cascade, CascadeEvent, Started
from backend.llm.race import Member, TierTried
from backend.llm.tier import Finish, Prompt, TierFailure, Token

PROMPT = Prompt(messages=(), question="?", sources=(), tokens=0, max_tokens=10)


class ScriptedTier:
    """Yields its script; an exception in it is raised, and a number is a silence in seconds."""

    def __init__(self, name: str, *script: Token | Finish | TierFailure | float) -> None:
        self.name = name
        self.script = script
        self.closed = 0

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Token | Finish, None]:
        try:
            for step in self.script:
                if isinstance(step, TierFailure):
                    raise step
                if isinstance(step, float):
                    await asyncio.sleep(step)
                else:
                    yield step
        finally:
            self.closed += 1

    async def close(self) -> None: ...


def outcomes(tiers_tried: tuple[TierTried, ...]) -> list[tuple[str, str]]:
    assert all(entry.elapsed_ms >= 0 for entry in tiers_tried)
    return [(entry.cascade_tier, entry.outcome) for entry in tiers_tried]


class Letters:
    """Counts letters, which is enough where tokens do not matter."""

    def count(self, text: str) -> int:
        return len(text)


LETTERS: Any = Letters()


def member(tier: ScriptedTier, **changes: Any) -> Member:
    """The tier with room for everything, no prices and no breaker."""
    return Member(
        **{"tier": tier, "budget": Budget(LETTERS, 1000, 1000), "prices": Prices(), "breaker": None} | changes
    )


def cascade_of(*tiers: ScriptedTier, **options: Any) -> Cascade:
    return Cascade([member(tier) for tier in tiers], **options)


def prompt_for(budget: Budget) -> Prompt:
    return PROMPT


async def collect(cascade: Cascade, events: list[CascadeEvent | str], *, hard: bool = False) -> None:
    """Notes the events down as they come; of `Started` only the name."""
    async with aclosing(cascade.answer(prompt_for, hard=hard)) as answer:
        async for event in answer:
            events.append(event.tier if isinstance(event, Started) else event)


async def events_of(*tiers: ScriptedTier, **options: Any) -> list[Any]:
    events: list[CascadeEvent | str] = []
    cascade = cascade_of(*tiers, **options)
    await collect(cascade, events)
    await cascade.close()
    return events
