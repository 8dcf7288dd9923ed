"""An ingestion that is killed and run again ends where a clean one ends, and nobody who asks meanwhile notices."""

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from backend.knowledge.edge import EdgeIndex
from backend.knowledge.generations import index_folder
from tests.conftest import data_folder
from tests.faults.conftest import ROUNDS
from tests.served import Served
from tests.service import Visitor

# Five kills for every round of the other faults: `make faults` has ten rounds, and so fifty kills.
SEEDS = range(5 * ROUNDS if ROUNDS > 1 else 2)
SLUG = "killed"
ROOT = Path(__file__).parents[2]
DOCUMENTS = 24
PUBLISH_AFTER = 25
SUBJECTS = "echo hum hiss rumble wind rain wood glass brick felt foam sand".split()
REVISION = re.compile(r"revision (\d+)")


class Content:
    """A folder of documents, every sentence of which says of which revision it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.revisions = dict.fromkeys(range(DOCUMENTS), 0)
        for number in self.revisions:
            self._write(number)

    def change(self, chance: random.Random, revision: int) -> None:
        """Rewrites some documents, takes some away and brings others back."""
        for number in range(DOCUMENTS):
            match chance.random():
                case roll if roll < 0.15:
                    self.revisions.pop(number, None)
                    self._path(number).unlink(missing_ok=True)
                case roll if roll < 0.55 or number not in self.revisions:
                    self.revisions[number] = revision
                    self._write(number)

    def _path(self, number: int) -> Path:
        return self.folder / f"document-{number:02}.{'vtt' if number % 3 == 0 else 'md'}"

    def _write(self, number: int) -> None:
        revision, chance = self.revisions[number], random.Random(f"{number} {self.revisions[number]}")
        paragraphs = [
            " ".join(
                f"In revision {revision} of document {number} the {chance.choice(SUBJECTS)} comes before the "
                f"{chance.choice(SUBJECTS)}, and takes {chance.randint(2, 90)} minutes."
                for _ in range(6)
            )
            for _ in range(6)
        ]
        if number % 3:
            text = f"# Document {number}\n\n" + "\n\n".join(paragraphs)
        else:
            cues = (f"{minute:02}:00.000 --> {minute:02}:50.000\n{text}" for minute, text in enumerate(paragraphs))
            text = "WEBVTT\n\n" + "\n\n".join(cues)
        self._path(number).write_text(text)


class Watch:
    """Asks the service again and again, and keeps what was wrong with its answers."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.answers = 0
        self.faults: list[str] = []

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[None]:
        asking = asyncio.create_task(self._ask())
        try:
            yield
        finally:
            asking.cancel()
            with suppress(asyncio.CancelledError):
                await asking

    async def _ask(self) -> None:
        chance = random.Random(1)
        while True:
            async with Visitor(self._address) as visitor:
                question = f"When does the {chance.choice(SUBJECTS)} come in document {chance.randrange(DOCUMENTS)}?"
                answer = await visitor.ask(question, creator=SLUG)
                self.answers += 1
                if answer.response.status_code != 200 or answer.last.event != "done":
                    self.faults.append(f"{answer.response.status_code} {answer.last.data}")
                    continue
                seen: dict[str, set[str]] = {}
                for source in answer.sources:
                    seen.setdefault(source["document_id"], set()).update(REVISION.findall(source["snippet"]))
                self.faults += [f"{id} in revisions {several}" for id, several in seen.items() if len(several) > 1]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return Content(tmp_path_factory.mktemp("content") / "killed")


@pytest.fixture(scope="module")
def running(data_dir: Path) -> Iterator[Served]:
    service = Served(data_dir, "--sample").start()
    yield service
    service.end()


def ingestion(data_dir: Path, content: Content) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.ingesting", str(content.folder), SLUG, str(PUBLISH_AFTER)],
        env=os.environ | {"FOOTNOTE_DATA_DIR": str(data_dir)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


async def finish(process: subprocess.Popen[str]) -> str:
    out, _ = await asyncio.to_thread(process.communicate, timeout=120)
    assert process.returncode == 0, out
    return out


async def indexed(data_dir: Path) -> dict[UUID, tuple[str, np.ndarray]]:
    """Every point of the creator: its document's text and its vector."""
    index = EdgeIndex(index_folder(data_dir))
    found: dict[UUID, tuple[str, np.ndarray]] = {}
    async with aclosing(index.scan()) as batches:
        async for batch in batches:
            for point in batch:
                if point.chunk.creator == SLUG:
                    assert point.chunk.id not in found
                    found[point.chunk.id] = point.chunk.text, np.array(point.dense)
    await index.close()
    return found


def assert_equal(resumed: dict[UUID, tuple[str, np.ndarray]], clean: dict[UUID, tuple[str, np.ndarray]]) -> None:
    assert resumed.keys() == clean.keys()
    for chunk_id, (text, vector) in resumed.items():
        assert text == clean[chunk_id][0]
        np.testing.assert_allclose(vector, clean[chunk_id][1], atol=1e-5)


@pytest.fixture
def clean_dir(model_cache: Path) -> Iterator[Path]:
    """An empty data folder for a clean run; the exported model is shared."""
    with data_folder(model_cache) as folder:
        yield folder


@pytest.fixture(scope="module")
async def lasting(running: Served, data_dir: Path, content: Content) -> float:
    """Seconds that an ingestion of the first content takes."""
    began = time.monotonic()
    await finish(ingestion(data_dir, content))
    return time.monotonic() - began


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_killed_ingestion_that_is_run_again_equals_a_clean_one(
    running: Served, data_dir: Path, clean_dir: Path, content: Content, lasting: float, seed: int
) -> None:
    chance = random.Random(seed)
    content.change(chance, revision=seed + 1)
    moment = chance.uniform(0.1, 1.0) * lasting
    watch = Watch(running.address)
    async with watch():
        process = ingestion(data_dir, content)
        await asyncio.sleep(moment)
        was_at_work = process.poll() is None
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)
        summary = await finish(ingestion(data_dir, content))
    ended = "" if was_at_work else " (it had ended)"
    print(f"seed {seed}: killed after {moment:.2f} s{ended}; then {summary.splitlines()[-1]}")
    assert watch.faults == []
    assert watch.answers > 0
    resumed = await indexed(data_dir)
    assert {int(found) for text, _ in resumed.values() for found in REVISION.findall(text)} <= set(
        content.revisions.values()
    )
    await finish(ingestion(clean_dir, content))
    assert_equal(resumed, await indexed(clean_dir))
