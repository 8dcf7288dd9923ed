"""Time from the request to the sources as the library grows, against the bare query embedding plus the bare search.

`python -m tests.bench_sources [PASSAGES …]` prints it, by default for 1,000, 20,000 and 100,000 passages drawn by lot;
making the largest library takes two minutes.
"""

import asyncio
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import QUESTIONS, bare_retrieval, ms, quantile
from tests.bench_library import make_library
from tests.served import Served

SIZES = (1_000, 20_000, 100_000)
ROUNDS, WARM_UP = 200, 40
CONCURRENT = 16
BLOCK, BLOCK_WARM_UP = 20, 5  # questions of a turn; those before that warm it up


async def main(sizes: list[int]) -> None:
    """Measures each size and prints one table."""
    table = Table(title=f"{ROUNDS} questions; the ratio is to the bare embedding plus the bare search, p50")
    for column in ("passages", "embedding", "search", "sources p50", "p95", "ratio", f"p50 at {CONCURRENT}", "p95"):
        table.add_column(column, justify="right")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            data_dir = Path(folder) / "data"
            await asyncio.to_thread(make_library, data_dir, size)
            with Served(data_dir) as service:
                await measured(service, 1, WARM_UP)
                embedding, search, alone = await in_turn(service)
                together = await measured(service, CONCURRENT, ROUNDS)
        median = statistics.median(alone)
        table.add_row(
            f"{size:,}", ms(embedding), ms(search), ms(median), ms(quantile(alone, 0.95)),
            f"{median / (embedding + search):.2f}", ms(statistics.median(together)), ms(quantile(together, 0.95)),
        )  # fmt: skip
    Console(width=110).print(table)


async def in_turn(service: Served) -> tuple[float, float, list[float]]:
    """Median seconds of the bare embedding and of the bare search, and those to the sources of each question.

    By turns, as the machine's clock differs from one minute to the next.
    """
    bare, sources = [], []
    async with bare_retrieval(service.data_dir) as retrieve, visitor(service.port) as sources_after:
        for turn in range(ROUNDS // BLOCK):
            queries = list(itertools.islice(itertools.cycle(QUESTIONS), turn, turn + BLOCK + BLOCK_WARM_UP))
            bare += [await retrieve(query) for query in queries][BLOCK_WARM_UP:]
            sources += [await sources_after(query) for query in queries][BLOCK_WARM_UP:]
    embedding, search = (statistics.median(seconds) for seconds in zip(*bare, strict=True))
    return embedding, search, sources


async def measured(service: Served, at_once: int, rounds: int) -> list[float]:
    """Seconds to the sources of each question, so many being asked at any time; each answer is read to its end."""
    waiting, left, found = itertools.cycle(QUESTIONS), iter(range(rounds)), []

    async def ask() -> None:
        async with visitor(service.port) as sources_after:
            for _ in left:
                found.append(await sources_after(next(waiting)))

    async with asyncio.TaskGroup() as readers:
        for _ in range(at_once):
            readers.create_task(ask())
    return found


@asynccontextmanager
async def visitor(port: int) -> AsyncIterator[Callable[[str], Awaitable[float]]]:
    """Asks questions over one connection, as a page does, and says how many seconds the sources took.

    Over a bare socket, as a client library would add its own time.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /api/v1/chat HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"

    async def sources_after(query: str) -> float:
        body = json.dumps({"query": query}).encode()
        started = time.perf_counter()
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await reader.readuntil(b"event: sources\ndata: ")
        after = time.perf_counter() - started
        await reader.readuntil(b"event: done\n")
        await reader.readuntil(b"\r\n0\r\n\r\n")  # the end of the response
        return after

    try:
        yield sources_after
    finally:
        writer.close()


if __name__ == "__main__":
    asyncio.run(main([int(size) for size in sys.argv[1:]] or list(SIZES)))
