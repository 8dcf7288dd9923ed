"""Counters in Redis, for all workers, by the clock of Redis. What is in them expires by itself."""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from backend.absence import comes
from backend.limits.rules import HOUR_S, KINDS, MINUTE_S, RUN_WAIT_S, Subject, Verdict

# Braces keep all keys together where Redis is a cluster, as one script reads several.
PREFIX = "footnote:{limits}"
LEASE_S = 30.0  # a run counts for so long after its worker was last heard of
PATIENCE_S = 0.2  # Redis may take this long
# While it answers others meanwhile, whom this one waits behind, it is there: a burst of questions is a few messages.
MOST_WAITS = 5
RELEASE_S = 0.02  # what is released may be late, so nobody waits for it for longer

# One whole: either everybody's count has room and all are counted, or nothing changes. KEYS: of each subject the log
# of its questions, and its running answers. ARGV: ticket, lease and wait for a run in ms, then of each subject its
# three limits (0: none). Gives: admitted or not, the number of the limit in these three by subject, what is left of
# it, and the ms until there is more.
TAKE = f"""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local windows = {{{MINUTE_S * 1000}, {HOUR_S * 1000}}}
local refusing, longest = -1, 0
local nearest, least, after = 0, math.huge, 0
for subject = 0, #KEYS / 2 - 1 do
  local asked, running = KEYS[subject * 2 + 1], KEYS[subject * 2 + 2]
  redis.call('ZREMRANGEBYSCORE', asked, '-inf', now - windows[2])
  redis.call('ZREMRANGEBYSCORE', running, '-inf', now)
  for number, window in ipairs(windows) do
    local limit = tonumber(ARGV[3 + subject * 3 + number])
    local since = '(' .. string.format('%.0f', now - window)
    local count = redis.call('ZCOUNT', asked, since, '+inf')
    local leaving = redis.call('ZRANGEBYSCORE', asked, since, '+inf', 'WITHSCORES',
                               'LIMIT', math.max(count - limit, 0), 1)
    local wait = leaving[2] and leaving[2] + window - now or window
    if count >= limit and wait > longest then refusing, longest = subject * 3 + number - 1, wait end
    if limit - count - 1 < least then nearest, least, after = subject * 3 + number - 1, limit - count - 1, wait end
  end
  local limit = tonumber(ARGV[3 + subject * 3 + 3])
  if limit > 0 and redis.call('ZCARD', running) >= limit and tonumber(ARGV[3]) > longest then
    refusing, longest = subject * 3 + 2, tonumber(ARGV[3])
  end
end
if refusing >= 0 then return {{0, refusing, 0, longest}} end
for subject = 0, #KEYS / 2 - 1 do
  local asked, running = KEYS[subject * 2 + 1], KEYS[subject * 2 + 2]
  redis.call('ZADD', asked, now, ARGV[1])
  redis.call('PEXPIRE', asked, windows[2])
  if ARGV[3 + subject * 3 + 3] ~= '0' then
    redis.call('ZADD', running, now + ARGV[2], ARGV[1])
    redis.call('PEXPIRE', running, ARGV[2])
  end
end
return {{1, nearest, least, after}}
"""
# KEYS: running answers. ARGV: lease, and the ticket of each.
RENEW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for number, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + ARGV[1], ARGV[1 + number])
  redis.call('PEXPIRE', key, ARGV[1])
end
"""


class SharedCounters:
    """Implements `Counters`. Every method raises what the client raises, or `TimeoutError`, while Redis is away.

    What is asked while Redis is being asked goes together into the next message: a burst of questions is one round trip
    over one connection.
    """

    def __init__(self, redis: Redis) -> None:
        """`redis` must wait for longer than `PATIENCE_S`."""
        self._redis = redis
        self._waiting: list[tuple[tuple[str | int, ...], asyncio.Future[Any]]] = []
        self._sending: asyncio.Task[None] | None = None
        self._answered = 0  # messages

    async def take(self, subjects: Sequence[Subject], ticket: str) -> Verdict:
        keys = [key for subject in subjects for key in (asked_key(subject), running_key(subject))]
        limits = [limit for each in subjects for limit in (each.per_minute, each.per_hour, each.runs or 0)]
        times = milliseconds(LEASE_S), milliseconds(RUN_WAIT_S)
        try:
            admitted, number, left, wait_ms = await self._ask("EVAL", TAKE, len(keys), *keys, ticket, *times, *limits)
        except (RedisError, OSError, TimeoutError):
            self._forget(keys, ticket)  # it may have counted all the same, or do so yet
            raise
        subject, kind = subjects[number // len(KINDS)], KINDS[number % len(KINDS)]
        return Verdict(bool(admitted), subject, kind, left, wait_ms / 1000)

    async def release(self, subjects: Sequence[Subject], ticket: str) -> None:
        released = self._forget([running_key(each) for each in subjects if each.runs], ticket)
        if released:
            await asyncio.wait(released, timeout=RELEASE_S)

    def let_go(self, subjects: Sequence[Subject], ticket: str) -> None:
        """The same as `release` without waiting at all, for the time that Redis is away: it may only be late."""
        self._forget([running_key(each) for each in subjects if each.runs], ticket)

    async def renew(self, running: Sequence[tuple[Sequence[Subject], str]]) -> None:
        """Says that the answers to these questions are still running."""
        held = [(running_key(each), ticket) for subjects, ticket in running for each in subjects if each.runs]
        if held:
            keys, tickets = zip(*held, strict=True)
            await self._ask("EVAL", RENEW, len(keys), *keys, milliseconds(LEASE_S), *tickets)

    async def ping(self) -> None:
        """Returns where Redis answers."""
        await self._ask("PING")

    async def _ask(self, *command: str | int) -> Any:
        """The answer to a command. One that comes later than is waited for is sent all the same."""
        answer = self._queue(*command)
        for _ in range(MOST_WAITS):
            answered = self._answered
            if await comes(answer, PATIENCE_S):
                return answer.result()
            if self._answered == answered:
                break
        raise TimeoutError

    def _forget(self, keys: Sequence[str], ticket: str) -> list[asyncio.Future[Any]]:
        return [self._queue("ZREM", key, ticket) for key in keys]

    def _queue(self, *command: str | int) -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be left to ask for it
        self._waiting.append((command, answer))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())
        return answer

    async def _send(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            pipeline = self._redis.pipeline(transaction=False)
            for command, _ in batch:
                pipeline.execute_command(*command)
            try:
                results = await pipeline.execute(raise_on_error=False)
                self._answered += 1
            except (RedisError, OSError, TimeoutError) as error:
                results = [error] * len(batch)
            for (_, answer), result in zip(batch, results, strict=True):
                if isinstance(result, Exception):
                    answer.set_exception(result)
                else:
                    answer.set_result(result)


def asked_key(subject: Subject) -> str:
    """Where the moments of a subject's questions lie."""
    return f"{PREFIX}:asked:{subject.key}"


def running_key(subject: Subject) -> str:
    """Where the ends of the leases of a subject's running answers lie."""
    return f"{PREFIX}:running:{subject.key}"


def milliseconds(seconds: float) -> int:
    """Whole milliseconds."""
    return round(seconds * 1000)
