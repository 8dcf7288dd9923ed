"""What is wrong with a file of settings, in sentences that show no secret."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

import yaml
from pydantic import ValidationError

from backend.errors import ConfigurationError

SECRETS = ("api_key", "secret")


def refuse_secrets(file: Path) -> None:
    """A key in `config.yaml` ends up in a repository sooner or later."""
    try:
        secret = next(secrets_in(yaml.safe_load(file.read_text())), None)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{file} is not valid YAML: {error}") from error
    if secret:
        raise ConfigurationError(
            f"`{secret}` does not belong in {file.name}: take it out and set it in the environment or in `.env`."
        )


def secrets_in(settings: object) -> Iterator[str]:
    """The names of the secrets that have a value anywhere in these."""
    if isinstance(settings, dict):
        yield from (name for name in SECRETS if settings.get(name) is not None)
    if isinstance(settings, dict | list):
        for value in settings.values() if isinstance(settings, dict) else settings:
            yield from secrets_in(value)


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
