"""Reads the files of settings, and says what in them cannot be read, without a word of what they hold."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from dotenv.parser import parse_stream

from backend.errors import ConfigurationError

SECRETS = ("api_key", "secret")


class Loader(yaml.SafeLoader):
    """Refuses what YAML lets pass: a key that is there twice, of which only the last would count."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        problem=f"`{key.value}` is there twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_config(file: Path) -> dict[str, Any]:
    """The mapping in `config.yaml`; an empty file is an empty one. Raises `ConfigurationError`."""
    text = text_of(file)
    try:
        found = yaml.load(text, Loader)
        check(file, {} if found is None else found)
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = f"{file}, line {mark.line + 1}," if mark else f"{file}"
        raise ConfigurationError(
            f"{where} is not valid YAML{f': {problem}' if problem else ''}. Mend it there."
        ) from error
    except RecursionError as error:
        raise ConfigurationError(f"{file} holds a list or mapping within itself: take that out.") from error
    return found or {}


def check(file: Path, found: object) -> None:
    """Refuses what is no mapping of names, and keys, which end up in a repository sooner or later."""
    if not isinstance(found, dict):
        raise ConfigurationError(f"{file} is not a mapping: write lines of `name: value`.")
    wrong, secret = next(other_keys_in(found), None), next(secrets_in(found), None)
    if wrong is not None:
        raise ConfigurationError(f"{file}: the key `{wrong}` is not a name, so write it in quotes or take it out.")
    if secret:
        raise ConfigurationError(
            f"`{secret}` does not belong in {file.name}: take it out and set it in the environment or in `.env`."
        )


def mappings_in(settings: object) -> Iterator[dict[Any, Any]]:
    """Every mapping that is anywhere in these, from the outside."""
    if isinstance(settings, dict):
        yield settings
    if isinstance(settings, dict | list):
        for value in settings.values() if isinstance(settings, dict) else settings:
            yield from mappings_in(value)


def secrets_in(settings: object) -> Iterator[str]:
    """The names of the secrets that have a value anywhere in these."""
    for mapping in mappings_in(settings):
        yield from (name for name in SECRETS if mapping.get(name) is not None)


def other_keys_in(settings: object) -> Iterator[object]:
    """The keys anywhere in these that are no text, such as numbers and `on`."""
    for mapping in mappings_in(settings):
        yield from (key for key in mapping if not isinstance(key, str))


def refuse_lines(file: Path) -> None:
    """Raises `ConfigurationError` where a line of a `.env` has no name and value; one that is not there is none."""
    if not file.is_file():
        return
    for binding in parse_stream(StringIO(text_of(file))):
        if binding.error:
            raise ConfigurationError(
                f"{file}, line {binding.original.line}, cannot be read: write NAME=value, with both quotes or none."
            )


def text_of(file: Path) -> str:
    """The text of a file. Raises `ConfigurationError` where it cannot be had."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8 text: save it as such.") from error
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: mend its permissions.") from error
