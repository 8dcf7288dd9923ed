"""Counts and cuts text in tokens, by tiktoken's o200k_base, whose ranks are shipped: nothing is downloaded."""

import lzma
import os
from base64 import b64decode
from contextlib import suppress
from functools import cache, lru_cache
from hashlib import sha1, sha256
from itertools import islice
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
# Other models' tokenizers are not here to be asked. For them text is split much as GPT-2 splits it and joined by the
# first of these ranks alone: a vocabulary as small as any of today's, in 10 MB instead of 50. All ranks make 0.70 to
# 0.91 as many tokens of transcripts, articles, code, and texts in German, Russian, Arabic, Chinese and Japanese. A
# vocabulary of 30,000 English words (WordPiece) makes 0.86 to 1.02 as many; and 2.2 times as many in Russian, not made
# for that.
FIRST_RANKS = 32_768
# GPT-2's pattern leaves the last of several spaces to the word behind them. That takes a look ahead, and half as much
# time again. Without it transcripts, articles and code count 0.6 % less in all, and single files of captions up to 4 %;
# all ranks make at most 0.96 as many tokens of any of these, and the margin is for the rest.
WORDS = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+"
UNKNOWN_MARGIN = 1.1
REMEMBERED = 1024  # texts of some 1 to 6 kB, of a hundred questions


class TokenCounter:
    """Token counts: exact for models of these ranks; for others an estimate, which errs towards too many."""

    def __init__(self, encoding: tiktoken.Encoding, margin: float = 1.0) -> None:
        self._encoding = encoding
        self._margin = margin
        # A prompt is fitted by counting its parts again and again, and good passages come up again: counting was a
        # third of the time between the sources and the model.
        self._tokens_of = lru_cache(REMEMBERED)(lambda text: len(encoding.encode_ordinary(text)))

    @classmethod
    def open(cls, data_dir: Path) -> Self:
        """The counter for models that are not known (0.1 s; 0.5 s more the first time, when the ranks are unpacked to
        `data_dir`/tiktoken).

        Sets `TIKTOKEN_CACHE_DIR` where it is unset; where it is set, that folder is used. Raises `ConfigurationError`
        where the folder cannot be written.
        """
        folder = Path(os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(data_dir.absolute() / "tiktoken")))
        return cls(first_ranks(ranks_in(folder)), UNKNOWN_MARGIN)

    def for_model(self, model: str) -> "TokenCounter":
        """The counter for a model by its name, which may have its provider's before it (`openai/gpt-4o`); this one
        where that is not known. The first one of all ranks takes 0.3 s."""
        try:
            known = tiktoken.encoding_name_for_model(model.rpartition("/")[2]) in ENCODINGS_OF_RANKS
        except KeyError:
            known = False
        return exact_counter() if known else self

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
def exact_counter() -> TokenCounter:
    """The counter of all ranks, without the dictionary that it was made from: 30 MB which it never looks at again.

    See `TokenCounter.open`, which comes before it, for what it raises.
    """
    ranks_in(Path(os.environ["TIKTOKEN_CACHE_DIR"]))  # what is not there tiktoken would download
    parts = o200k_base()
    encoding = tiktoken.Encoding(**parts)
    parts["mergeable_ranks"].clear()
    return TokenCounter(encoding)


def first_ranks(path: Path) -> tiktoken.Encoding:
    """The encoding of the first ranks in tiktoken's file, a token in base64 and its rank on each line."""
    with path.open("rb") as file:
        lines = (line.split() for line in islice(file, FIRST_RANKS))
        ranks = {b64decode(token): int(rank) for token, rank in lines}
    return tiktoken.Encoding("first_ranks", pat_str=WORDS, mergeable_ranks=ranks, special_tokens={})


def ranks_in(folder: Path) -> Path:
    """tiktoken's file of all ranks, written where it is missing or is not what tiktoken expects."""
    ranks = folder / sha1(RANKS_ADDRESS.encode(), usedforsecurity=False).hexdigest()
    try:
        if not ranks.is_file() or sha256(ranks.read_bytes()).hexdigest() != RANKS_SHA256:
            unpack_to(ranks)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: free some space there, or allow it.") from error
    return ranks


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
