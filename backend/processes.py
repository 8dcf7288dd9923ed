"""Processes that end with their parent."""

import ctypes
import signal

PR_SET_PDEATHSIG = 1


def end_with_parent(how: signal.Signals) -> None:
    """Makes the kernel send `how` to this process when its parent dies, even by SIGKILL (Linux)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how)
