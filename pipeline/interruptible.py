"""Work that a curator may stop with Ctrl+C."""

from collections.abc import Callable

import typer

INTERRUPTED = 130


def interruptible(work: Callable[[], int]) -> int:
    """The exit code of work that a curator may stop."""
    try:
        return work()
    except KeyboardInterrupt:
        typer.echo("Stopped: the same command goes on where it was.", err=True)
        return INTERRUPTED
