"""The heavy part of an ingestion on a Ray cluster: actors read and cut, others embed, this process puts in order."""

import logging
import pickle
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnxruntime  # type: ignore[import-untyped]

from backend.errors import ConfigurationError, ContentError, Unavailable
from backend.knowledge.embedder import CUDA, Embedder
from backend.knowledge.exported import MANIFEST_FILE
from backend.knowledge.lexical import LexicalEncoder
from pipeline.cut import Cut
from pipeline.engines.cluster import cluster
from pipeline.engines.engine import Batch, Refusal
from pipeline.engines.local import BATCH
from pipeline.engines.order import Order
from pipeline.engines.steps import Step, batch_of, cut_ahead, steps
from pipeline.sandbox.pool import Pool
from pipeline.source import Task

if TYPE_CHECKING:
    from ray.data import Dataset

WINDOW = 10_000  # documents that Ray is told of at once; actors are made anew for each, on whatever machines there are
TASKS = 8  # documents that an actor reads at a time, and again if it dies over them
BLOCK = 256 << 10  # bytes that travel at once: some 100 passages
WAITING = 2  # blocks an actor: one that it works on, and one that is there when it is done
STORE = 32 << 20  # bytes an actor that may lie between the stages before the first of them has to wait
CHILDREN = 2  # that read, an actor: a document that takes long does not stop those after it at once
CORES_A_READER = 4  # embedding takes ten times as long as reading, and more

ITEM = "item"
APART = (
    "A Ray worker does not see the embedding model in the data folder: content and data folder must lie on a file "
    "system that all machines of the cluster have under the same path."
)
NOT_THERE = (
    "The Ray worker that was to read it does not see it: content and data folder must lie on a file system that all "
    "machines of the cluster have under the same path."
)
LOST = (
    "The Ray cluster could not go on: `ray status` shows what became of its machines. "
    "The same command goes on where this one was."
)
NO_CORES = "The Ray cluster has no processor for this: `ray status` shows what it has."

Rows = Mapping[str, Any]
"""A block as Ray Data hands it over: the column `item` with bytes, whose order is that of the documents."""


class RayEngine:
    """See `Engine`. Holds one batch here; on the cluster at most `store` bytes an actor wait for whoever is slow.

    `model` is the folder of the exported model and `log` a file for what goes wrong with a document; the machines of
    the cluster must have both, and the documents, under the same paths. What an actor was at when it died, another does
    again. `window` documents are under way at most.
    """

    def __init__(self, model: Path, log: Path, *, window: int = WINDOW, store: int = STORE) -> None:
        self._model = model
        self._log = log
        self._window = window
        self._store = store

    def batches(self, tasks: Iterable[Task]) -> Generator[Batch, None, None]:
        """See `Engine.batches`. Raises as `cluster` does, and `Unavailable` where the cluster could not go on."""
        waiting = iter(tasks)
        with cluster():
            while window := list(islice(waiting, self._window)):
                yield from self._through(window)

    def _through(self, tasks: Sequence[Task]) -> Iterator[Batch]:
        from ray.exceptions import RayError

        order = Order(task.source for task in tasks)
        made: Batch | ConfigurationError
        try:
            blocks = iter(self._dataset(tasks).iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=1))
            for block in blocks:
                for row in block[ITEM]:
                    made = pickle.loads(row)  # of an actor of ours: whoever may answer for one, may run anything
                    if isinstance(made, ConfigurationError):
                        raise made
                    order.check(made)
                    yield made
        except RayError as error:
            raise Unavailable(LOST) from error
        order.check_end()

    def _dataset(self, tasks: Sequence[Task]) -> "Dataset":
        """What becomes of the tasks, not begun yet."""
        from ray import data

        crew = muster()
        context = data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        context.target_max_block_size = BLOCK
        context.execution_options.preserve_order = True
        context.execution_options.resource_limits = data.ExecutionResources(
            object_store_memory=self._store * (crew.readers + crew.embedders)
        )
        rows = data.from_items([pickle.dumps(task) for task in tasks], override_num_blocks=-(-len(tasks) // TASKS))
        cut = rows.map_batches(
            Reading,
            batch_size=None,
            compute=_actors(crew.readers),
            fn_constructor_args=(self._model, self._log),
            num_cpus=crew.cores_to_read,
        )
        return cut.map_batches(
            Embedding,
            batch_size=BATCH,
            compute=_actors(crew.embedders),
            fn_constructor_args=(self._model, crew.on_gpu),
            num_cpus=crew.cores_to_embed,
            num_gpus=1 if crew.on_gpu else None,
        )


@dataclass(frozen=True, slots=True)
class Crew:
    """How many actors do what, and how many cores each may take: together never more than a machine has."""

    readers: int
    embedders: int
    cores_to_read: float
    cores_to_embed: float
    on_gpu: bool


def muster() -> Crew:
    """What suits the machines that the cluster has now. Raises `ConfigurationError` where they have no core."""
    import ray

    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    cores, gpus = (sum(int(machine.get(what, 0)) for machine in machines) for what in ("CPU", "GPU"))
    if not cores:
        raise ConfigurationError(NO_CORES)
    if gpus and ray.get(ray.remote(num_gpus=1)(can_use_gpu).remote()):
        return Crew(cores, gpus, 1, 0, on_gpu=True)
    return Crew(-(-cores // CORES_A_READER), cores, 0.1, 0.9, on_gpu=False)


def can_use_gpu() -> bool:
    """Whether onnxruntime was made for the GPUs of this machine."""
    return CUDA in onnxruntime.get_available_providers()


class Reading:
    """An actor that reads and cuts documents, in locked children of its own."""

    def __init__(self, model: Path, log: Path) -> None:
        handler = logging.FileHandler(log, delay=True)
        handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
        logging.getLogger("pipeline").addHandler(handler)
        self._pool = Pool(CHILDREN, model)

    def __call__(self, tasks: Rows) -> Iterator[Rows]:
        """The documents in steps, each of them pickled."""
        if not (self._pool.model / MANIFEST_FILE).is_file():
            yield _row(ConfigurationError(APART))
            return
        with closing(cut_ahead((pickle.loads(task) for task in tasks[ITEM]), self._pool)) as documents:
            for task, made in documents:
                yield {ITEM: [pickle.dumps(step) for step in steps(task, _seen(task, made))]}


class Embedding:
    """An actor with a loaded model of one core, or of one GPU."""

    def __init__(self, model: Path, on_gpu: bool) -> None:
        self._model: Embedder | ConfigurationError
        self._lexical = LexicalEncoder()
        try:
            self._model = Embedder.load(model, 1, on_gpu=on_gpu)
        except ConfigurationError as error:
            self._model = error

    def __call__(self, pickled: Rows) -> Rows:
        """The steps as one batch, pickled; or a `ConfigurationError`, for the command to raise."""
        made: list[Step | Refusal | ConfigurationError] = [pickle.loads(step) for step in pickled[ITEM]]
        waiting = [step for step in made if not isinstance(step, ConfigurationError)]
        if len(waiting) < len(made) or isinstance(self._model, ConfigurationError):
            return _row(ConfigurationError(APART))
        return _row(batch_of(waiting, self._model, self._lexical))


def _actors(count: int) -> Any:
    from ray.data import ActorPoolStrategy

    return ActorPoolStrategy(size=count, max_tasks_in_flight_per_actor=WAITING)


def _row(made: Batch | ConfigurationError) -> Rows:
    return {ITEM: [pickle.dumps(made)]}


def _seen(task: Task, made: Cut | ContentError) -> Cut | ContentError:
    """What was made of the document, or that it is not where this machine looks for it."""
    if isinstance(made, ContentError) and not task.source.path.exists():
        return ContentError(NOT_THERE)
    return made
