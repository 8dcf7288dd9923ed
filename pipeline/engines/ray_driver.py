"""The process that drives a Ray cluster for an ingestion, because Ray takes its driver down when it loses the cluster.

Run as `python -m pipeline.engines.ray_driver PARENT MODEL LOG STORE FOLDER`. Takes lists of tasks, pickled, on its
input; gives for each of them batches and then None, pickled, on its output; or an error, and ends.
"""

import logging
import os
import pickle
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from backend.errors import ConfigurationError, FootnoteError, Unavailable
from backend.logs import FramesOnly
from backend.processes import end_with_parent
from pipeline.engines.cluster import cluster
from pipeline.engines.engine import Batch
from pipeline.engines.local import BATCH
from pipeline.engines.ray_actors import COLUMN, Embedding, Reading, can_use_gpu
from pipeline.source import Task

if TYPE_CHECKING:
    from ray.data import Dataset

TASKS = 8  # documents that an actor reads at a time, and again if it dies over them
BLOCK = 256 << 10  # bytes that travel at once: some 100 passages
WAITING = 2  # blocks an actor: one that it works on, and one that is there when it is done
CORES_A_READER = 4  # embedding takes ten times as long as reading, and more

NO_CORES = "The Ray cluster has no processor for this: `ray status` shows what it has."
LOST = "The Ray cluster could not go on: `ray status` shows its machines. The same command goes on where this one was."


def main(parent: int, model: Path, log: Path, store: int, folder: str) -> None:
    """Serves until its input ends. Ends the cluster, if it is its own, also where it is terminated."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    end_with_parent(signal.SIGTERM, parent)
    requests, answers = _take_pipes()
    handler = logging.FileHandler(log, delay=True)
    handler.setFormatter(FramesOnly(logging.BASIC_FORMAT))
    logging.getLogger(__name__).addHandler(handler)
    try:
        with cluster(folder):
            while tasks := _next(requests):
                for made in through(tasks, model, log, store):
                    _send(answers, made)
                _send(answers, None)
    except FootnoteError as error:
        _send(answers, error)
    except Exception:  # Ray raises whatever its parts do
        logging.getLogger(__name__).exception("the Ray cluster could not go on")
        _send(answers, Unavailable(LOST))


def through(tasks: Sequence[Task], model: Path, log: Path, store: int) -> Iterator[Batch]:
    """What becomes of the tasks, in their order; `store` is the most bytes an actor that may wait between the stages.

    Raises the `ConfigurationError` that an actor answered instead, and what Ray raises where it cannot go on.
    """
    blocks = dataset(tasks, muster(), model, log, store).iter_batches(batch_size=None, batch_format="numpy")
    for block in blocks:
        for row in block[COLUMN]:
            made: Batch | ConfigurationError = pickle.loads(row)
            if isinstance(made, ConfigurationError):
                raise made
            yield made


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


def dataset(tasks: Sequence[Task], crew: Crew, model: Path, log: Path, store: int) -> "Dataset":
    """The way of the tasks through the crew, not begun yet. An actor that dies is replaced, and its work done again."""
    from ray import data

    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = BLOCK
    context.execution_options.preserve_order = True
    context.execution_options.resource_limits = data.ExecutionResources(
        object_store_memory=store * (crew.readers + crew.embedders)
    )
    rows = data.from_items([pickle.dumps(task) for task in tasks], override_num_blocks=-(-len(tasks) // TASKS))
    cut = rows.map_batches(
        Reading,
        batch_size=None,
        compute=data.ActorPoolStrategy(size=crew.readers, max_tasks_in_flight_per_actor=WAITING),
        fn_constructor_args=(model, log),
        num_cpus=crew.cores_to_read,
    )
    return cut.map_batches(
        Embedding,
        batch_size=BATCH,
        compute=data.ActorPoolStrategy(size=crew.embedders, max_tasks_in_flight_per_actor=WAITING),
        fn_constructor_args=(model, crew.on_gpu),
        num_cpus=crew.cores_to_embed,
        num_gpus=1 if crew.on_gpu else None,
    )


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes under other numbers: what Ray prints goes nowhere, and to its own logs."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nowhere, standard)
    return requests, answers


def _next(requests: BinaryIO) -> list[Task]:
    try:
        tasks: list[Task] = pickle.load(requests)
    except EOFError:
        return []
    return tasks


def _send(answers: BinaryIO, made: Batch | FootnoteError | None) -> None:
    pickle.dump(made, answers)
    answers.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
