"""The breaker of a tier: leaves it out while it fails, and lets one question try whether it is back.

What is known is shared by all workers through Redis. A worker that knows of no failure asks nobody, so the way of a
question through healthy tiers costs nothing; from its first failure on it asks Redis each time, until Redis knows of
none either. So a dead tier gets, from one question after the other, `threshold` calls in a window and one more from
each further worker that has not heard of it yet. While Redis is away each worker counts by itself.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.absence import Absence
from backend.llm.circuit import LocalCircuit, Rules, SharedCircuit, Standing, State
from backend.llm.tier import TierFailure

log = logging.getLogger(__name__)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Admission:
    """The leave to ask a tier. A `probe` is the one question that tries whether a tier is back. `clean`: no failure was
    known, so an answer is no news."""

    probe: bool = False
    clean: bool = False


class Circuit(Protocol):
    """What is known of one tier, here or in Redis. Times are in seconds."""

    async def admit(self) -> Standing:
        """Where the tier stands for a question that wants to ask it; `trying` gives the probe to it."""
        ...

    async def look(self) -> Standing:
        """The same without asking for anything."""
        ...

    async def fail(self, *, probe: bool, retry_after_s: float | None) -> Standing:
        """Counts a failure. With `retry_after_s` the tier is left out for at least that long whatever was before."""
        ...

    async def succeed(self, *, probe: bool) -> None:
        """Forgets the failures; the success of a probe ends the cooldown."""
        ...

    async def give_up(self) -> None:
        """The probe ended without telling anything: another may try."""
        ...

    async def refuse_key(self) -> bool:
        """Takes the tier out; False where it was out already."""
        ...


class Breaker:
    """Who may ask one tier of one configuration."""

    def __init__(
        self, name: str, configuration: str, redis: Redis, rules: Rules, absence: Absence | None = None
    ) -> None:
        """`configuration` is what a wrong key is remembered for: see `fingerprint`. `absence` says when others on the
        way of a question have found Redis away."""
        self._name = name
        self._shared: Circuit = SharedCircuit(redis, f"{name}:{configuration}", rules)
        self._local: Circuit = LocalCircuit(rules)
        self._absence = Absence(absence)
        self._no_failure_known = False  # others may know more than a worker that has just started

    async def admit(self) -> Admission | None:
        """The leave to ask, None where the tier is to be left out."""
        if self._no_failure_known:
            return Admission(clean=True)
        standing = await self._known(lambda circuit: circuit.admit())
        self._no_failure_known = standing.state == "closed" and standing.failures == 0
        if standing.state in ("open", "key_refused"):
            return None
        return Admission(probe=standing.state == "trying", clean=self._no_failure_known)

    async def is_closed(self) -> bool:
        """Whether the tier may be asked for something that could do without it, and so should not be what tries."""
        return self._no_failure_known or await self.state() == "closed"

    async def speaks(self, admission: Admission) -> None:
        """The first token is there, which is enough for a probe: the others wait for it."""
        if admission.probe:
            await self._succeed(admission)

    async def answered(self, admission: Admission) -> None:
        """The answer is whole. A probe has told so at its first token."""
        if not (admission.clean or admission.probe):
            await self._succeed(admission)

    async def failed(self, admission: Admission, failure: TierFailure) -> None:
        """Counts what the tier is to blame for."""
        if failure.blame == "key":
            self._no_failure_known = False
            await self._local.refuse_key()
            if await self._known(lambda circuit: circuit.refuse_key()):
                log.error("tier %s refuses its key: it is left out until its configuration changes", self._name)
            return
        if failure.blame == "question":
            await self.give_up(admission)
            return
        self._no_failure_known = False
        standing = await self._known(
            lambda circuit: circuit.fail(probe=admission.probe, retry_after_s=failure.retry_after_s)
        )
        if standing.opened:
            log.warning("tier %s is left out for %.1f s", self._name, standing.wait_s)

    async def give_up(self, admission: Admission) -> None:
        """The question ended before the tier could show anything, or shows nothing about the tier."""
        if admission.probe:
            await self._known(lambda circuit: circuit.give_up())

    async def state(self) -> State:
        """For those who watch over the service."""
        return (await self._look()).state

    async def wait_s(self) -> float | None:
        """How long the tier is left out yet: 0 where it may be asked now, None while it refuses its key. Seconds."""
        standing = await self._look()
        return None if standing.state == "key_refused" else standing.wait_s

    async def _look(self) -> Standing:
        return await self._known(lambda circuit: circuit.look())

    async def _succeed(self, admission: Admission) -> None:
        await self._known(lambda circuit: circuit.succeed(probe=admission.probe))

    async def _known(self, question: Callable[[Circuit], Awaitable[Result]]) -> Result:
        """Asks Redis, and what this worker knows by itself while Redis is away."""
        if not self._absence.lasts:
            try:
                return await question(self._shared)
            except (RedisError, OSError, TimeoutError):
                self._absence.begin()
                log.warning("Redis is away; this worker counts the failures of tier %s by itself", self._name)
        return await question(self._local)


def fingerprint(base_url: str, model: str | None, key: str | None) -> str:
    """Tells one configuration of a tier from another. The key cannot be told from it."""
    secret = hashlib.sha256((key or "").encode()).hexdigest()
    return hashlib.sha256("\0".join((base_url, model or "", secret)).encode()).hexdigest()[:16]
