"""Where the settings come from. That they can be read at all is asked before everything else."""

import os
from pathlib import Path

from backend.settings import Settings
from backend.settings_files import PREFIX, config_file, dot_env
from pipeline.checks.finding import Finding


def configuration(settings: Settings) -> Finding:
    """Names the file, and every variable that overrides it; no value, which may be a secret. Notes where the service
    would not start by them."""
    own = f"{config_file()}" if os.environ.get(f"{PREFIX}CONFIG") else "config.yaml"
    told = [own]
    if variables := sorted(name for name in os.environ if _is_setting(name) and os.environ[name]):
        told.append(f"from the environment {', '.join(variables)}")
    if names := _names_in(dot_env()):
        told.append(f"from .env {', '.join(names)}")
    says = f"{'; '.join(told)}."
    if problem := settings.problem_of_serving():
        return Finding("note", "configuration", says, f"`footnote serve` will not start: {problem}")
    return Finding("ok", "configuration", says)


def _is_setting(name: str) -> bool:
    return name.startswith(PREFIX) and name != f"{PREFIX}CONFIG" and not name.startswith(f"{PREFIX}TEST_")


def _names_in(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    names = (line.removeprefix("export ").partition("=")[0].strip().upper() for line in lines if "=" in line)
    return sorted({name for name in names if _is_setting(name)})
