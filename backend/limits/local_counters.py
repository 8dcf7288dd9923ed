"""Counters of this process alone, for the time that Redis is away: the same rules with a share of each limit."""

import time
from collections import deque
from collections.abc import Callable, Sequence

from backend.limits.rules import HOUR_S, MINUTE_S, RUN_WAIT_S, Kind, Subject, Verdict

SWEEP_S = 60.0  # logs that nobody adds to any more are looked for so often


class LocalCounters:
    """Implements `Counters`, of limits that are divided by `shares` and at least 1. `clock` is in seconds."""

    def __init__(self, shares: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._shares = shares
        self._clock = clock
        self._asked: dict[str, deque[float]] = {}
        self._running: dict[str, set[str]] = {}
        self._swept = clock()

    async def take(self, subjects: Sequence[Subject], ticket: str) -> Verdict:
        now = self._clock()
        self._sweep(now)
        verdicts = [verdict for subject in subjects for verdict in self._look(subject, now)]
        refusals = [verdict for verdict in verdicts if not verdict.admitted]
        if refusals:
            return max(refusals, key=lambda refusal: refusal.wait_s)
        for subject in subjects:
            self._asked.setdefault(subject.key, deque()).append(now)
            if subject.runs is not None:
                self._running.setdefault(subject.key, set()).add(ticket)
        return min((verdict for verdict in verdicts if verdict.kind != "runs"), key=lambda verdict: verdict.left)

    async def release(self, subjects: Sequence[Subject], ticket: str) -> None:
        for subject in subjects:
            running = self._running.get(subject.key, set())
            running.discard(ticket)
            if not running:
                self._running.pop(subject.key, None)

    def _look(self, subject: Subject, now: float) -> list[Verdict]:
        """What each limit of a subject says to one question more."""
        verdicts = []
        log = self._asked.get(subject.key, deque())
        windows: tuple[tuple[Kind, int, int], ...] = (
            ("minute", MINUTE_S, subject.per_minute),
            ("hour", HOUR_S, subject.per_hour),
        )
        for kind, window, limit in windows:
            inside = [moment for moment in log if moment > now - window]
            room = self._share(limit) - len(inside)
            wait_s = inside[max(-room, 0)] + window - now if inside else float(window)
            verdicts.append(Verdict(room > 0, subject, kind, max(room - 1, 0), wait_s))
        if subject.runs is not None:
            room = self._share(subject.runs) - len(self._running.get(subject.key, ()))
            verdicts.append(Verdict(room > 0, subject, "runs", max(room - 1, 0), RUN_WAIT_S))
        return verdicts

    def _share(self, limit: int) -> int:
        return max(limit // self._shares, 1)

    def _sweep(self, now: float) -> None:
        if now - self._swept < SWEEP_S:
            return
        self._swept = now
        for key, log in list(self._asked.items()):
            while log and log[0] <= now - HOUR_S:
                log.popleft()
            if not log:
                del self._asked[key]
