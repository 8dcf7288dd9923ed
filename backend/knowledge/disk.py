"""What exported models and index generations ask of the file system: durable files, sparse copies, clear refusals."""

import errno
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from backend.errors import ConfigurationError

HEADROOM = 64 * 2**20  # bytes left free beyond what is known to be needed: growth of memory-mapped files
BLOCK = 2**20
REMOVALS = 20  # a reader opens a generation in milliseconds, and none opens one that is no longer current


def unwritable(folder: Path, error: OSError) -> ConfigurationError:
    """The sentence for a data folder that is full, read-only or not ours."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return full(folder)
    reason = os.strerror(error.errno or errno.EIO).lower()
    return ConfigurationError(
        f"The data folder cannot be written at {folder} ({reason}): mend its permissions, "
        "or choose another with FOOTNOTE_DATA_DIR."
    )


def full(folder: Path) -> ConfigurationError:
    """The sentence for a disk without room."""
    return ConfigurationError(
        f"The data folder is full at {folder}: free some space, or choose another with FOOTNOTE_DATA_DIR."
    )


def require_space(folder: Path, needed: int = 0) -> None:
    """Raises `ConfigurationError` unless `needed` bytes and some headroom are free.

    Asked before writing through memory maps: when those meet a full disk, the system ends the process.
    """
    if shutil.disk_usage(folder).free < needed + HEADROOM:
        raise full(folder)


def closed(folder: Path, mode: int) -> Path | None:
    """The first of a folder and what is in it that this user may not use as `mode` of `os.access` says; None where
    all of it may be."""
    inside = (Path(at) / name for at, folders, files in os.walk(folder) for name in (*folders, *files))
    for path in (folder, *inside):
        try:
            wanted = mode | os.X_OK if stat.S_ISDIR(path.stat().st_mode) else mode
        except PermissionError:
            return path
        except OSError:
            continue
        if not os.access(path, wanted):
            return path
    return None


def occupied(folder: Path) -> int:
    """Bytes that the files of a folder really take; holes of sparse files take none, nor do files that go meanwhile."""
    total = 0
    for file in files_below(folder):
        with suppress(FileNotFoundError):
            total += file.stat().st_blocks * 512
    return total


def remove_folder(folder: Path) -> None:
    """Deletes a folder even while a reader, in opening it, replaces its small files under our hands.

    Raises `OSError` where something else keeps it.
    """
    for attempt in range(1, REMOVALS + 1):
        try:
            shutil.rmtree(folder)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTEMPTY) or attempt == REMOVALS:
                raise
        if not folder.exists():
            return


def copy_sparse(source: Path, target: Path) -> None:
    """Copies a folder, leaving holes as holes: a shard of 1,000 points spans 130 MB and takes 4.

    A file that goes away meanwhile is left out: a reader that opens the source replaces its small files atomically,
    by way of temporary ones.
    """
    for folder, _, names in os.walk(source):
        into = target / Path(folder).relative_to(source)
        into.mkdir(parents=True, exist_ok=True)
        for name in names:
            try:
                copy_file(Path(folder) / name, into / name)
            except FileNotFoundError:
                continue


def copy_file(source: Path, target: Path) -> None:
    """Copies one file extent by extent."""
    with source.open("rb", buffering=0) as reader, target.open("wb", buffering=0) as writer:
        size = os.fstat(reader.fileno()).st_size
        writer.truncate(size)
        position = 0
        while position < size:
            try:
                position = os.lseek(reader.fileno(), position, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                    return
                raise
            end = os.lseek(reader.fileno(), position, os.SEEK_HOLE)
            while position < end:
                data = os.pread(reader.fileno(), min(BLOCK, end - position), position)
                if not data:
                    return
                position += os.pwrite(writer.fileno(), data, position)


def flush_folder(folder: Path) -> None:
    """Makes a folder durable: every file, then every directory that names them."""
    for file in files_below(folder):
        flush(file)
    for path, _, _ in os.walk(folder, topdown=False):
        flush(Path(path))


def flush(path: Path) -> None:
    """fsync of a file or of a directory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def files_below(folder: Path) -> list[Path]:
    """Every regular file under `folder`."""
    return [file for file in folder.rglob("*") if file.is_file()]
