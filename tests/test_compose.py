"""The compose file: valid where a compose command is there to say so, and complete in any case."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from backend.engine_host import POSTGRES_OPTIONS

ROOT = Path(__file__).parent.parent
SECRETS = {
    "FOOTNOTE_SECRET": "b2a91f6c04d7e35881f0c6ad93e742b5",
    "POSTGRES_PASSWORD": "p",
    "FOOTNOTE_INDEX__API_KEY": "k",
}


def compose_command() -> list[str] | None:
    """`docker compose` where it has the plugin, else `docker-compose`, else None."""
    plugin = ["docker", "compose"]
    if shutil.which("docker") and subprocess.run([*plugin, "version"], capture_output=True).returncode == 0:
        return plugin
    return ["docker-compose"] if shutil.which("docker-compose") else None


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return loaded


@pytest.mark.skipif(compose_command() is None, reason="no compose command on this machine")
def test_compose_accepts_the_file_and_refuses_it_without_its_secrets() -> None:
    command = [*(compose_command() or []), "--file", str(ROOT / "docker-compose.yml"), "config", "--quiet"]
    complete = subprocess.run(command, env=os.environ | SECRETS, capture_output=True, text=True)
    assert complete.returncode == 0, complete.stderr
    clean = {name: value for name, value in os.environ.items() if name not in SECRETS}
    assert subprocess.run(command, env=clean, capture_output=True).returncode != 0


def test_every_server_has_a_health_check_and_keeps_its_data(services: dict[str, Any]) -> None:
    for name in ("postgres", "redis", "qdrant"):
        assert services[name]["healthcheck"]["test"]
        assert services[name]["volumes"]
        assert services["api"]["depends_on"][name] == {"condition": "service_healthy"}
    assert services["api"]["healthcheck"]["test"]


def test_no_log_and_no_snapshot_keeps_what_was_said(services: dict[str, Any]) -> None:
    for name in ("log_min_error_statement", "log_error_verbosity", "log_min_messages"):
        assert f"{name}={POSTGRES_OPTIONS[name]}" in services["postgres"]["command"]
    redis = services["redis"]["command"]
    assert redis[redis.index("--save") + 1] == ""


def test_api_and_ingestion_are_one_image(services: dict[str, Any]) -> None:
    assert services["api"]["image"] == services["ingest"]["image"]
    assert services["api"]["build"] == services["ingest"]["build"]
    assert (ROOT / services["api"]["build"]["dockerfile"]).is_file()


def test_what_an_owner_sets_of_sites_users_limits_and_budgets_reaches_the_service(services: dict[str, Any]) -> None:
    for name in ("SITES", "LIMITS", "BUDGETS", "RETENTION_DAYS", "USERS__ISSUER", "USERS__SECRET", "TIERS", "CASCADE"):
        assert services["api"]["environment"][f"FOOTNOTE_{name}"] == f"${{FOOTNOTE_{name}:-}}"


def test_every_setting_that_the_file_names_exists(services: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.settings import load

    for name, value in services["api"]["environment"].items():
        monkeypatch.setenv(name, SECRETS.get(name, "" if str(value).startswith("$") else str(value)))
    monkeypatch.setenv("FOOTNOTE_DATABASE__URL", "postgresql+asyncpg://footnote:p@postgres:5432/footnote")
    settings = load()
    assert settings.server.host == "0.0.0.0"
    assert settings.index.url == "http://qdrant:6333"
