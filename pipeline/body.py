"""The body of a response on its way to a file: unpacked, counted, and cut off where it grows too large."""

import zlib
from pathlib import Path
from types import TracebackType
from typing import Self

from backend.errors import ContentError

_PIECE = 2**16
_GZIP = zlib.MAX_WBITS | 16


class Body:
    """Takes a body as it is sent and writes it as it was meant to `path`, never more than `limit` bytes of either.

    `coding` is the `Content-Encoding`; raises `ContentError` for any but gzip, the only one that is asked for.
    """

    def __init__(self, path: Path, coding: str, limit: int) -> None:
        if coding not in ("", "identity", "gzip", "x-gzip"):
            raise ContentError("The site sends it packed in a way that is not read.")
        self._limit = limit
        self._received = self._written = 0
        self._gzip = zlib.decompressobj(_GZIP) if coding.endswith("gzip") else None
        self._file = path.open("wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    @property
    def is_whole(self) -> bool:
        """Whether what was packed came to its end."""
        return self._gzip is None or self._gzip.eof or not self._received

    def write(self, part: bytes) -> None:
        """Raises `ContentError` where it is too large by now, or not packed as the site says."""
        self._received += len(part)
        self._check(self._received)
        if self._gzip is None:
            self._put(part)
            return
        try:
            while part:
                if self._gzip.eof:  # a file of gzip may be several in a row
                    self._gzip = zlib.decompressobj(_GZIP)
                self._put(self._gzip.decompress(part, _PIECE))
                part = self._gzip.unconsumed_tail or self._gzip.unused_data
        except zlib.error as error:
            raise ContentError("What the site sends is damaged.") from error

    def _put(self, piece: bytes) -> None:
        self._written += len(piece)
        self._check(self._written)
        self._file.write(piece)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise too_large(self._limit)


def too_large(limit: int) -> ContentError:
    """What is said of content beyond `limit` bytes."""
    return ContentError(f"It is larger than {limit / 2**20:g} MiB: save it as a file, and ingest that.")
