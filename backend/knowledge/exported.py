"""The folder of an exported embedding model: what it holds, and how long a passage is to that model.

It imports nothing heavy: whoever cuts documents counts tokens, and need not run the model.
"""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from tokenizers import Tokenizer

from backend.errors import ConfigurationError
from backend.knowledge.disk import closed

MODEL_FILE = "model.onnx"
WEIGHTS_FILE = "model.weights"
TOKENIZER_FILE = "tokenizer.json"
MANIFEST_FILE = "manifest.json"


class Manifest(BaseModel):
    """What an exported model says of itself. `checks` holds the cosine of each probe with the original model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    dimension: int
    max_tokens: int
    pad_id: int
    query_prompt: str
    document_prompt: str
    modules: tuple[str, ...]
    versions: dict[str, str]
    checks: dict[str, float]


class TokenCounter:
    """Counts the tokens of passages as the model reads them, `prompt` before each."""

    def __init__(self, tokenizer_json: str, prompt: str) -> None:
        self._prompt = prompt
        self._tokenizer = Tokenizer.from_str(tokenizer_json)
        # The file may truncate and pad as its author once needed it: counting must not be cut.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    @classmethod
    def load(cls, folder: Path) -> "TokenCounter":
        """The counter of the model in `folder`. Raises `ConfigurationError` where that is missing or damaged."""
        try:
            manifest, tokenizer_json = read_manifest(folder)
            return cls(tokenizer_json, manifest.document_prompt)
        except Exception as error:  # tokenizers raises no narrower class than this
            raise damaged(folder) from error

    def count_tokens(self, text: str) -> int:
        """How many tokens the model would read of this passage, prompt and special tokens included, if nothing were
        cut. A passage is read whole when this is at most the manifest's `max_tokens`."""
        return len(self._tokenizer.encode_batch_fast([self._prompt + text])[0])


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """The manifest and the JSON of the tokenizer. Raises `OSError` or `ValueError` where they cannot be read."""
    manifest = Manifest.model_validate_json((folder / MANIFEST_FILE).read_bytes())
    return manifest, (folder / TOKENIZER_FILE).read_text(encoding="utf-8")


def damaged(folder: Path) -> ConfigurationError:
    """What to say of a folder whose model cannot be loaded."""
    if path := closed(folder, os.R_OK):
        return ConfigurationError(f"The exported model cannot be read, as {path} is closed: mend its permissions.")
    return ConfigurationError(f"The exported model in {folder} cannot be read: delete that folder and start again.")
