"""What is wrong with settings, in sentences that show no secret."""

from collections.abc import Sequence
from difflib import get_close_matches

from pydantic import ValidationError


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
