"""What is wrong with a file of settings, in sentences that show no secret."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError

from backend.errors import ConfigurationError


def refuse_secrets(file: Path) -> None:
    """A key in `config.yaml` ends up in a repository sooner or later."""
    secret = re.search(r"^\s*(api_key|secret)\s*:\s*[^\s#]", file.read_text(), re.MULTILINE)
    if secret:
        raise ConfigurationError(
            f"`{secret[1]}` does not belong in {file.name}: take it out and set it in the environment or in `.env`."
        )


def sentence_for(error: ValidationError, known: Sequence[str]) -> str:
    """The first problem of a validation, as a sentence that names the key and not its value (it may be a secret).
    `known` keys are suggested for one that is not."""
    problem = error.errors(include_input=False, include_url=False)[0]
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(path.split(".")[-1], known, n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        return f"`{path}` is not a setting.{hint}"
    return f"The setting `{path}` is wrong: {problem['msg'][:1].lower()}{problem['msg'][1:]}."
