"""What the service adds to a stream, against a floor that retrieves the same and stores nothing: `make bench-stream`.

`python -m tests.bench_stream [READERS …]`, by default 1, 16, 64, 128 and 256 at once. Ours and the floor run by turns
against the same loopback model: at a pace on all cores, at full speed each of the two on the first core alone, while
the model and the readers have the others. The model stamps every token with the moment it was sent, so its own pace is
in no figure.
"""

import asyncio
import itertools
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from backend import settings as configuration
from backend.embedded import engines
from tests.bench import QUESTIONS, cpu_seconds, ms, quantile, wait_for
from tests.served import Served, free_port

READERS = (1, 16, 64, 128, 256)
TOKENS = 200
TOKENS_PER_S = 20.0
FULL_SPEED_ANSWERS = 50  # for each level, or as many as there are readers
ANSWERS_ALONE = 12
STAMP = re.compile(rb"@(\d+\.\d{6})")
LONGEST_STAMP = 20
TIMEOUT_S = 120


@dataclass
class Reading:
    """One answer as its reader saw it, seconds of the monotonic clock."""

    asked: float
    stamps: list[float] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)
    whole: bool = False

    @property
    def first_token(self) -> float:
        """Seconds from the question to the first token."""
        return self.seen[0] - self.asked

    @property
    def lags(self) -> list[float]:
        """Seconds that each token took from the model to the reader."""
        return [seen - sent for seen, sent in zip(self.seen, self.stamps, strict=True)]

    @property
    def gaps(self) -> list[float]:
        """Seconds between two tokens."""
        return [after - before for before, after in itertools.pairwise(self.seen)]


@dataclass(frozen=True)
class Server:
    """What is asked: our service, or the floor."""

    port: int
    pid: int
    path: str
    last: bytes  # what only a whole answer has


async def main(levels: list[int]) -> None:
    """Measures every level and prints two tables."""
    paced = Table(title=f"{TOKENS} tokens at {TOKENS_PER_S:g} a second, readers arriving evenly: ours / floor")
    for column in ("readers", "first token p50", "times", "p95", "a token p50", "gap p99", "failed", "memory"):
        paced.add_column(column, justify="right")
    full = Table(title=f"{TOKENS} tokens as fast as they come, on one core: ours / floor")
    for column in ("readers", "tokens/s", "CPU s per 1,000 tokens", "times", "failed"):
        full.add_column(column, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        with Served(data_dir, "--sample"):  # makes the library
            pass
        with engines(configuration.load(data_dir=data_dir)):  # on all cores, as they are not what is measured
            with served(data_dir, TOKENS_PER_S, one_core=False) as (ours, floor):
                for level in levels:
                    one, other = await evenly(ours, level), await evenly(floor, level)
                    paced.add_row(*paced_row(level, one, other, memory(ours), memory(floor)))
            with served(data_dir, None, one_core=True) as (ours, floor):
                for level in levels:
                    full.add_row(*full_row(level, await at_full_speed(ours, level), await at_full_speed(floor, level)))
    console = Console(width=130)
    console.print(paced)
    console.print(full)


async def evenly(server: Server, level: int) -> list[Reading]:
    """So many readers at any time, each arriving as evenly after the last as keeps that number."""
    await read(server, QUESTIONS[0])
    if level == 1:
        return [await read(server, query) for query in itertools.islice(itertools.cycle(QUESTIONS), ANSWERS_ALONE)]
    apart = TOKENS / TOKENS_PER_S / level
    async with asyncio.TaskGroup() as readers:
        tasks = []
        started = time.monotonic()
        for number, query in zip(range(2 * level), itertools.cycle(QUESTIONS), strict=False):
            await asyncio.sleep(max(0.0, started + number * apart - time.monotonic()))
            tasks.append(readers.create_task(read(server, query)))
    return [task.result() for task in tasks[level // 2 :]]  # those before them met fewer than `level`


async def at_full_speed(server: Server, level: int) -> tuple[float, float, int]:
    """Tokens a second, CPU seconds per 1,000 tokens, and answers that failed; each reader asks again at once."""
    left = iter(itertools.islice(itertools.cycle(QUESTIONS), max(FULL_SPEED_ANSWERS, level)))
    await read(server, QUESTIONS[0])
    spent, started, readings = cpu_seconds(server.pid), time.monotonic(), []

    async def ask() -> None:
        for query in left:
            readings.append(await read(server, query))

    async with asyncio.TaskGroup() as readers:
        for _ in range(level):
            readers.create_task(ask())
    took = time.monotonic() - started
    await asyncio.sleep(0.5)  # the journal is written behind the answer and belongs to its cost
    tokens = sum(len(reading.seen) for reading in readings)
    cpu = (cpu_seconds(server.pid) - spent) / tokens * 1000
    return tokens / took, cpu, sum(not reading.whole for reading in readings)


async def read(server: Server, query: str) -> Reading:
    """One question over a bare socket, read to its end; what goes wrong leaves it less than whole."""
    body = f'{{"query": "{query}"}}'.encode()
    head = f"POST {server.path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\n"
    reading, rest = Reading(time.monotonic()), b""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            while piece := await reader.read(1 << 16):
                now, data, end = time.monotonic(), rest + piece, 0
                for stamp in STAMP.finditer(data):
                    reading.stamps.append(float(stamp[1]))
                    reading.seen.append(now)
                    end = stamp.end()
                rest = data[end:][-LONGEST_STAMP:]  # the next one may be cut here
                reading.whole = reading.whole or server.last in piece
            writer.close()
    reading.whole = reading.whole and len(reading.seen) == TOKENS
    return reading


def paced_row(
    level: int, ours: list[Reading], floor: list[Reading], our_memory: float, floor_memory: float
) -> list[str]:
    """A level of the first table."""
    kept, kept_floor = ([one for one in readings if one.whole] for readings in (ours, floor))
    first, first_floor = ([one.first_token for one in readings] for readings in (kept, kept_floor))
    times = statistics.median(first) / statistics.median(first_floor)
    lag, lag_floor = (
        statistics.median([lag for one in readings for lag in one.lags]) for readings in (kept, kept_floor)
    )
    gap, gap_floor = (quantile([gap for one in readings for gap in one.gaps], 0.99) for readings in (kept, kept_floor))
    return [
        str(level),
        f"{ms(statistics.median(first))} / {ms(statistics.median(first_floor))}",
        f"{times:.2f}",
        f"{ms(quantile(first, 0.95))} / {ms(quantile(first_floor, 0.95))}",
        f"{ms(lag)} / {ms(lag_floor)}",
        f"{ms(gap)} / {ms(gap_floor)}",
        f"{len(ours) - len(kept)} / {len(floor) - len(kept_floor)}",
        f"{our_memory:.0f} / {floor_memory:.0f} MB",
    ]


def full_row(level: int, ours: tuple[float, float, int], floor: tuple[float, float, int]) -> list[str]:
    """A level of the second table."""
    return [
        str(level),
        f"{ours[0]:,.0f} / {floor[0]:,.0f}",
        f"{ours[1]:.3f} / {floor[1]:.3f}",
        f"{ours[1] / floor[1]:.2f}",
        f"{ours[2]} / {floor[2]}",
    ]


@contextmanager
def served(data_dir: Path, tokens_per_s: float | None, *, one_core: bool) -> Iterator[tuple[Server, Server]]:
    """The service and the floor, and their model; with `one_core` on the first one, and the model on the others."""
    paced = [] if tokens_per_s is None else ["--tokens-per-second", str(tokens_per_s)]
    ports = free_port(), free_port()
    url = f"http://127.0.0.1:{ports[0]}/v1"
    model = ["tests.model_server", "--port", str(ports[0]), "--tokens", str(TOKENS), "--stamped", *paced]
    bare = ["tests.bare_answer", url, str(data_dir), str(ports[1])]
    all_cores = os.sched_getaffinity(0)
    first, others = all_cores, all_cores
    if one_core:
        first = {min(all_cores)}
        others = all_cores - first or all_cores
    processes = []
    try:
        for command, cores in ((model, others), (bare, first)):
            os.sched_setaffinity(0, cores)  # which a child inherits
            processes.append(subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.DEVNULL))
        os.sched_setaffinity(0, first)
        environment = {
            "FOOTNOTE_TIERS__FAST__BASE_URL": url,
            "FOOTNOTE_TIERS__FAST__MODEL": "bench",
            "FOOTNOTE_CHAT__ANSWER_TOKENS": "6000",  # a stamp counts as many
            "FOOTNOTE_TIERS__FAST__CONTEXT_TOKENS": "32000",
        }
        with Served(data_dir, **environment) as service:
            os.sched_setaffinity(0, others)
            for port in ports:
                wait_for(port)
            yield (
                Server(service.port, service.pid, "/api/v1/chat", b"event: done"),
                Server(ports[1], processes[1].pid, "/", b"[DONE]"),
            )
    finally:
        os.sched_setaffinity(0, all_cores)
        for process in processes:
            process.terminate()
            process.wait()


def memory(server: Server) -> float:
    """Resident megabytes."""
    return psutil.Process(server.pid).memory_info().rss / 1e6


if __name__ == "__main__":
    asyncio.run(main([int(level) for level in sys.argv[1:]] or list(READERS)))
