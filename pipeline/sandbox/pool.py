"""A few children that read whatever is not to be trusted, beside each other."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, TypeVarTuple

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from backend.errors import ContentError
from pipeline.sandbox.functions import WRITERS, name_of, signature_of
from pipeline.sandbox.limits import Limits, can_reach_network
from pipeline.sandbox.worker import Worker, child_command

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")


class Pool:
    """Up to `workers` children at once, started when they are needed, each used for one call after the other.

    A child that is slow, greedy, or crashes is ended, and another takes its place: only the content that it had is
    refused. `model` is the folder of the exported model whose tokenizer measures passages.
    """

    def __init__(self, workers: int, model: Path, limits: Limits | None = None) -> None:
        self.workers = workers
        self.model = model
        self._limits = limits or Limits()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="sandbox")
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._unfinished: dict[Future[Any], Worker | None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, about: str, function: Callable[[*Arguments], Result], /, *arguments: *Arguments) -> Future[Result]:
        """Calls one of `functions.READERS` or `WRITERS` in a child; `about` is what log lines call the content.

        The future raises `ContentError` with the reason, or `NothingToRead`, where the content does not give a result.
        """
        name = name_of(function)
        future: Future[Result] = Future()
        self._unfinished[future] = None
        future.add_done_callback(lambda done: self._unfinished.pop(done, None))
        self._threads.submit(self._run, future, about, name, function, arguments)
        return future

    def stop(self, futures: Iterable[Future[Any]]) -> None:
        """Nobody waits for these any more: what has not begun never will, and what has begun is ended."""
        for future in futures:
            with self._lock:
                worker = self._unfinished.get(future)
                if not future.cancel() and worker is not None:
                    worker.stop()

    def close(self) -> None:
        """Ends all children, also those at work."""
        self.stop(list(self._unfinished))
        self._threads.shutdown()
        while self._idle:
            self._idle.pop().close()

    def _run(
        self,
        future: Future[Result],
        about: str,
        name: str,
        function: Callable[[*Arguments], Result],
        arguments: tuple[*Arguments],
    ) -> None:
        may_write = name in WRITERS
        worker: Worker | None = None
        try:
            with self._lock:  # from here on `stop` finds the child
                if not future.set_running_or_notify_cancel():
                    return
                worker = self._unfinished[future] = self._take(may_write=may_write)
            future.set_result(_call(worker, about, name, function, arguments))
        except Exception as error:  # noqa: BLE001  it belongs to whoever waits
            future.set_exception(error)
        finally:
            if worker is not None:
                self._give_back(worker, is_reader=not may_write)

    def _take(self, *, may_write: bool) -> Worker:
        while self._idle and not may_write:
            worker = self._idle.pop()
            if worker.is_alive:
                return worker
            worker.close()
        return Worker(child_command(self._limits, may_write=may_write), self._limits)

    def _give_back(self, worker: Worker, *, is_reader: bool) -> None:
        if is_reader and worker.is_alive:
            self._idle.append(worker)
        else:
            worker.close()


def network_is_blocked() -> bool:
    """Whether what reads documents on this machine is cut off from the network."""
    with Pool(1, Path()) as pool:
        return not pool.submit("the network", can_reach_network).result()


def _call(
    worker: Worker,
    about: str,
    name: str,
    function: Callable[[*Arguments], Result],
    arguments: tuple[*Arguments],
) -> Result:
    signature = signature_of(function)
    try:
        question = signature.arguments.dump_json(arguments)
    except PydanticSerializationError as error:  # half of a character
        raise ContentError("Its name is not valid text: rename it.") from error
    answer = worker.ask(about, name, question)
    try:
        result: Result = signature.result.validate_json(answer)[0]
    except ValidationError as error:
        raise worker.distrust(about) from error
    return result
