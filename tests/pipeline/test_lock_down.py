"""A process that reads documents gives up everything else."""

import json
import os
import subprocess
import sys
from pathlib import Path

from pipeline.sandbox.limits import can_reach_network
from pipeline.sandbox.pool import Pool, network_is_blocked

ESCAPES = """
import ctypes, json, mmap, os, resource, signal, socket, sys, threading
from pathlib import Path
from pipeline.sandbox.limits import Limits, lock_down

folder, parent = Path(sys.argv[1]), int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)

def system_call(*arguments):
    if libc.syscall(*arguments) == -1:
        raise OSError(ctypes.get_errno(), "refused")

def thread():
    started = threading.Thread(target=lambda: None)
    started.start()
    started.join()

attempts = {
    "socket": lambda: socket.socket().close(),
    "unix socket": lambda: socket.socket(socket.AF_UNIX).close(),
    "socket pair": lambda: socket.socketpair(),
    "io_uring": lambda: system_call(425, 1, ctypes.create_string_buffer(512)),
    "fork": lambda: os.fork() or os._exit(0),
    "clone3": lambda: system_call(435, None, 0),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "ptrace": lambda: system_call(101, 16, parent, 0, 0),
    "parent's memory": lambda: open(f"/proc/{parent}/mem", "r+b"),
    "parent's limits": lambda: resource.prlimit(parent, resource.RLIMIT_NOFILE, (10, 10)),
    "signal": lambda: os.kill(parent, signal.SIGCONT),
    "write": lambda: (folder / "new").open("w"),
    "append": lambda: (folder / "kept").open("a"),
    "truncate": lambda: os.truncate(folder / "kept", 0),
    "remove": lambda: (folder / "kept").unlink(),
    "rename": lambda: (folder / "kept").rename(folder / "other"),
    "link": lambda: (folder / "link").symlink_to("kept"),
    "folder": lambda: (folder / "below").mkdir(),
    "memory": lambda: mmap.mmap(-1, 2 << 30),
    "memory limit": lambda: resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30)),
    "privileges": lambda: 1 / (1 - int(Path("/proc/self/status").read_text().split("NoNewPrivs:")[1].split()[0])),
    "read": lambda: (folder / "kept").read_text(),
    "thread": thread,
}
lock_down(Limits(), may_write=False)
done = []
for name, attempt in attempts.items():
    try:
        attempt()
        done.append(name)
    except (OSError, ValueError, ArithmeticError):
        pass
print(json.dumps(done))
"""


def test_a_locked_process_can_read_and_compute_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    command = [sys.executable, "-c", ESCAPES, str(tmp_path), str(os.getpid())]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert json.loads(done.stdout) == ["read", "thread"]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"kept": "kept"}


def test_reading_has_no_network_and_this_process_has(pool: Pool) -> None:
    assert can_reach_network()
    assert network_is_blocked()
    assert not pool.submit("the network", can_reach_network).result()
