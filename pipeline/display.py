"""What a curator sees of an ingestion: a bar on a terminal, plain lines elsewhere, warnings on the error stream."""

import time
from collections import defaultdict
from types import TracebackType
from typing import Self, assert_never

from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from pipeline.ingest import Advanced, Event, Planned, Summary, Told
from pipeline.terminal import Terminal, one_line

LINE_EVERY_S = 5.0
NAMES_SHOWN = 3


class Display:
    """Shows events as they come, and what was left out at the end, by reason: there may be hundreds."""

    def __init__(self, out: Terminal | None = None, errors: Terminal | None = None, *, quiet: bool = False) -> None:
        self._out = out or Terminal(quiet=quiet)
        self._errors = errors or Terminal(stderr=True, quiet=quiet)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[counts]}"),
            console=self._out,
            transient=True,
            disable=not self._out.is_terminal,
        )
        self._task = self._progress.add_task("Starting", total=None, counts="")
        self._grouped: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self._planned = Planned(0, 0)
        self._began = self._spoke = time.monotonic()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, what: str) -> None:
        """What is being done before anything can be counted."""
        self._progress.update(self._task, description=what)

    def count(self, what: str, done: int, total: int) -> None:
        """How far something is that comes before the documents, such as fetching."""
        self._progress.update(self._task, description=what, completed=done, total=total, counts=f"{done}/{total}")
        self._say_plainly(f"{what}: {done}/{total}")

    def show(self, event: Event) -> None:
        """One event of the ingestion."""
        match event:
            case Planned():
                self._planned, self._began = event, time.monotonic()
                counts = f"{event.documents} documents"
                self._progress.reset(self._task, description="Ingesting", total=event.bytes, counts=counts)
            case Advanced():
                counts = self._counts(event)
                self._progress.update(self._task, completed=event.bytes, counts=counts)
                self._say_plainly(counts)
            case Told():
                self._tell(event)
            case _:
                assert_never(event)

    def conclude(self, summary: Summary, *, dry_run: bool = False) -> None:
        """What was left out and why, and as the last line what changed, or with `dry_run` what would."""
        for (label, reason), files in sorted(self._grouped.items()):
            names = ", ".join(files[:NAMES_SHOWN])
            more = f" and {len(files) - NAMES_SHOWN} more" if len(files) > NAMES_SHOWN else ""
            self._errors.print(f"[yellow]{label}[/] {escape(f'{names}{more}: {reason}')}")
        if summary.failed:
            self._errors.print("`footnote retry` tries again what failed, when it is mended.")
        if summary.vanished:
            self._errors.print("What is no longer there answers on: the same command with `--prune` removes it.")
        spent = _duration(time.monotonic() - self._began)
        done = f"{summary.chunks:,} passages" if dry_run else f"{work(summary)} in {spent}"
        self._out.print(f"{'Nothing was changed. It would be: ' if dry_run else ''}{sentence(summary)} ({done})")

    def _tell(self, event: Told) -> None:
        file, text = one_line(event.file), one_line(event.text)
        match event.about:
            case "left out" | "duplicate" | "vanished" | "removed":
                self._grouped[event.about, text].append(file)
            case "failed":
                self._errors.print(f"[red]failed[/] {escape(f'{file}: {text}')}")
            case "remark":
                self._errors.print(f"[yellow]note[/] {escape(f'{file}: {text}')}")
            case _:
                assert_never(event.about)

    def _counts(self, event: Advanced) -> str:
        spent_s = max(time.monotonic() - self._began, 0.001)
        left_s = round(spent_s * (self._planned.bytes - event.bytes) / event.bytes) if event.bytes else None
        return (
            f"{event.documents}/{self._planned.documents} documents, {event.chunks:,} passages, "
            f"{event.chunks / spent_s:.0f}/s{f', {_duration(left_s)} left' if left_s else ''}"
            f"{f', {event.failed} failed' if event.failed else ''}"
        )

    def _say_plainly(self, counts: str) -> None:
        now = time.monotonic()
        if not self._out.is_terminal and now - self._spoke >= LINE_EVERY_S:
            self._spoke = now
            self._out.print(counts)


def sentence(summary: Summary) -> str:
    """What became of the documents; what never happens is said of the four usual things alone."""
    unusual = {
        "moved": summary.moved,
        "removed": summary.removed,
        "repeated": summary.duplicates,
        "no longer there": summary.vanished,
    }
    parts = [f"{summary.added} added", f"{summary.changed} changed"]
    parts += [f"{count} {name}" for name, count in unusual.items() if count]
    return ", ".join([*parts, f"{summary.unchanged} unchanged", f"{summary.failed} failed"])


def work(summary: Summary) -> str:
    """How many passages there were, and how many of them had to be embedded if not all."""
    embedded = f", {summary.embedded:,} of them embedded" if summary.embedded != summary.chunks else ""
    return f"{summary.chunks:,} passages{embedded}"


def _duration(seconds: float) -> str:
    """A length of time as one reads it: `7 s`, `3 min 20 s`, `2 h 5 min`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
