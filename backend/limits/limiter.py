"""Who may ask now: by the counters in Redis, and more strictly by those of this process while Redis is away."""

import asyncio
import hashlib
import hmac
import logging
import math
import time
from collections.abc import Mapping
from contextlib import suppress
from secrets import token_hex

from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.absence import ALONE_S, Absence
from backend.cancelling import cancelled
from backend.errors import RateLimited
from backend.limits.headers import rate_limit_headers
from backend.limits.local_counters import LocalCounters
from backend.limits.rules import AskerKind, Counters, Kind, Subject, Verdict
from backend.limits.shared_counters import LEASE_S, SharedCounters
from backend.settings_limits import AskerLimits, LimitsSettings, WindowLimits

log = logging.getLogger(__name__)

LOOK_S = ALONE_S / 4  # a Redis that is away is asked so often whether it is back
RENEW_S = LEASE_S / 3
# Each worker alone gives this part of what the workers of its machine would give together: there may be other machines.
LOCAL_PART = 2
MOST_REMEMBERED = 10_000
AWAY = (RedisError, OSError, TimeoutError)

SENTENCES: dict[Kind, str] = {
    "minute": "You have asked as much as may be asked in a minute: wait a little, then go on.",
    "hour": "You have asked as much as may be asked in an hour: come back later.",
    "runs": "Your last questions are still being answered: wait for one of the answers, or stop it.",
}
BUSY = {
    "creator": "This creator is being asked more than can be answered: try again later.",
    "site": "More is being asked here than can be answered: try again later.",
}


class Limiter:
    """Admits questions. `open` and `close` belong to the lifespan."""

    def __init__(
        self, redis: Redis, settings: LimitsSettings, sites: Mapping[str, WindowLimits], secret: bytes, workers: int
    ) -> None:
        """`sites` are those with limits of their own. `secret` makes keys of addresses that nobody can turn back;
        `redis` must wait for a second at least."""
        self._settings = settings
        self._sites = sites
        self._secret = secret
        self._shared = SharedCounters(redis)
        self._local = LocalCounters(LOCAL_PART * workers)
        self.absence = Absence()
        self._refused: dict[str, tuple[float, Verdict]] = {}
        self._running: dict[str, list[Subject]] = {}
        self._background: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Begins to tell Redis of the answers that are still running, and to look for it when it is away."""
        self._background = [asyncio.create_task(work) for work in (self._renew(), self._look_for_redis())]

    async def close(self) -> None:
        await asyncio.gather(*map(cancelled, self._background))

    def allowance(
        self, kind: AskerKind, asker: str, address: str, site: str = "", creator: str | None = None
    ) -> "Allowance":
        """What a question needs that this visitor, user or key asks from this address on a site ("" is the service's
        own page). Before it is taken, somebody has to make sure that site and creator exist.

        Who asks comes first: what one client is refused takes nothing from a site or a creator. Only a visitor is also
        counted by the address, as a new one costs nothing.
        """
        rules = self._settings
        subjects = [self._asker(kind, asker, getattr(rules, kind))]
        if kind == "visitor":
            subjects.append(self._asker("address", address, rules.address))
        subjects.append(self._shared_by_all("site", site, self._sites.get(site, rules.site)))
        if creator is not None:
            subjects.append(self._shared_by_all("creator", creator, rules.creator))
        return Allowance(self, subjects)

    def _shared_by_all(self, name: str, value: str, rules: WindowLimits) -> Subject:
        return Subject(name, self._key(name, value), rules.per_minute, rules.per_hour, None)

    def _asker(self, name: str, value: str, rules: AskerLimits) -> Subject:
        return Subject(name, self._key(name, value), rules.per_minute, rules.per_hour, rules.runs)

    def _key(self, name: str, value: str) -> str:
        return hmac.digest(self._secret, f"limits\0{name}\0{value}".encode(), hashlib.sha256).hex()[:32]

    def remembered(self, subjects: list[Subject]) -> Verdict | None:
        """What refused one of them before, if it is known to do so still."""
        now = time.monotonic()
        for subject in subjects:
            until, verdict = self._refused.get(subject.key, (0.0, None))
            if verdict is not None and until > now:
                return Verdict(False, verdict.subject, verdict.kind, 0, until - now)
        return None

    async def take(self, subjects: list[Subject], ticket: str) -> tuple[Verdict, Counters]:
        """Counts a question if all admit it, and says who has counted."""
        if not self.absence.lasts:
            try:
                verdict = await self._shared.take(subjects, ticket)
            except AWAY:
                if not self.absence.lasts:  # others may have waited for the same
                    log.warning("Redis is away; this worker limits questions by itself, and more strictly")
                self.absence.begin()
            else:
                # Nothing but time makes room in a log, so until then there is no need to ask again.
                self._remember(verdict, verdict.wait_s)
                if verdict.admitted:
                    self._running[ticket] = subjects
                return verdict, self._shared
        verdict = await self._local.take(subjects, ticket)
        self._remember(verdict, min(verdict.wait_s, ALONE_S))  # Redis may be back then, and knows better
        return verdict, self._local

    async def release(self, counters: Counters, subjects: list[Subject], ticket: str) -> None:
        """An answer is not running any more."""
        self._running.pop(ticket, None)
        if counters is self._shared and self.absence.lasts:
            self._shared.let_go(subjects, ticket)
        else:
            await counters.release(subjects, ticket)

    def _remember(self, verdict: Verdict, seconds: float) -> None:
        if verdict.admitted:
            return
        now = time.monotonic()
        if len(self._refused) >= MOST_REMEMBERED:
            self._refused = {key: each for key, each in self._refused.items() if each[0] > now}
        if len(self._refused) < MOST_REMEMBERED:
            self._refused[verdict.subject.key] = (now + seconds, verdict)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await self._shared.renew([(subjects, ticket) for ticket, subjects in self._running.items()])
            except AWAY:
                log.warning("Redis is away; running answers are counted again when it is back")

    async def _look_for_redis(self) -> None:
        """As long as Redis is away only the first question waits for it: its absence is prolonged here."""
        with suppress(*AWAY):
            await self._shared.ping()  # so that the first burst of questions does not wait for a connection
        while True:
            await asyncio.sleep(LOOK_S)
            if self.absence.lasts:
                try:
                    await self._shared.ping()
                except AWAY:
                    self.absence.begin()


class Allowance:
    """What one question needs: taken before it begins, and released when its answer is not running any more."""

    def __init__(self, limiter: Limiter, subjects: list[Subject]) -> None:
        self._limiter = limiter
        self._subjects = subjects
        self._ticket = token_hex(8)
        self._counters: Counters | None = None
        self.headers: Mapping[str, str] = {}

    @property
    def exhausted(self) -> bool:
        """Whether `take` is sure to refuse, for now."""
        return self._limiter.remembered(self._subjects) is not None

    def check(self) -> None:
        """Raises `RateLimited` for who has been refused and told when to come back, without asking anybody."""
        verdict = self._limiter.remembered(self._subjects)
        if verdict is not None:
            raise self._refusal(verdict)

    async def take(self) -> None:
        """Counts the question; from now on the headers say what is left. Raises `RateLimited` with nothing counted."""
        self.check()
        verdict, counters = await self._limiter.take(self._subjects, self._ticket)
        if not verdict.admitted:
            raise self._refusal(verdict)
        self._counters = counters
        self.headers = rate_limit_headers(self._subjects, verdict)

    async def release(self) -> None:
        """The answer is not running any more. Repeats do nothing, nor does it where nothing was taken."""
        counters, self._counters = self._counters, None
        if counters is not None:
            await self._limiter.release(counters, self._subjects, self._ticket)

    def _refusal(self, verdict: Verdict) -> RateLimited:
        sentence = BUSY.get(verdict.subject.name, SENTENCES[verdict.kind])
        headers = rate_limit_headers(self._subjects, verdict)
        return RateLimited(sentence, retry_after=max(math.ceil(verdict.wait_s), 1), headers=headers)
