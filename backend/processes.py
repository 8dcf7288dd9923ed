"""Child processes: run as another user, ended with their parent, stopped with patience; this one's memory and cores."""

import ctypes
import logging
import math
import mmap
import os
import pwd
import re
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn, TypedDict

PR_SET_PDEATHSIG = 1
POSTGRES_USER = "footnote-postgres"
STOP_TIMEOUT_S = 10
CPU_SHARE = Path("/sys/fs/cgroup/cpu.max")  # of the container, with cgroup v2
MAPPING = re.compile(  # of /proc/self/smaps: "7f…-7f… r-xp 00000000 fe:00 4711  /usr/lib/…" and lines of "Name:  0 kB"
    r"^(?P<first>[0-9a-f]+)-(?P<end>[0-9a-f]+) (?P<mode>\S+) \S+ \S+ \d+ +(?P<path>/.*)\n"
    r"(?:[A-Z].*\n)*?Anonymous: +(?P<written>\d+) kB$",
    re.MULTILINE,
)


def end_with_parent(how: signal.Signals, parent: int) -> None:
    """Makes the kernel send `how` to this process when its parent dies, even by SIGKILL (Linux). `parent` is its pid:
    where that has died before the kernel knew, the signal is sent now."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how)
    if os.getppid() != parent:
        os.kill(os.getpid(), how)


def give_back_memory() -> None:
    """Returns to the system what this process has freed: glibc keeps it, for each thread anew, so that a process which
    works in many threads grows for long. Does nothing where the system's library is another."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def let_go_of_pages(folder: Path = Path("/")) -> None:
    """Unloads what is mapped of the files in `folder`, which must stay mapped meanwhile (no thread may be loading a
    library): what is read again comes from the system's cache. Qdrant's engine reads whole files ahead, and most of a
    small library's 55 MB is room to grow; of the 80 MB of shared libraries, half is needed only while they are loaded.
    Only what is shared, or cannot be written and never was, is touched: nothing can be lost. Does nothing where there
    is no /proc."""
    maps = Path("/proc/self/smaps")
    if not maps.exists():
        return
    libc, within = ctypes.CDLL(None), folder.resolve()
    for mapping in MAPPING.finditer(maps.read_text()):
        only_read = "w" not in mapping["mode"] and mapping["written"] == "0"
        if (only_read or mapping["mode"].endswith("s")) and Path(mapping["path"]).is_relative_to(within):
            first, end = int(mapping["first"], 16), int(mapping["end"], 16)
            libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(end - first), mmap.MADV_DONTNEED)


class UserArguments(TypedDict, total=False):
    """The part of `subprocess.Popen`'s arguments that says who runs."""

    user: str
    group: int
    extra_groups: tuple[int, ...]


def other_user(*reachable: Path) -> str:
    """A user for Postgres, which refuses to run as root; every folder on the way to `reachable` becomes traversable."""
    try:
        pwd.getpwnam(POSTGRES_USER)
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home", POSTGRES_USER], check=True)
    for path in reachable:
        for folder in (path, *path.parents):
            mode = folder.stat().st_mode
            if not mode & 0o001:
                folder.chmod(mode | 0o001)
    return POSTGRES_USER


def as_user(name: str | None) -> UserArguments:
    """Arguments of a subprocess that runs as this user, with none of root's groups: a folder that is closed to its
    group would be closed to a member even where it is open to all others."""
    if name is None:
        return {}
    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": ()}


def start_child(
    command: list[str], log_file: Path, *, user: str | None, death_signal: signal.Signals
) -> subprocess.Popen[bytes]:
    """A child that gets `death_signal` when this process dies, even by SIGKILL."""
    with log_file.open("ab") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **as_user(user), cwd="/",
            preexec_fn=partial(end_with_parent, death_signal, os.getpid()),
        )  # fmt: skip


def stop_child(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    """Asks, waits, and kills what does not end."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def exit_at_once(code: int) -> NoReturn:
    """Ends a process that has closed everything. The interpreter would take up to a second more to tidy away the
    libraries that were loaded, while whoever ends the service waits."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # nobody may be there to read it any more
            stream.flush()
    os._exit(code)


def usable_cores() -> int:
    """The cores that this process may use, also in a container; where the system cannot tell, all there are."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        return min(cores, cores_of_share(CPU_SHARE.read_text()))
    except (OSError, ValueError):  # no Linux, or another one
        return cores


def cores_of_share(share: str) -> int:
    """What a line of cgroup v2's `cpu.max` allows, in whole cores, at least one; without a limit a great number.

    It is "QUOTA PERIOD" in µs, or "max PERIOD": https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu.
    """
    quota, _, period = share.partition(" ")
    return sys.maxsize if quota == "max" else max(1, math.ceil(int(quota) / int(period)))
