"""What a child may use, and how it gives up everything else before it touches a document."""

import ctypes
import math
import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import ENOSYS, EPERM
from pathlib import Path

GIB = 1 << 30
MIB = 1 << 20
OPEN_FILES = 64
LARGEST_WRITTEN = GIB  # bytes of one file, where a child may write at all
NICENESS = 5  # embedding and the service go first; what reads ahead waits
PR_SET_NO_NEW_PRIVS = 38
CLONE_THREAD = 0x10000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may cost: address space in all, seconds from the question to the answer, bytes of the answer.

    A document is to be done with within 30 s: 25 leave time to end a child and to start the next.
    """

    memory: int = GIB
    seconds: float = 25.0
    answer: int = 64 * MIB


def lock_down(limits: Limits, *, may_write: bool) -> None:
    """Gives up for good what reading a document does not need.

    Memory beyond the limit, core dumps, new privileges and, unless `may_write`, bytes written to files; where the
    system has libseccomp, also the network, other programs and processes, and every change to the file system.
    """
    os.nice(NICENESS)
    for what, most in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, LARGEST_WRITTEN if may_write else 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))
    _refuse_system_calls(may_write=may_write)


@contextmanager
def processor_time(limits: Limits) -> Iterator[None]:
    """Ends this process by SIGXCPU after the seconds of one document, should nobody outside be there to end it."""
    most = math.ceil(time.process_time() + limits.seconds) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (most, hard))
    yield
    resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))


def address_space() -> int:
    """Bytes of address space that this process has taken; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def can_reach_network() -> bool:
    """Whether this process could open a connection."""
    try:
        socket.socket().close()
    except OSError:
        return False
    return True


# What would lead out of the process. Names that a platform does not have are passed over.
_NETWORK = (
    "socket socketpair connect bind listen accept accept4 sendto sendmsg sendmmsg "
    "io_uring_setup io_uring_enter io_uring_register"
).split()
_PROCESSES = (
    "execve execveat fork vfork ptrace process_vm_readv process_vm_writev pidfd_open pidfd_getfd pidfd_send_signal "
    "kill tkill rt_sigqueueinfo rt_tgsigqueueinfo setpgid setsid setpriority shmget shmat"
).split()
_SYSTEM = (
    "bpf perf_event_open userfaultfd keyctl add_key request_key mount umount2 move_mount fsopen open_tree pivot_root "
    "chroot unshare setns init_module finit_module delete_module kexec_load reboot open_by_handle_at"
).split()
_FILES = (
    "creat truncate unlink unlinkat rmdir mkdir mkdirat rename renameat renameat2 link linkat symlink symlinkat mknod "
    "mknodat chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat futimesat "
    "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr"
).split()


def _refuse_system_calls(*, may_write: bool) -> None:
    """Makes the kernel answer EPERM to all of these, for this thread and those it will start."""
    try:
        import pyseccomp as seccomp
    except (ImportError, RuntimeError, OSError):  # a system without seccomp: the limits hold all the same
        return
    no, unknown = seccomp.ERRNO(EPERM), seccomp.ERRNO(ENOSYS)
    rules = seccomp.SyscallFilter(seccomp.ALLOW)

    def refuse(action: int, name: str, *conditions: seccomp.Arg) -> None:
        try:
            rules.add_rule(action, name, *conditions)
        except OSError:  # not a call of this platform
            return

    for name in (*_NETWORK, *_PROCESSES, *_SYSTEM, *(() if may_write else _FILES)):
        refuse(no, name)
    # Threads, which libraries need, are clones too. Of what a filter cannot look into libraries know an older way.
    refuse(no, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, 0))
    refuse(unknown, "clone3")
    refuse(unknown, "openat2")
    refuse(no, "tgkill", seccomp.Arg(0, seccomp.NE, os.getpid()))
    # Root could raise its own limits again, and others' in any case; that of processor time grows with each document.
    refuse(no, "prlimit64", seccomp.Arg(0, seccomp.NE, 0))
    refuse(no, "prlimit64", seccomp.Arg(1, seccomp.NE, resource.RLIMIT_CPU), seccomp.Arg(2, seccomp.NE, 0))
    refuse(no, "setrlimit", seccomp.Arg(0, seccomp.NE, resource.RLIMIT_CPU))
    if not may_write:
        for flags in (os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC):
            mask = os.O_ACCMODE if flags & os.O_ACCMODE else flags
            refuse(no, "openat", seccomp.Arg(2, seccomp.MASKED_EQ, mask, flags))
            refuse(no, "open", seccomp.Arg(1, seccomp.MASKED_EQ, mask, flags))
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    rules.load()
