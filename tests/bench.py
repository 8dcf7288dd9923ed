"""Speed as ratios, all measured in one run on one machine: `make bench`.

Sources against the bare query embedding plus the bare index query; the first token and each token against a bare relay
of the same loopback model; the memory of the API process.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
TOKENS = 500
STREAMS = 12


async def main() -> None:
    """Runs everything and prints one table."""
    with tempfile.TemporaryDirectory() as folder, model_server() as (model_url, relay_url):
        environment = {"FOOTNOTE_TIERS__FAST__BASE_URL": model_url, "FOOTNOTE_TIERS__FAST__MODEL": "bench"}
        with Served(Path(folder) / "data", "--sample", **environment) as served:
            embedding, index = await bare_retrieval(served.data_dir)
            before = memory(served)
            async with httpx.AsyncClient(timeout=60) as client:
                ours = [await ask(client, served.address, query) for query in questions(STREAMS)][2:]
                relay = [await relayed(client, relay_url, query) for query in questions(STREAMS)][2:]
                sources = [
                    (await ask(client, served.address, query, only_sources=True)).sources for query in questions(ROUNDS)
                ][WARM_UP:]
            after = memory(served)
    floor = embedding + index
    table = Table(title=f"Footnote, {ROUNDS} questions and {STREAMS} streams of {TOKENS} tokens")
    for column in ("what", "ours", "against", "ratio or difference"):
        table.add_column(column)
    table.add_row("bare query embedding, p50", "", ms(embedding), "")
    table.add_row("bare index query, p50", "", ms(index), "")
    row(table, "request to sources, p50", statistics.median(sources), floor)
    row(table, "request to sources, p95", quantile(sources, 0.95), floor)
    our_first = statistics.median([timing.first_token for timing in ours])
    relay_first = statistics.median([timing.first_token for timing in relay])
    table.add_row("request to first token, p50", ms(our_first), ms(relay_first), f"+ {ms(our_first - relay_first)}")
    after_sources = statistics.median([timing.first_token - timing.sources for timing in ours])
    row(table, "sources to first token, p50", after_sources, relay_first)
    row(
        table,
        "each token at full speed, p50",
        statistics.median([timing.per_token for timing in ours]),
        statistics.median([timing.per_token for timing in relay]),
    )
    row(
        table,
        "request to the end of the answer, p50",
        statistics.median([timing.end for timing in ours]),
        statistics.median([timing.end for timing in relay]),
    )
    table.add_row("memory of the API process", f"{after:.0f} MB", f"{before:.0f} MB at first", "")
    Console().print(table)


class Timing:
    """Seconds from the request on; `per_token` is the mean over the stream."""

    def __init__(self) -> None:
        self.sources = self.first_token = self.end = 0.0
        self.tokens = 0

    @property
    def per_token(self) -> float:
        return (self.end - self.first_token) / max(self.tokens - 1, 1)


async def ask(client: httpx.AsyncClient, address: str, query: str, *, only_sources: bool = False) -> Timing:
    """One question; the run is stopped after its sources where nothing more is wanted."""
    timing, started = Timing(), time.perf_counter()
    request = client.stream("POST", f"{address}/api/v1/chat", json={"query": query})
    async with request as response:
        buffered = b""
        async for chunk in response.aiter_raw():
            now = time.perf_counter() - started
            buffered += chunk
            if not timing.sources and b"event: sources" in buffered:
                timing.sources = now
            if not timing.first_token and b"event: token" in buffered:
                timing.first_token = now
        timing.end = time.perf_counter() - started
    timing.tokens = buffered.count(b"event: token")
    if not only_sources and timing.tokens < TOKENS / 2:
        raise RuntimeError("the model did not answer")
    return timing


async def relayed(client: httpx.AsyncClient, address: str, query: str) -> Timing:
    """The same answer through the bare relay."""
    timing, started = Timing(), time.perf_counter()
    body = {"model": "bench", "stream": True, "messages": [{"role": "user", "content": query}]}
    async with client.stream("POST", address, content=json.dumps(body)) as response:
        buffered = b""
        async for chunk in response.aiter_raw():
            buffered += chunk
            if not timing.first_token and b"word" in buffered:
                timing.first_token = time.perf_counter() - started
        timing.end = time.perf_counter() - started
    timing.tokens = buffered.count(b'"content"')
    return timing


async def bare_retrieval(data_dir: Path) -> tuple[float, float]:
    """Median seconds of embedding one query and of one search over the same index, with nothing around them."""
    settings = configuration.load(data_dir=data_dir)
    embedder, lexical = Embedder.load(ensure_exported(settings)), LexicalEncoder()
    index = open_index(settings)
    try:
        embeddings, searches = [], []
        for query in questions(ROUNDS):  # in turn, as questions need them: a loop of one alone would find warmer caches
            started = time.perf_counter()
            vector = embedder.embed_queries([query])[0].tolist()
            embedded = time.perf_counter()
            await index.search(vector, lexical.query(query), Scope(), settings.retrieval.candidates)
            embeddings.append(embedded - started)
            searches.append(time.perf_counter() - embedded)
        return statistics.median(embeddings[WARM_UP:]), statistics.median(searches[WARM_UP:])
    finally:
        await index.close()


@contextmanager
def model_server() -> Iterator[tuple[str, str]]:
    """The loopback model and the bare relay of it, each in a process of its own; their addresses."""
    model_port, relay_port = free_port(), free_port()
    model_url, relay_url = f"http://127.0.0.1:{model_port}/v1", f"http://127.0.0.1:{relay_port}"
    commands = (
        ["tests.model_server", "--port", str(model_port), "--tokens", str(TOKENS)],
        ["tests.bare_relay", model_url, str(relay_port)],
    )
    processes = [subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.DEVNULL) for command in commands]
    try:
        yield model_url, relay_url
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def questions(count: int) -> Iterator[str]:
    """So many questions, in turn."""
    for number in range(count):
        yield QUESTIONS[number % len(QUESTIONS)]


def memory(served: Served) -> float:
    """Resident megabytes of the API process."""
    assert served.process is not None
    return psutil.Process(served.process.pid).memory_info().rss / 1e6


def quantile(values: list[float], share: float) -> float:
    """The value that this share lies under."""
    return sorted(values)[int(len(values) * share)]


def ms(seconds: float) -> str:
    """Seconds as milliseconds, for reading."""
    return f"{seconds * 1000:.3f} ms" if seconds < 0.001 else f"{seconds * 1000:.1f} ms"


def row(table: Table, name: str, ours: float, floor: float) -> None:
    """One measurement against its floor."""
    table.add_row(name, ms(ours), ms(floor), f"{ours / floor:.2f} times")


if __name__ == "__main__":
    asyncio.run(main())
