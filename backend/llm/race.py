"""Who answers: tiers are asked one after the other, or side by side once one is silent, until one has spoken."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from dataclasses import dataclass

from backend.llm.breaker import Admission, Breaker
from backend.llm.budget import Budget, Prices
from backend.llm.tier import Finish, Outcome, Prompt, Tier, TierFailure, Token

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TierTried:
    """One tier that was asked; `elapsed_ms` from its request to its end. Those `skipped` or `over_budget` were not
    asked."""

    cascade_tier: str
    outcome: Outcome
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class Member:
    """A tier of a cascade, and what is known of it beforehand. Without a breaker it is always asked."""

    tier: Tier
    budget: Budget
    prices: Prices
    breaker: Breaker | None


class Attempt:
    """One tier with one question, from its request to its end."""

    def __init__(self, member: Member, prompt: Prompt, admission: Admission) -> None:
        self.member = member
        self.name = member.tier.name
        self.prompt = prompt
        self.first = Token("")
        self.stream: AsyncGenerator[Token | Finish, None] = member.tier.stream(prompt)
        self.outcome: Outcome = "stopped"
        self.spoken = False
        self._admission = admission
        self._asked_at = time.monotonic()
        self._ended_at: float | None = None

    @property
    def told(self) -> TierTried:
        """How it went, or goes."""
        return TierTried(self.name, self.outcome, milliseconds(self._asked_at, self._ended_at or time.monotonic()))

    async def speak(self) -> bool:
        """Waits for the first token, which is in `first` then; False where the tier fails before."""
        try:
            first = await anext(self.stream, None)
            if not isinstance(first, Token):
                raise TierFailure("empty")
        except TierFailure as failure:
            await self.failed(failure)
            return False
        self.first = first
        self.spoken = True
        if self.member.breaker:
            await self.member.breaker.speaks(self._admission)
        return True

    async def answered(self) -> None:
        """The answer is whole."""
        self._end("answered")
        if self.member.breaker:
            await self.member.breaker.answered(self._admission)

    async def failed(self, failure: TierFailure) -> None:
        """The tier failed, before its first token or after it."""
        self._end(failure.outcome)
        log.warning("tier %s failed: %s after %d ms", self.name, self.outcome, self.told.elapsed_ms)
        if self.member.breaker:
            await self.member.breaker.failed(self._admission, failure)

    async def close(self, *, beaten: bool = False) -> None:
        """Lets go of the upstream, if it is not done yet. `beaten`: its silence is why, so the breaker hears of it."""
        stopped = self._ended_at is None
        if stopped:
            self._ended_at = time.monotonic()
        await self.stream.aclose()
        if stopped and not self.spoken and self.member.breaker:
            if beaten:
                await self.member.breaker.failed(self._admission, TierFailure("timeout"))
            else:
                await self.member.breaker.give_up(self._admission)

    def _end(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self._ended_at = time.monotonic()


def told(turn: Attempt | TierTried) -> TierTried:
    """How the turn of a tier went, or goes, whether it was asked or not."""
    return turn.told if isinstance(turn, Attempt) else turn


class Race:
    """The tiers for one question, in order. `close` lets go of all that are still asked.

    With `hedge_after_s` the next tier is asked as well when nobody has spoken for so long; the first token wins, and
    the others are let go of in tasks that `closing` holds. One that was silent for as long has failed for its breaker,
    which would never hear of a tier that hangs otherwise.
    """

    def __init__(
        self,
        members: Iterable[Member],
        prompt_for: Callable[[Budget], Prompt],
        hedge_after_s: float | None,
        closing: set[asyncio.Task[None]],
        turn: Callable[[Attempt | TierTried], None] = lambda _turn: None,
        may_be_asked: Callable[[Member], bool] = lambda _member: True,
    ) -> None:
        self._waiting = deque(members)
        self._prompt_for = prompt_for
        self._hedge_after_s = hedge_after_s
        self._closing = closing
        self._tell_of = turn
        self._may_be_asked = may_be_asked
        self._turns: list[Attempt | TierTried] = []
        self._open: set[Attempt] = set()
        self._asking: dict[asyncio.Task[bool], Attempt] = {}

    @property
    def tried(self) -> tuple[TierTried, ...]:
        """Every tier so far, in the order in which it was its turn."""
        return tuple(map(told, self._turns))

    async def first_to_speak(self) -> Attempt | None:
        """The next attempt that has come to its first token; None where no tier is left."""
        while (attempt := await self._begin_next()) is not None or self._asking:
            if attempt is not None and self._hedge_after_s is None:
                if await attempt.speak():
                    return attempt
                continue
            if attempt is not None:
                self._asking[asyncio.create_task(attempt.speak())] = attempt
            if (winner := await self._listen()) is not None:
                self._let_go(beaten=True)
                return winner
        return None

    async def close(self) -> None:
        """Nothing of this question is asked any more when it returns."""
        if ending := self._let_go():
            await asyncio.wait(ending)
        for attempt in self._open:
            await attempt.close()

    async def _begin_next(self) -> Attempt | None:
        """Asks the next tier that may be asked; None where there is none."""
        while self._waiting:
            member = self._waiting.popleft()
            if not self._may_be_asked(member):
                self._take_turn(TierTried(member.tier.name, "over_budget", 0))
                continue
            admission = await member.breaker.admit() if member.breaker else Admission(clean=True)
            if admission is not None:
                attempt = Attempt(member, self._prompt_for(member.budget), admission)
                self._take_turn(attempt)
                self._open.add(attempt)
                return attempt
            self._take_turn(TierTried(member.tier.name, "skipped", 0))
        return None

    def _take_turn(self, turn: Attempt | TierTried) -> None:
        self._turns.append(turn)
        self._tell_of(turn)

    async def _listen(self) -> Attempt | None:
        """Who speaks first; None when it is the next tier's turn, because of silence or because all have failed."""
        while self._asking:
            patience_s = self._hedge_after_s if self._waiting else None
            done, _ = await asyncio.wait(self._asking, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                return None
            ended = [(task, attempt) for task, attempt in self._asking.items() if task in done]
            for task, _ in ended:
                del self._asking[task]
            spoken = [attempt for task, attempt in ended if task.result()]
            if spoken:
                for late in spoken[1:]:
                    self._in_background(late, late.close())
                return spoken[0]
        return None

    def _let_go(self, *, beaten: bool = False) -> list[asyncio.Task[None]]:
        """Ends all that are still silent, each in a task of its own; `beaten` by one that has spoken."""
        patience_ms = milliseconds(0, self._hedge_after_s or 0)
        ending = [
            self._in_background(attempt, cancelled(task, attempt, beaten and attempt.told.elapsed_ms >= patience_ms))
            for task, attempt in self._asking.items()
        ]
        self._asking.clear()
        return ending

    def _in_background(self, attempt: Attempt, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        self._open.discard(attempt)
        task = asyncio.create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return task


async def cancelled(speaking: asyncio.Task[bool], attempt: Attempt, beaten: bool) -> None:
    """Ends an attempt that may be waiting for its first token."""
    speaking.cancel()
    await asyncio.wait([speaking])
    await attempt.close(beaten=beaten)


def milliseconds(start: float, end: float) -> int:
    """Whole milliseconds between two moments of the monotonic clock."""
    return round((end - start) * 1000)
