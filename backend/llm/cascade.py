"""The cascade: tiers in order, until one has answered."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal, assert_never

from backend.errors import Unavailable
from backend.llm.breaker import Breaker
from backend.llm.budget import AnswerCap, Budget
from backend.llm.circuit import State
from backend.llm.extractive_tier import ExtractiveTier
from backend.llm.kept_events import KeptEvents
from backend.llm.order import starting_at
from backend.llm.race import Attempt, Member, Race, TierTried
from backend.llm.thrift import Thrift, affordable
from backend.llm.tier import Finish, Outcome, Prompt, TierFailure, Token


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of the answer as the upstream gave them, None where it gave none."""

    prompt_tokens: int | None
    completion_tokens: int | None


@dataclass(frozen=True, slots=True)
class Started:
    """The first token of `tier` is there and follows at once; `prompt` is what it was asked."""

    tier: str
    prompt: Prompt
    member: Member
    kept: KeptEvents | None = None


@dataclass(frozen=True, slots=True)
class Reset:
    """`tier` failed within its answer and another has begun: what was streamed so far is void."""

    tier: str
    reason: Outcome


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete; the last event."""

    tier: str
    finish_reason: Literal["stop", "length"]
    usage: Usage
    tiers_tried: tuple[TierTried, ...]


CascadeEvent = Started | Token | Reset | Finished


class NoTierAnswered(Unavailable):
    """Every tier failed; `tiers_tried` says how, in order. Tokens that were streamed before stay what was said.

    `retry_after` is there where all tiers are left out.
    """

    def __init__(self, tiers_tried: tuple[TierTried, ...], retry_after: int | None) -> None:
        sentence = "Nothing that could write an answer is available just now. Please try again."
        super().__init__(sentence, retry_after=retry_after)
        self.tiers_tried = tiers_tried


class Cascade:
    """Asks each tier until one answers to the end. Hard questions start at `strong`, where there is one."""

    def __init__(
        self, members: Sequence[Member], *, strong: Member | None = None, hedge_after_s: float | None = None
    ) -> None:
        self._members = tuple(members)
        self._strong = strong
        self._hedge_after_s = hedge_after_s
        self._closing: set[asyncio.Task[None]] = set()

    async def answer(
        self,
        prompt_for: Callable[[Budget], Prompt],
        turn: Callable[[Attempt | TierTried], None] = lambda _turn: None,
        *,
        hard: bool = False,
        thrift: Thrift = "none",
    ) -> AsyncGenerator[CascadeEvent, None]:
        """`Started`, tokens and `Finished`; raises `NoTierAnswered` when no tier is left.

        `prompt_for` makes the prompt that fits a tier, when the tier's turn has come. `turn` is told of
        each, whether it is asked or left out. `thrift` leaves out what would cost too much. A tier that fails before
        its first token is passed over silently. One that fails later is followed by `Reset` and `Started` as soon as
        another has its first token, and not before: while none has, the reader keeps the text that there is.
        """
        members = starting_at(self._strong, self._members) if hard and self._strong else self._members
        may_be_asked = affordable(members, thrift)
        race = Race(members, prompt_for, self._hedge_after_s, self._closing, turn, may_be_asked)
        broken: Reset | None = None
        try:
            while (attempt := await race.first_to_speak()) is not None:
                if broken is not None:
                    yield broken
                yield Started(attempt.name, attempt.prompt, attempt.member, attempt.first.kept)
                cap = AnswerCap(attempt.member.budget.counter, attempt.member.budget.answer_tokens)
                try:
                    yield Token(cap.take(attempt.first.text))
                    while not cap.reached:
                        match event := await anext(attempt.stream, None):
                            case Token(text):
                                fits = cap.take(text)
                                yield event if fits is text else Token(fits)
                            case Finish():
                                await attempt.answered()
                                yield finished(attempt, event, race)
                                return
                            case None:
                                raise TierFailure("broken_stream")
                            case _:
                                assert_never(event)
                except TierFailure as failure:
                    await attempt.failed(failure)
                    broken = Reset(attempt.name, failure.outcome)
                else:
                    await attempt.answered()
                    yield finished(attempt, Finish("length"), race)
                    return
            raise NoTierAnswered(race.tried, await shortest_wait(list(filter(may_be_asked, members))))
        finally:
            await race.close()

    @property
    def members(self) -> tuple[Member, ...]:
        """All tiers, in their order; the strong one first, where it is not in the order."""
        extra = (self._strong,) if self._strong and self._strong not in self._members else ()
        return (*extra, *self._members)

    def writes(self, name: str | None = None) -> bool:
        """Whether this tier, or without a name any, puts answers into words of its own instead of quoting."""
        tiers = (member.tier for member in self.members)
        return any(not isinstance(tier, ExtractiveTier) for tier in tiers if name in (None, tier.name))

    def breaker_of(self, name: str) -> Breaker | None:
        """The breaker of a tier; None where it has none, or is not here."""
        return next((member.breaker for member in self.members if member.tier.name == name), None)

    async def states(self) -> dict[str, State]:
        """How each tier stands with its breaker."""
        return {
            member.tier.name: await member.breaker.state() if member.breaker else "closed" for member in self.members
        }

    async def close(self) -> None:
        """Closes every tier's connections."""
        await asyncio.gather(*self._closing, return_exceptions=True)
        for member in self.members:
            await member.tier.close()


def finished(attempt: Attempt, finish: Finish, race: Race) -> Finished:
    """The last event of an answer."""
    usage = Usage(finish.prompt_tokens, finish.completion_tokens)
    return Finished(attempt.name, finish.reason, usage, race.tried)


async def shortest_wait(members: Sequence[Member]) -> int | None:
    """Whole seconds until the first of these may be asked; None where one may be now, or it cannot be said of any."""
    waits = [await member.breaker.wait_s() if member.breaker else 0.0 for member in members]
    return ceil(min((wait for wait in waits if wait is not None), default=0.0)) or None
