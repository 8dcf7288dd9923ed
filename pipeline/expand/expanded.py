"""What comes of an address, and how many things are done at a time on the way."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from pipeline.find import LeftOut
from pipeline.source import Source

AT_A_TIME = 16  # the fetcher lets fewer through; the others wait for slow sites of their own
T = TypeVar("T")
Tell = Callable[[int, int], None]
"""Called with how many are done, of how many that are known by now."""


class Parse(Protocol):
    """Runs a pure function over content from outside: apart from this process, or in it."""

    async def __call__(self, function: Callable[[bytes, str], T], content: bytes, address: str, /) -> T: ...


Failed = tuple[Source, str]
"""A source that could not be had, and why. There is no file at its path."""
Outcome = Source | LeftOut | Failed


@dataclass(slots=True)
class Expanded:
    """The documents behind an address, which lie in the staging folder.

    `creator_name` is how a feed calls itself. `is_complete` says that there are no others: what was found there before
    and is not among `sources` or `failed` has vanished. `is_list` says that a feed or sitemap lies there and was read.
    `archive` is the ZIP file that the address led to, if it did; then there is nothing else.
    """

    sources: list[Source] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    creator_name: str | None = None
    is_complete: bool = False
    is_list: bool = False
    archive: Source | None = None

    def add(self, outcome: Outcome) -> None:
        match outcome:
            case Source():
                self.sources.append(outcome)
            case LeftOut():
                self.left_out.append(outcome)
            case _:
                self.failed.append(outcome)


async def each(items: Sequence[T], work: Callable[[T], Awaitable[Outcome]], tell: Tell) -> Expanded:
    """What comes of every item, in the order of the items. Raises what `work` raises first."""
    outcomes: list[Outcome | None] = [None] * len(items)
    waiting = iter(enumerate(items))
    done = 0

    async def worker() -> None:
        nonlocal done
        for place, item in waiting:
            outcomes[place] = await work(item)
            done += 1
            tell(done, len(items))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_A_TIME, len(items))):
                group.create_task(worker())
    except BaseExceptionGroup as error:  # a full disk meets all workers, and one of them can tell
        raise error.exceptions[0] from error
    expanded = Expanded()
    for outcome in outcomes:
        if outcome is not None:
            expanded.add(outcome)
    return expanded
