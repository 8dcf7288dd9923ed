"""Counts and cuts text in tokens, by tiktoken's o200k_base, whose ranks are shipped: nothing is downloaded."""

import lzma
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache, lru_cache
from hashlib import sha1
from math import ceil
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Self

import tiktoken
from tiktoken_ext.openai_public import o200k_base

from backend.errors import ConfigurationError

ENCODING = "o200k_base"
PACKED_RANKS = Path(__file__).parent / "ranks" / f"{ENCODING}.tiktoken.xz"
# Both as tiktoken itself has them (tiktoken_ext/openai_public.py): it looks in its cache folder for the SHA-1 of the
# address, and takes what it finds if the SHA-256 is right.
RANKS_ADDRESS = f"https://openaipublic.blob.core.windows.net/encodings/{ENCODING}.tiktoken"
RANKS_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
# The encodings of tiktoken that split plain text by these ranks.
ENCODINGS_OF_RANKS = (ENCODING, "o200k_harmony")
# Another model's tokenizer may need more tokens for the same text, and is not here to be asked. A vocabulary of 30,000
# words (WordPiece) took 0.99 to 1.15 times as many for transcripts, articles and code in English.
UNKNOWN_MARGIN = 1.3
REMEMBERED = 1024  # texts of some 1 to 6 kB, of a hundred questions


class TokenCounter:
    """Token counts: exact for models of these ranks; for others an estimate, `margin` times as much, rounded up."""

    def __init__(
        self, encoding: tiktoken.Encoding, margin: float = 1.0, tokens_of: Callable[[str], int] | None = None
    ) -> None:
        self._encoding = encoding
        self._margin = margin
        # A prompt is fitted by counting its parts again and again, and good passages come up again: counting was a
        # third of the time between the sources and the model.
        self._tokens_of = tokens_of or lru_cache(REMEMBERED)(lambda text: len(encoding.encode_ordinary(text)))

    @classmethod
    def open(cls, data_dir: Path) -> Self:
        """Loads the encoding (0.3 s; 0.5 s more the first time, when the ranks are unpacked to `data_dir`/tiktoken).

        Sets `TIKTOKEN_CACHE_DIR` where it is unset; where it is set, that folder is used. Raises `ConfigurationError`
        where the folder cannot be written.
        """
        folder = Path(os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(data_dir.absolute() / "tiktoken")))
        ranks = folder / sha1(RANKS_ADDRESS.encode(), usedforsecurity=False).hexdigest()
        if not ranks.is_file():
            try:
                unpack_to(ranks)
            except OSError as error:
                raise ConfigurationError(f"{folder} cannot be written: free some space there, or allow it.") from error
        return cls(load_encoding())

    def for_model(self, model: str) -> "TokenCounter":
        """The counter for a model by its name, which may have its provider's before it (`openai/gpt-4o`)."""
        try:
            known = tiktoken.encoding_name_for_model(model.rpartition("/")[2]) in ENCODINGS_OF_RANKS
        except KeyError:
            known = False
        return TokenCounter(self._encoding, 1.0 if known else UNKNOWN_MARGIN, self._tokens_of)

    def without_margin(self) -> "TokenCounter":
        """The counter for what must not be cut too early."""
        return TokenCounter(self._encoding, tokens_of=self._tokens_of)

    def count(self, text: str) -> int:
        """Tokens of `text`; what looks like a special token counts as the text that it is."""
        return ceil(self._tokens_of(text) * self._margin)

    def cut(self, text: str, limit: int) -> str:
        """The longest beginning of `text`, in whole tokens and whole characters, of at most `limit` tokens."""
        tokens = self._encoding.encode_ordinary(text)
        if ceil(len(tokens) * self._margin) <= limit:
            return text
        kept = max(int(limit / self._margin), 0)
        while True:
            # A token may end within a character, and a shorter text may split into other tokens than it did as a part.
            beginning = self._encoding.decode(tokens[:kept], errors="ignore")
            if self.count(beginning) <= max(limit, 0):
                return beginning
            kept -= 1


@cache
def load_encoding() -> tiktoken.Encoding:
    """The encoding, without the dictionary that it was made from: 30 MB which it never looks at again."""
    parts = o200k_base()
    encoding = tiktoken.Encoding(**parts)
    parts["mergeable_ranks"].clear()
    return encoding


def unpack_to(path: Path) -> None:
    """Writes the ranks beside `path` and moves them there in one step: other workers may be doing the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            file.write(lzma.decompress(PACKED_RANKS.read_bytes()))
            file.close()
            os.replace(file.name, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(file.name)
            raise
