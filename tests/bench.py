"""Speed as ratios, all measured in one run on one machine: `make bench`.

Sources against the bare query embedding plus the bare index query; the first token and each token against a bare relay
of the same loopback model, which paces its tokens and stamps them, so that neither it nor the reader is the limit; the
memory of the API process.
"""

import asyncio
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from backend import settings as configuration
from backend.knowledge.embedder import Embedder
from backend.knowledge.export import ensure_exported
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.models import Scope
from backend.knowledge.opening import open_index
from tests.served import Served, free_port

QUESTIONS = (
    "How loud should my master be?",
    "Do I need acoustic treatment?",
    "Which microphone should I buy for a podcast?",
    "How do I set a compressor on vocals?",
    "Should I mix on headphones or on monitors?",
    "What sample rate should I record at?",
    "EQ before or after compression?",
    "How do I get rid of room echo?",
)
ROUNDS = 120
WARM_UP = 16
TOKENS = 200
TOKENS_PER_S = 200
STREAMS = 10
STAMP = re.compile(rb"@(\d+\.\d{6})")


async def main() -> None:
    """Runs everything and prints one table."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        with model_server("--tokens", "20") as model, served(data_dir, model) as service:
            before, bare, ours, relay = memory(service), [], [], []
            async with httpx.AsyncClient(timeout=60) as client, bare_retrieval(data_dir) as retrieve:
                for query in questions(ROUNDS):  # in turn, as the clock of the machine varies
                    bare.append(await retrieve(query))
                    ours.append(await ask(client, service.address, query))
                    relay.append(await relayed(client, model.relay_url, query))
            bare, ours, relay = bare[WARM_UP:], ours[WARM_UP:], relay[WARM_UP:]
            after = memory(service)
        paced = ("--tokens", str(TOKENS), "--tokens-per-second", str(TOKENS_PER_S), "--stamped")
        with model_server(*paced) as model, served(data_dir, model) as service:
            our_lags, our_cpu = await streamed(ask, service.address, service.pid)
            relay_lags, relay_cpu = await streamed(relayed, model.relay_url, model.relay_pid)
    embedding, index = (statistics.median(seconds) for seconds in zip(*bare, strict=True))
    floor = embedding + index
    table = Table(title=f"{ROUNDS} questions; {STREAMS} streams of {TOKENS} tokens at {TOKENS_PER_S} a second")
    for column in ("what", "ours", "against", "ratio or difference"):
        table.add_column(column)
    table.add_row("bare query embedding, p50", "", ms(embedding), "")
    table.add_row("bare index query, p50", "", ms(index), "")
    sources = [timing.sources for timing in ours]
    row(table, "request to sources, p50", statistics.median(sources), floor)
    row(table, "request to sources, p95", quantile(sources, 0.95), floor)
    our_first = statistics.median([timing.first_token for timing in ours])
    relay_first = statistics.median([timing.first_token for timing in relay])
    added(table, "request to first token, p50", our_first, relay_first)
    after_sources = statistics.median([timing.first_token - timing.sources for timing in ours])
    added(table, "sources to first token, p50", after_sources, relay_first)
    added(table, "a token from model to reader, p50", statistics.median(our_lags), statistics.median(relay_lags))
    added(table, "a token from model to reader, p99", quantile(our_lags, 0.99), quantile(relay_lags, 0.99))
    row(table, "CPU for each token, the question included", our_cpu, relay_cpu)
    table.add_row("memory of the API process", f"{after:.0f} MB", f"{before:.0f} MB at first", "")
    Console(width=110).print(table)


async def streamed(
    read: Callable[[httpx.AsyncClient, str, str], Awaitable["Timing"]], address: str, pid: int
) -> tuple[list[float], float]:
    """Seconds that each token took from the model to the reader, and CPU seconds of the process for each token."""
    async with httpx.AsyncClient(timeout=60) as client:
        await read(client, address, QUESTIONS[0])
        spent = cpu_seconds(pid)
        timings = [await read(client, address, query) for query in questions(STREAMS)]
        await asyncio.sleep(0.5)  # the journal is written behind the answer and belongs to its cost
        lags = [lag for timing in timings for lag in timing.lags]
        return lags, (cpu_seconds(pid) - spent) / len(lags)


class Timing:
    """Seconds from the request on; a relay has no sources. `lags` are those of stamped tokens, from sent to read."""

    def __init__(self) -> None:
        self.sources = self.first_token = 0.0
        self.lags: list[float] = []


async def ask(client: httpx.AsyncClient, address: str, query: str) -> Timing:
    """One question to the service, read to its end."""
    return await read(client, f"{address}/api/v1/chat", {"query": query}, b"event: token")


async def relayed(client: httpx.AsyncClient, address: str, query: str) -> Timing:
    """One request to the model through the bare relay, read to its end."""
    body = {"model": "bench", "stream": True, "messages": [{"role": "user", "content": query}]}
    return await read(client, address, body, b'"content": "w')


async def read(client: httpx.AsyncClient, url: str, body: dict[str, object], first_token: bytes) -> Timing:
    """Reads a stream as its pieces come; `first_token` is what only a token's frame has."""
    timing, started, seen = Timing(), time.perf_counter(), b""
    async with client.stream("POST", url, json=body) as response:
        async for piece in response.aiter_raw():
            now, clock = time.perf_counter() - started, time.monotonic()
            timing.lags += [clock - float(sent) for sent in STAMP.findall(piece)]
            seen += piece
            if not timing.sources and b"event: sources" in seen:
                timing.sources = now
            if not timing.first_token and (first_token in seen or timing.lags):
                timing.first_token = now
    if not timing.first_token:
        raise RuntimeError("the model did not answer")
    return timing


@asynccontextmanager
async def bare_retrieval(data_dir: Path) -> AsyncIterator[Callable[[str], Awaitable[tuple[float, float]]]]:
    """Seconds of embedding one query, and of one search over the same index, with nothing around them."""
    settings = configuration.load(data_dir=data_dir)
    embedder, lexical = Embedder.load(ensure_exported(settings)), LexicalEncoder()
    index = open_index(settings)

    async def retrieve(query: str) -> tuple[float, float]:
        started = time.perf_counter()
        vector = embedder.embed_queries([query])[0].tolist()
        embedded = time.perf_counter()
        await index.search(embedder.model, vector, lexical.query(query), Scope(), settings.retrieval.candidates)
        return embedded - started, time.perf_counter() - embedded

    try:
        yield retrieve
    finally:
        await index.close()


@dataclass(frozen=True)
class Model:
    """The loopback model and the bare relay of it."""

    url: str
    relay_url: str
    relay_pid: int


@contextmanager
def model_server(*arguments: str) -> Iterator[Model]:
    """Both, each in a process of its own, once they listen."""
    model_port, relay_port = free_port(), free_port()
    url = f"http://127.0.0.1:{model_port}/v1"
    commands = (
        ["tests.model_server", "--port", str(model_port), *arguments],
        ["tests.bare_relay", url, str(relay_port)],
    )
    processes = [subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.DEVNULL) for command in commands]
    try:
        for port in (model_port, relay_port):
            wait_for(port)
        yield Model(url, f"http://127.0.0.1:{relay_port}", processes[1].pid)
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def wait_for(port: int) -> None:
    """Returns once somebody listens."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nobody listens on port {port}")


def served(data_dir: Path, model: Model) -> Served:
    """The service, asking this model."""
    environment = {"FOOTNOTE_TIERS__FAST__BASE_URL": model.url, "FOOTNOTE_TIERS__FAST__MODEL": "bench"}
    return Served(data_dir, "--sample", **environment)


def questions(count: int) -> Iterator[str]:
    """So many questions, in turn."""
    for number in range(count):
        yield QUESTIONS[number % len(QUESTIONS)]


def cpu_seconds(pid: int) -> float:
    """What a process has spent so far, in itself and in the kernel."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def memory(service: Served) -> float:
    """Resident megabytes of the API process."""
    return psutil.Process(service.pid).memory_info().rss / 1e6


def quantile(values: list[float], share: float) -> float:
    """The value that this share lies under."""
    return sorted(values)[int(len(values) * share)]


def ms(seconds: float) -> str:
    """Seconds as milliseconds, for reading."""
    return f"{seconds * 1000:.3f} ms" if abs(seconds) < 0.001 else f"{seconds * 1000:.1f} ms"


def added(table: Table, name: str, ours: float, floor: float) -> None:
    """One measurement, and what it adds to its floor."""
    table.add_row(name, ms(ours), ms(floor), f"+ {ms(ours - floor)}")


def row(table: Table, name: str, ours: float, floor: float) -> None:
    """One measurement against its floor."""
    table.add_row(name, ms(ours), ms(floor), f"{ours / floor:.2f} times")


if __name__ == "__main__":
    asyncio.run(main())
