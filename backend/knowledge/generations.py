"""Generations of the embedded index on disk: complete ones that readers open, and one draft that a writer fills.

    index/CURRENT            the name of the generation that answers, "0007"
    index/generations/0007   a shard and its `model.json`, never changed after the name appeared here
    index/draft              the copy that a writer is changing; left behind only by a killed one
    index/writer.lock        held by the writer for as long as it lives

A reader may still have the generation before the current one open, so the last two are kept.
"""

import dataclasses
import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.errors import Unavailable
from backend.knowledge.disk import copy_sparse, flush, flush_folder, occupied, remove_folder, require_space, unwritable
from backend.knowledge.identity import embedded_model, model_from
from backend.knowledge.models import EmbeddingModel

Stamp = tuple[int, int]

MODEL_FILE = "model.json"


class Generations:
    """The folder `<data_dir>/index`; nothing is made before a writer comes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pointer = folder / "CURRENT"
        self._complete = folder / "generations"
        self._draft = folder / "draft"

    def stamp(self) -> Stamp | None:
        """Changes whenever another generation becomes current; None while there is none. Costs microseconds."""
        try:
            status = self._pointer.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns

    def current(self) -> Path | None:
        """The folder of the generation that answers now: the newest one where the note of it is damaged."""
        try:
            name = self._pointer.read_text(encoding="ascii", errors="replace").strip()
        except FileNotFoundError:
            return None
        if name.isdecimal():
            return self._complete / name
        return max(self._complete.iterdir(), key=lambda folder: int(folder.name), default=None)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Holds the writer's lock and clears away what a killed writer left, before and after.

        Raises `Unavailable` where another writer is at work, `ConfigurationError` where the folder cannot be written.
        """
        try:
            self._complete.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "writer.lock").open("a")
        except OSError as error:
            raise unwritable(self.folder, error) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Unavailable("Another process is publishing to the index: wait until it has finished.") from error
            try:
                self._clear()
                yield
            finally:
                self._clear()

    def begin_copy(self) -> Path:
        """The draft, as a copy of the current generation. Call inside `writing`.

        Hard links would not do: the engine changes files in place.
        """
        current = self.current()
        assert current is not None
        try:
            require_space(self.folder, occupied(current))
            copy_sparse(current, self._draft)
        except OSError as error:
            raise unwritable(self.folder, error) from error
        return self._draft

    def begin_empty(self, model: EmbeddingModel) -> Path:
        """The draft, with nothing in it but the name of the model that will make its vectors. Call inside `writing`."""
        try:
            require_space(self.folder)
            self._draft.mkdir()
            (self._draft / MODEL_FILE).write_text(json.dumps(dataclasses.asdict(model)), encoding="utf-8")
        except OSError as error:
            raise unwritable(self.folder, error) from error
        return self._draft

    def publish(self, *, keep_previous: bool = True) -> None:
        """Makes the draft the current generation; whenever this is interrupted, the old or the new one answers."""
        previous = self.current()
        number = int(previous.name) + 1 if previous else 1
        target = self._complete / f"{number:04d}"
        fresh = self.folder / "CURRENT.new"
        try:
            flush_folder(self._draft)
            self._draft.rename(target)
            flush(self._complete)
            fresh.write_text(f"{target.name}\n", encoding="ascii")
            flush(fresh)
            fresh.replace(self._pointer)
            flush(self.folder)
        except OSError as error:
            raise unwritable(self.folder, error) from error
        for old in self._complete.iterdir():
            if old == target or (keep_previous and old == previous):
                continue
            try:
                remove_folder(old)
            except OSError as error:
                if not keep_previous:
                    raise unwritable(old, error) from error

    def _clear(self) -> None:
        """Removes a draft, and a generation that got its name and never became current."""
        shutil.rmtree(self._draft, ignore_errors=True)
        current = self.current()
        newest = int(current.name) if current else 0
        for folder in self._complete.iterdir():
            if int(folder.name) > newest:
                shutil.rmtree(folder, ignore_errors=True)


def model_of(generation: Path) -> EmbeddingModel:
    """The model that made the vectors of a generation; one made before this was noted is the embedded default's.

    Raises `ValueError` where the note is damaged.
    """
    try:
        return model_from(json.loads((generation / MODEL_FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return embedded_model()


def index_folder(data_dir: Path) -> Path:
    """Where the embedded index of a data folder lies."""
    return data_dir.resolve() / "index"
