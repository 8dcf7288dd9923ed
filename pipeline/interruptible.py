"""Work that a curator may stop with Ctrl+C."""

from collections.abc import Callable

import typer

INTERRUPTED = 130
GOES_ON = "Stopped: the same command goes on where it was."
BEGINS_ANEW = "Stopped: nothing was written, and the same command begins anew."


def interruptible(work: Callable[[], int], stopped: str = GOES_ON) -> int:
    """The exit code of work that a curator may stop; `stopped` says what becomes of it then."""
    try:
        return work()
    except KeyboardInterrupt:
        typer.echo(stopped, err=True)
        return INTERRUPTED
