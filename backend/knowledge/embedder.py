"""Turns text into vectors: the exported model, run by onnxruntime without the library that trained it.

One session is called by as many threads as there are cores, each computing on its own, with texts sorted by length into
batches of 128 to 512 tokens: what a batch computes stays in a core's cache, and 2,048 tokens cost 10 to 20 % more time.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from backend.errors import Unavailable
from backend.knowledge.exported import MODEL_FILE, Manifest, TokenCounter, damaged, read_manifest
from backend.knowledge.models import EmbeddingModel
from backend.processes import let_go_of_pages, usable_cores

SMALLEST_BATCH, LARGEST_BATCH = 128, 512  # tokens, padding included
CUDA = "CUDAExecutionProvider"
QUERIES_A_BATCH = 16  # in a burst the first are answered while the last wait; more in a batch is no faster per query
COMPARED_A_BATCH = 5  # so many sentences a question waits for: some 20 ms on two cores
# Where there is another core for the encoder, the loop lets it have the interpreter until the model computes, which
# takes 0.4 ms; the encoder would get it 1.4 ms later otherwise, when the loop has nothing left to do. On a single core
# more questions come to share a batch without that: 0.3 ms less for each of 16 at once. See docs/decisions/0017.
HAND_OVER_S = 0.002

Vectors = NDArray[np.float32]


class Embedder:
    """Embeds passages and queries. Safe to call from several threads; never imports torch."""

    def __init__(
        self, name: str, manifest: Manifest, session: onnxruntime.InferenceSession, tokenizer_json: str, cores: int
    ) -> None:
        self.model = EmbeddingModel(manifest.model, name, manifest.dimension)
        self.manifest = manifest
        self.dimension = manifest.dimension
        self.max_tokens = manifest.max_tokens
        self._session = session
        self._inputs = [node.name for node in session.get_inputs()]
        self._cores = cores
        # One pool for all calls: the end of one, when there is no longer a batch for each core, is the next one's time.
        self._threads = ThreadPoolExecutor(cores, thread_name_prefix="embedder")
        self._reading = Tokenizer.from_str(tokenizer_json)
        self._reading.enable_truncation(max_length=manifest.max_tokens)
        self._reading.no_padding()

    @classmethod
    def load(cls, folder: Path, cores: int | None = None, *, on_gpu: bool = False) -> "Embedder":
        """The model that `backend.knowledge.export` wrote into `folder`, for as many cores (None: all usable ones).

        Raises `ConfigurationError` where it is missing or damaged.
        """
        providers = [*([CUDA] if on_gpu else []), "CPUExecutionProvider"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        try:
            manifest, tokenizer_json = read_manifest(folder)
            session = onnxruntime.InferenceSession(folder / MODEL_FILE, options, providers=providers)
            let_go_of_pages(folder)  # the weights are copied but for those of words, which are read as they are needed
            return cls(folder.name, manifest, session, tokenizer_json, cores or usable_cores())
        except Exception as error:  # onnxruntime and tokenizers raise no narrower class than this
            raise damaged(folder) from error

    @cached_property
    def count_tokens(self) -> Callable[[str], int]:
        """See `TokenCounter.count_tokens`. It is made when it is first asked for: who answers questions counts nothing,
        and a tokenizer takes 10 MB."""
        return TokenCounter(self._reading.to_str(), self.manifest.document_prompt).count_tokens

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Passages as unit vectors, shape (len(texts), dimension), in the order given; cut at `max_tokens`."""
        return self._embed([self.manifest.document_prompt + text for text in texts])

    def embed_queries(self, texts: Sequence[str], begun: Callable[[], None] = lambda: None) -> Vectors:
        """Like `embed`, with the prompt that the model wants before a question. Calls `begun` when the model begins,
        which needs the interpreter no more."""
        return self._embed([self.manifest.query_prompt + text for text in texts], begun)

    def _embed(self, texts: Sequence[str], begun: Callable[[], None] = lambda: None) -> Vectors:
        encodings = self._reading.encode_batch_fast(list(texts))
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        batches = batches_of([len(encoding.ids) for encoding in encodings], self._cores)

        def run(batch: list[int]) -> None:
            vectors[batch] = self._run([encodings[position] for position in batch], begun)

        if len(batches) < 2:
            for batch in batches:
                run(batch)
            return vectors
        list(self._threads.map(run, batches))
        return vectors

    def _run(self, encodings: Sequence[Encoding], begun: Callable[[], None]) -> Vectors:
        shape = len(encodings), max(len(encoding.ids) for encoding in encodings)
        inputs = {
            "input_ids": np.full(shape, self.manifest.pad_id, dtype=np.int64),
            "attention_mask": np.zeros(shape, dtype=np.int64),
            "token_type_ids": np.zeros(shape, dtype=np.int64),
        }
        for row, encoding in enumerate(encodings):
            length = len(encoding.ids)
            inputs["input_ids"][row, :length] = encoding.ids
            inputs["attention_mask"][row, :length] = 1
            inputs["token_type_ids"][row, :length] = encoding.type_ids
        begun()
        vectors: Vectors = self._session.run(None, {name: inputs[name] for name in self._inputs})[0]
        return vectors


def batches_of(lengths: Sequence[int], cores: int) -> list[list[int]]:
    """Positions of texts, longest first, in batches that keep all cores busy and pad little.

    A batch holds at most a core's share of all tokens, within SMALLEST_BATCH and LARGEST_BATCH.
    """
    budget = min(max(sum(lengths) // cores, SMALLEST_BATCH), LARGEST_BATCH)
    batches: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lambda position: -lengths[position]):
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= budget:
            batches[-1].append(position)
        else:
            batches.append([position])
    return batches


class QueryEmbedder:
    """Embeds questions off the event loop; what arrives while a batch runs shares the next one.

    What is to be compared for an answer comes after all questions, as those wait for their sources.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="query-embedder")
        self._waiting: list[tuple[str, asyncio.Future[Vectors]]] = []
        self._waiting_after: list[tuple[str, asyncio.Future[Vectors]]] = []
        self._running: asyncio.Future[Vectors] | None = None
        self._closed = False
        self._hands_over = usable_cores() > 1

    async def embed(self, text: str, *, after_questions: bool = False) -> Vectors:
        """The question as a unit vector, shape (dimension,). Raises `Unavailable` once closed or if the model fails."""
        if self._closed:
            raise Unavailable("The service is closing down.")
        future: asyncio.Future[Vectors] = asyncio.get_running_loop().create_future()
        (self._waiting_after if after_questions else self._waiting).append((text, future))
        if self._running is None:
            self._run_next()  # at once: whatever else the loop has to do next goes on beside it
        return await future

    async def close(self) -> None:
        """Waits for the batch that runs and refuses what still waits."""
        self._closed = True
        waiting = [*self._waiting, *self._waiting_after]
        self._waiting, self._waiting_after = [], []
        for _, future in waiting:
            if not future.done():
                future.set_exception(Unavailable("The service is closing down."))
        if self._running is not None:
            await asyncio.wait({self._running})
        self._thread.shutdown()

    def _run_next(self) -> None:
        """Hands the next batch to the thread, if anybody waits for one."""
        self._running = None
        while self._waiting or self._waiting_after:
            queue, most = (self._waiting, QUERIES_A_BATCH) if self._waiting else (self._waiting_after, COMPARED_A_BATCH)
            batch = [(text, future) for text, future in queue[:most] if not future.done()]
            del queue[:most]
            if batch:
                texts = [text for text, _ in batch]
                loop = asyncio.get_running_loop()
                begun = threading.Event()
                self._running = loop.run_in_executor(self._thread, self._embedder.embed_queries, texts, begun.set)
                self._running.add_done_callback(partial(self._ended, [future for _, future in batch]))
                if self._hands_over:
                    begun.wait(HAND_OVER_S)
                return

    def _ended(self, futures: Sequence[asyncio.Future[Vectors]], ran: asyncio.Future[Vectors]) -> None:
        """Gives everybody in the batch a vector, or what the model raised."""
        error = ran.exception()
        for position, future in enumerate(futures):
            if future.done():
                continue
            if error is None:
                future.set_result(ran.result()[position])
            else:
                failure = Unavailable("The question could not be embedded.")
                failure.__cause__ = error
                future.set_exception(failure)
        self._run_next()
