"""The files of settings: `config.yaml`, and `.env` beside it. A folder that they name counts from theirs, wherever a
command is run."""

import os
from collections.abc import Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, DotEnvSettingsSource, YamlConfigSettingsSource

from backend.settings_reading import read_config, refuse_lines

PREFIX = "FOOTNOTE_"
DATA_DIR = "data_dir"


def config_file() -> Path:
    """`FOOTNOTE_CONFIG` if it is set, else the `config.yaml` beside the installed packages' source tree."""
    return Path(os.environ.get(f"{PREFIX}CONFIG") or Path(__file__).parent.parent / "config.yaml")


def dot_env() -> Path:
    """The `.env` beside `config_file`, whether it is there or not."""
    return config_file().parent / ".env"


class OurYaml(YamlConfigSettingsSource):
    """`config.yaml`."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls, yaml_file=config_file())

    def _read_file(self, file_path: Path | Traversable) -> dict[str, Any]:
        return read_config(Path(str(file_path)))

    def __call__(self) -> dict[str, Any]:
        found = super().__call__()
        return found | {DATA_DIR: beside(found[DATA_DIR])} if DATA_DIR in found else found


class OurDotEnv(DotEnvSettingsSource):
    """`.env` may serve other programs too, such as docker compose: only names with our prefix are ours."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls, env_file=dot_env(), env_file_encoding="utf-8")

    def _read_env_files(self) -> Mapping[str, str | None]:
        refuse_lines(dot_env())
        found = super()._read_env_files()
        ours = {name: value for name, value in found.items() if name.upper().startswith(PREFIX)}
        return {name: beside(value) if name.upper() == f"{PREFIX}DATA_DIR" else value for name, value in ours.items()}


def beside(folder: Any) -> Any:
    """A relative folder as one from the folder of `config_file`; anything else as it is."""
    if not isinstance(folder, str) or not folder or folder.startswith("~"):
        return folder
    return str(config_file().parent / folder)


def at_home(folder: Path) -> Path:
    """The folder with a `~` at its beginning as the home of the user."""
    try:
        return folder.expanduser()
    except RuntimeError as error:
        raise ValueError("its `~` is nobody's home, so write the whole path") from error
