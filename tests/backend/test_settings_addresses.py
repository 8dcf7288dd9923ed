"""Addresses in the settings: one that cannot be reached is refused by name, and never repeated."""

import pytest

from backend.errors import ConfigurationError
from backend.settings import load
from backend.settings_files import PREFIX

pytestmark = pytest.mark.usefixtures("clean_environment")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FOOTNOTE_DATABASE__URL", "postgresql://localhost/x"),
        ("FOOTNOTE_REDIS__URL", "localhost:6379"),
        ("FOOTNOTE_INDEX__URL", "qdrant:6333"),
        ("FOOTNOTE_SERVER__PORT", "0"),
    ],
)
def test_an_address_of_the_wrong_kind_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as error:
        load()
    assert name.removeprefix(PREFIX).lower().replace("__", ".") in error.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE__URL", "postgresql+asyncpg://u:hunter2@h:port/db"),
        ("DATABASE__URL", "postgresql+asyncpg://u:hunter2@h:65536/db"),
        ("REDIS__URL", "redis://:hunter2@h:port/0"),
        ("REDIS__URL", "redis://:hunter2#@h:1/0"),
        ("INDEX__URL", "http://hunter2@qdrant:port"),
        ("INDEX__URL", "http://hunter2@[::1"),
        ("INDEX__URL", "http://:6333/hunter2"),
        ("RETRIEVAL__RERANK__URL", "http://hunter2@x:abc/rerank"),
        ("TIERS__FAST__BASE_URL", "http://hunter2@x:abc/v1"),
        ("USERS__JWKS_URL", "https://hunter2@x:abc/keys"),
    ],
)
def test_a_broken_host_or_port_is_refused_without_the_address(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"FOOTNOTE_{name}", value)
    with pytest.raises(ConfigurationError) as error:
        load()
    assert name.split("__")[-1].lower() in error.value.message
    assert "hunter2" not in error.value.message


@pytest.mark.parametrize(("section", "name"), [("TIERS__FAST", "BASE_URL"), ("RETRIEVAL__RERANK", "URL")])
def test_a_user_in_the_address_beside_a_key_is_refused(
    monkeypatch: pytest.MonkeyPatch, section: str, name: str
) -> None:
    monkeypatch.setenv(f"FOOTNOTE_{section}__{name}", "http://me:hunter2@127.0.0.1:9/v1")
    load()
    monkeypatch.setenv(f"FOOTNOTE_{section}__API_KEY", "sk-canary")
    with pytest.raises(ConfigurationError, match="only one of them can be sent") as error:
        load()
    assert f"`{section.lower().replace('__', '.')}.{name.lower()}`" in error.value.message
    assert "hunter2" not in error.value.message
    assert "canary" not in error.value.message


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("DATABASE", "postgresql+asyncpg://u:p#/?w@h:5432/db"),
        ("DATABASE", "postgresql+asyncpg://postgres@/footnote?host=/run/postgres"),
        ("DATABASE", "postgresql+asyncpg:///footnote"),
        ("REDIS", "unix:///run/redis.sock"),
        ("REDIS", "redis://:p%23w@[::1]:6379/0"),
        ("INDEX", "http://qdrant:6333"),
    ],
)
def test_every_address_that_can_be_meant_is_taken(monkeypatch: pytest.MonkeyPatch, section: str, value: str) -> None:
    monkeypatch.setenv(f"FOOTNOTE_{section}__URL", value)
    assert getattr(load(), section.lower()).url == value
