"""What is known of a tier's failures: in Redis for all workers, and here while Redis is away. Both keep the same rules.

Closed: `threshold` failures within `window_s`, and no answer since, open it. Open: nobody asks for `cooldown_s`, or for
as long as the upstream wants where that is longer. Half open: one question tries; its failure opens it anew, its first
token closes it. A failure below the threshold with which the upstream wants a pause opens it for just that pause.
"""

import time
from dataclasses import dataclass
from typing import Any, Literal, cast
from uuid import uuid4

from redis.asyncio import Redis

# `trying`: half open, and this question is the one that tries.
State = Literal["closed", "open", "half_open", "trying", "key_refused"]

PREFIX = "footnote:tier"
# A key that is refused may be made valid where it was issued, so it is tried again after so long. Everything else is
# forgotten when nobody has asked for as long.
KEPT_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Rules:
    """`probe_s` is how long a probe may take to its first token; then another may try. Seconds."""

    threshold: int
    window_s: float
    cooldown_s: float
    probe_s: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a tier stands: `failures` that count while it is closed, `wait_s` while it is open. `opened`: just now."""

    state: State
    failures: int = 0
    wait_s: float = 0.0
    opened: bool = False


# Each runs as a whole, so no two workers can both take the probe. KEYS: out, open, half, probe, failures.
LOOK = """
if redis.call('EXISTS', KEYS[1]) == 1 then return {'key_refused', 0, 0, 0} end
local wait = redis.call('PTTL', KEYS[2])
if wait > 0 then return {'open', 0, wait, 0} end
if redis.call('EXISTS', KEYS[3]) == 1 then
  if redis.call('EXISTS', KEYS[4]) == 1 then return {'open', 0, redis.call('PTTL', KEYS[4]), 0} end
  if ARGV[1] == '0' then return {'half_open', 0, 0, 0} end
  redis.call('SET', KEYS[4], '1', 'PX', ARGV[1])
  return {'trying', 0, 0, 0}
end
local now = redis.call('TIME')
local oldest = now[1] * 1000000 + now[2] - ARGV[2] * 1000
return {'closed', redis.call('ZCOUNT', KEYS[5], oldest, '+inf'), 0, 0}
"""
# ARGV: whether it was the probe, the wait that was asked for or 0, cooldown, window, threshold, a name for the failure,
# how long to remember. Milliseconds.
FAIL = """
local asked = tonumber(ARGV[2])
local wait = math.max(asked, tonumber(ARGV[3]))
if ARGV[1] == '0' then
  if asked == 0 and redis.call('EXISTS', KEYS[3]) == 1 then
    return {'open', 0, math.max(redis.call('PTTL', KEYS[2]), 0), 0}
  end
  local now = redis.call('TIME')
  local moment = now[1] * 1000000 + now[2]
  redis.call('ZADD', KEYS[5], moment, ARGV[6])
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', '(' .. string.format('%.0f', moment - ARGV[4] * 1000))
  redis.call('PEXPIRE', KEYS[5], ARGV[4])
  local failures = redis.call('ZCARD', KEYS[5])
  if failures < tonumber(ARGV[5]) then
    if asked == 0 then return {'closed', failures, 0, 0} end
    wait = asked
  end
end
redis.call('DEL', KEYS[4])
redis.call('SET', KEYS[3], '1', 'PX', ARGV[7])
local left = redis.call('PTTL', KEYS[2])
if left >= wait then return {'open', 0, left, 0} end
redis.call('SET', KEYS[2], '1', 'PX', wait)
return {'open', 0, wait, 1}
"""


class SharedCircuit:
    """The state in Redis, by the clock of Redis. Every method raises what the client raises while Redis is away."""

    def __init__(self, redis: Redis, name: str, rules: Rules) -> None:
        self._redis = redis
        self._rules = rules
        # Braces keep the keys of a tier together where Redis is a cluster.
        self._keys = [f"{PREFIX}:{{{name}}}:{part}" for part in ("out", "open", "half", "probe", "failures")]
        self._look = redis.register_script(LOOK)
        self._fail = redis.register_script(FAIL)

    async def admit(self) -> Standing:
        return standing(await self._look(self._keys, [milliseconds(self._rules.probe_s), self._window]))

    async def look(self) -> Standing:
        return standing(await self._look(self._keys, [0, self._window]))

    async def fail(self, *, probe: bool, retry_after_s: float | None) -> Standing:
        arguments: list[str | int] = [
            int(probe),
            milliseconds(retry_after_s or 0),
            milliseconds(self._rules.cooldown_s),
            self._window,
            self._rules.threshold,
            uuid4().hex,
            KEPT_S * 1000,
        ]
        return standing(await self._fail(self._keys, arguments))

    async def succeed(self, *, probe: bool) -> None:
        await self._redis.delete(*(self._keys[1:] if probe else self._keys[4:]))

    async def give_up(self) -> None:
        await self._redis.delete(self._keys[3])

    async def refuse_key(self) -> bool:
        return bool(await self._redis.set(self._keys[0], "1", nx=True, ex=KEPT_S))

    @property
    def _window(self) -> int:
        return milliseconds(self._rules.window_s)


class LocalCircuit:
    """The state of this process alone."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._failures: list[float] = []
        self._open_until = 0.0
        self._half = False
        self._probe_until = 0.0
        self._out_until = 0.0

    async def admit(self) -> Standing:
        found = await self.look()
        if found.state != "half_open":
            return found
        self._probe_until = time.monotonic() + self._rules.probe_s
        return Standing("trying")

    async def look(self) -> Standing:
        now = time.monotonic()
        if now < self._out_until:
            return Standing("key_refused")
        if now < self._open_until:
            return Standing("open", wait_s=self._open_until - now)
        if self._half:
            trying = self._probe_until - now
            return Standing("open", wait_s=trying) if trying > 0 else Standing("half_open")
        self._forget_old(now)
        return Standing("closed", len(self._failures))

    async def fail(self, *, probe: bool, retry_after_s: float | None) -> Standing:
        now = time.monotonic()
        asked_s = retry_after_s or 0.0
        wait_s = max(asked_s, self._rules.cooldown_s)
        if not probe:
            if not asked_s and self._half:
                return Standing("open", wait_s=max(self._open_until - now, 0.0))
            self._failures.append(now)
            self._forget_old(now)
            if len(self._failures) < self._rules.threshold:
                if not asked_s:
                    return Standing("closed", len(self._failures))
                wait_s = asked_s
        self._probe_until = 0.0
        self._half = True
        opened = now + wait_s > self._open_until
        self._open_until = max(self._open_until, now + wait_s)
        return Standing("open", wait_s=self._open_until - now, opened=opened)

    async def succeed(self, *, probe: bool) -> None:
        self._failures.clear()
        if probe:
            self._half = False
            self._open_until = self._probe_until = 0.0

    async def give_up(self) -> None:
        self._probe_until = 0.0

    async def refuse_key(self) -> bool:
        now = time.monotonic()
        if now < self._out_until:
            return False
        self._out_until = now + KEPT_S
        return True

    def _forget_old(self, now: float) -> None:
        self._failures = [moment for moment in self._failures if moment > now - self._rules.window_s]


def standing(answer: list[Any]) -> Standing:
    """What a script gives."""
    state, failures, wait, opened = answer
    return Standing(cast(State, state.decode()), failures, wait / 1000, bool(opened))


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, at least one where there is any time."""
    return max(round(seconds * 1000), 1) if seconds > 0 else 0
