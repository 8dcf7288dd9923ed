"""Which files are read at all: regular ones, of a size that a document may have."""

from pathlib import Path
from stat import S_ISREG

from backend.errors import ContentError
from pipeline.sources.detect import HEAD_BYTES, kind_of

MIB = 1 << 20
LARGEST_TEXT = 64 * MIB  # a book has one, the captions of a day four
LARGEST_BINARY = 256 * MIB  # most of such a file are pictures
_BINARY = frozenset({"pdf", "docx"})


def refuse_odd_file(path: Path) -> None:
    """Raises `ContentError` for a device, pipe or folder, and for a file that is too large for its kind.

    Reads at most the first bytes, and never waits.
    """
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise ContentError("It is not a regular file.")
        if status.st_size <= LARGEST_TEXT:
            return
        with path.open("rb") as file:
            kind = kind_of(path.name, file.read(HEAD_BYTES))
    except OSError as error:
        raise ContentError("The file cannot be read.") from error
    most = LARGEST_BINARY if kind in _BINARY else LARGEST_TEXT
    if status.st_size > most:
        raise ContentError(
            f"It is larger than {most // MIB} MiB, which is the most that is read of its kind: divide it."
        )
