"""What is limited, and what becomes of a question: words that the shared and the local counters have in common.

A limit is on the questions that were admitted in any time as long as its window: a sliding window log, which keeps
the moment of each (https://www.figma.com/blog/an-alternative-approach-to-rate-limiting/ compares it with others). It
admits exactly as many, and knows exactly when the next has room. Counters for parts of the window would take less
memory and be wrong by what lies in a part; an entry of the log belongs to a question whose frames and rows take a
hundred times as much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["minute", "hour", "runs"]
AskerKind = Literal["visitor", "user", "key"]

KINDS: tuple[Kind, ...] = ("minute", "hour", "runs")
MINUTE_S, HOUR_S = 60, 3600
# Nobody can tell when an answer will have ended; so much later somebody may look again. Seconds.
RUN_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody or something that has limits: `name` says what it is in headers, `key` which one it is. `runs`: how many
    may be running at once, None where that is not limited."""

    name: str
    key: str
    per_minute: int
    per_hour: int
    runs: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a question is admitted, and which limit has most to say: the one that refuses for longest, or the window
    with the least left. `wait_s`: until there is more of it."""

    admitted: bool
    subject: Subject
    kind: Kind
    left: int
    wait_s: float


class Counters(Protocol):
    """Counts questions and running answers. A `ticket` is one question's name in them."""

    async def take(self, subjects: Sequence[Subject], ticket: str) -> Verdict:
        """Counts a question for all subjects, if all admit it; else for none."""
        ...

    async def release(self, subjects: Sequence[Subject], ticket: str) -> None:
        """The answer to a question is not running any more. The question stays counted."""
        ...
