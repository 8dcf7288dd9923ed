"""Settings: every default is in config.yaml, the environment wins, a typo is an error that names it."""

import re
from pathlib import Path

import pytest

from backend.errors import ConfigurationError
from backend.settings import Settings, load
from backend.settings_files import PREFIX, config_file
from backend.settings_tiers import AgentTierSettings, OpenAITierSettings

pytestmark = pytest.mark.usefixtures("clean_environment")


def test_the_environment_wins_over_the_file_and_env_lies_between(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().server.port == 8000
    Path(".env").write_text("FOOTNOTE_SERVER__PORT=8001\nFOOTNOTE_TIERS__FAST__MODEL=small\n")
    assert load().server.port == 8001
    monkeypatch.setenv("FOOTNOTE_SERVER__PORT", "8002")
    assert load().server.port == 8002
    assert load().tiers["fast"].model == "small"  # type: ignore[union-attr]


def test_what_the_files_say_is_the_same_from_every_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOOTNOTE_CONFIG", str(tmp_path / "config.yaml"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert load().data_dir == tmp_path / "data"
    (tmp_path / ".env").write_text("FOOTNOTE_DATA_DIR=library\nFOOTNOTE_SERVER__PORT=8001\n")
    (elsewhere / ".env").write_text("FOOTNOTE_SERVER__PORT=8009\n")
    assert (load().data_dir, load().server.port) == (tmp_path / "library", 8001)
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", "library")
    assert load().data_dir.resolve() == elsewhere / "library"


def test_a_tilde_is_the_home_of_the_user_and_one_of_nobody_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for write in (
        lambda value: Path(".env").write_text(f"FOOTNOTE_DATA_DIR={value}\n"),
        lambda value: monkeypatch.setenv("FOOTNOTE_DATA_DIR", value),
    ):
        write("~/library")
        assert load().data_dir == Path.home() / "library"
        write("~nobody-of-that-name/library")
        with pytest.raises(ConfigurationError, match="data_dir` is wrong"):
            load()


@pytest.mark.parametrize(
    ("file", "holds", "says"),
    [
        ("config.yaml", b"data_dir: \xff\n", "config.yaml is not UTF-8 text"),
        ("config.yaml", b"- data_dir\n", "config.yaml is not a mapping"),
        ("config.yaml", b"server: {port: 1}\n80: 90\n", "config.yaml: the key `80` is not a name"),
        ("config.yaml", b"tiers: {a: {on: b}}\n", "config.yaml: the key `True` is not a name"),
        ("config.yaml", b"x: &a [*a]\n", "config.yaml holds a list or mapping within itself"),
        (
            "config.yaml",
            b"server:\n  port: 1\n  port: 2\n",
            "config.yaml, line 3, is not valid YAML: `port` is there twice",
        ),
        ("config.yaml", b"server: [\n", "config.yaml, line 2, is not valid YAML"),
        ("config.yaml", b"data_dir: \x00\n", "config.yaml is not valid YAML"),
        (".env", b"FOOTNOTE_SERVER__HOST=\xff\n", ".env is not UTF-8 text"),
        (".env", b"OTHER=1\nFOOTNOTE_SECRET='sk-canary\n", ".env, line 2, cannot be read: write NAME=value"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_in_one_sentence(file: str, holds: bytes, says: str) -> None:
    Path(file).write_bytes(holds)
    with pytest.raises(ConfigurationError) as error:
        load()
    assert says in error.value.message
    assert "\n" not in error.value.message
    assert "canary" not in error.value.message


@pytest.mark.parametrize(
    ("name", "named", "suggested"),
    [
        ("FOOTNOTE_SERVER__PROT", "server.prot", "port"),
        ("FOOTNOTE_SERVR__PORT", "FOOTNOTE_SERVR__PORT", "FOOTNOTE_SERVER"),
        ("FOOTNOTE_TIERS__FAST__MODLE", "modle", "model"),
    ],
)
def test_a_typo_is_an_error_that_names_the_key(
    monkeypatch: pytest.MonkeyPatch, name: str, named: str, suggested: str
) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(ConfigurationError) as error:
        load()
    assert named in error.value.message
    assert suggested in error.value.message


def test_a_typo_in_the_file_is_named_before_what_is_missing_for_it() -> None:
    Path("config.yaml").write_text(Path("config.yaml").read_text().replace("  port: 8000", "  prot: 8000"))
    with pytest.raises(ConfigurationError, match=re.escape("`server.prot` is not a setting. Did you mean `port`?")):
        load()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("EXTRACTIVE__MODEL", "`tiers.extractive.model` is not a setting, as `model` belongs elsewhere: take it out."),
        ("FAST__CONTEXT_TOKENS", "The setting `tiers.fast.context_tokens` is wrong"),
        ("NEW__MODEL", "set `tiers.new.kind` to openai, agent or extractive."),
        ("NEW__KIND", "set `tiers.new.kind` to openai, agent or extractive."),
    ],
)
def test_what_is_wrong_with_a_tier_is_said_by_its_path(monkeypatch: pytest.MonkeyPatch, name: str, says: str) -> None:
    monkeypatch.setenv(f"FOOTNOTE_TIERS__{name}", "foo")
    with pytest.raises(ConfigurationError, match=re.escape(says)):
        load()


def test_a_list_that_is_no_json_is_named_with_how_to_write_it(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("FOOTNOTE_CASCADE__ORDER=fast,canary\n")
    with pytest.raises(ConfigurationError) as error:
        load()
    assert """FOOTNOTE_CASCADE__ORDER='["one", "other"]'""" in error.value.message
    assert "canary" not in error.value.message
    monkeypatch.setenv("FOOTNOTE_CASCADE__ORDER", '["fast"]')
    monkeypatch.setenv("FOOTNOTE_SITES__BLOG__ORIGINS", "https://a.b")
    with pytest.raises(ConfigurationError, match="FOOTNOTE_SITES__BLOG__ORIGINS is not JSON"):
        load()


def test_a_typo_in_env_is_an_error_too() -> None:
    Path(".env").write_text("FOOTNOTE_SERVR__PORT=1\n")
    with pytest.raises(ConfigurationError, match="servr"):
        load()


def test_env_may_serve_other_programs_too() -> None:
    Path(".env").write_text("POSTGRES_PASSWORD=x\nFOOTNOTE_SERVER__PORT=8001\n")
    assert load().server.port == 8001


def test_a_wrong_value_is_named_and_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_SERVER__PORT", "sk-secret")
    with pytest.raises(ConfigurationError) as error:
        load()
    assert "server.port" in error.value.message
    assert "sk-secret" not in error.value.message


def test_a_bridge_to_an_agent_is_a_tier_by_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_TIERS__AGENT__KIND", "agent")
    monkeypatch.setenv("FOOTNOTE_TIERS__AGENT__BASE_URL", "http://127.0.0.1:8020")
    monkeypatch.setenv("FOOTNOTE_CASCADE__ORDER", '["agent","extractive"]')
    agent = load().tiers["agent"]
    assert isinstance(agent, AgentTierSettings)
    assert (agent.base_url, agent.total_timeout_s) == ("http://127.0.0.1:8020", 180)
    monkeypatch.setenv("FOOTNOTE_TIERS__AGENT__MODEL", "small")
    with pytest.raises(ConfigurationError, match="is not a setting"):
        load()


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_TIERS__FAST__BASE_URL", "")
    assert load().tiers["fast"].base_url is None  # type: ignore[union-attr]


@pytest.mark.parametrize("written", ["api_key: abc", '"api_key": abc', "? api_key\n    : abc"])
def test_a_secret_in_the_file_is_refused_however_it_is_written(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    Path("own.yaml").write_text(config_file().read_text().replace("model: null", f"model: null\n    {written}", 1))
    monkeypatch.setenv("FOOTNOTE_CONFIG", "own.yaml")
    with pytest.raises(ConfigurationError, match=r"`api_key` does not belong in own\.yaml"):
        load()


def test_a_secret_in_braces_is_refused_and_none_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    project = config_file().read_text()
    monkeypatch.setenv("FOOTNOTE_CONFIG", "own.yaml")
    for key, is_refused in (("sk-canary", True), ("null", False)):
        tier = f"tiers:\n  paid: {{kind: openai, base_url: 'http://x.example', model: m, api_key: {key}}}"
        Path("own.yaml").write_text(project.replace("tiers:", tier, 1))
        if is_refused:
            with pytest.raises(ConfigurationError, match="`api_key` does not belong") as refused:
                load()
            assert "canary" not in refused.value.message
        else:
            tier = load().tiers["paid"]
            assert isinstance(tier, OpenAITierSettings)
            assert tier.api_key is None


@pytest.mark.parametrize("name", ["RETENTION_DAYS__BLOG", "SECRET__X", "DATA_DIR___X"])
def test_a_name_below_a_single_value_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"FOOTNOTE_{name}", "30")
    with pytest.raises(ConfigurationError, match=f"FOOTNOTE_{name} is not a setting: .* is a single value"):
        load()


def test_ranges_of_proxies_are_taken_as_their_addresses_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_SERVER__TRUSTED_PROXIES", '["::ffff:10.0.0.0/104", "::ffff:192.0.2.1", "fd00::/8"]')
    assert list(map(str, load().server.trusted_proxies)) == ["10.0.0.0/8", "192.0.2.1/32", "fd00::/8"]
    for everybody in ('["0.0.0.0/0"]', '["0.0.0.0/1", "128.0.0.0/1"]', '["::/1", "8000::/1"]', '["::ffff:0:0/96"]'):
        monkeypatch.setenv("FOOTNOTE_SERVER__TRUSTED_PROXIES", everybody)
        with pytest.raises(ConfigurationError, match="trusts every address"):
            load()


def test_a_short_secret_and_an_unknown_tier_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for guessable in ("short", "s" * 40, "change-me-change-me-change-me-0123456789"):
        monkeypatch.setenv("FOOTNOTE_SECRET", guessable)
        with pytest.raises(ConfigurationError, match="32") as refused:
            load()
        assert guessable not in refused.value.message
    monkeypatch.setenv("FOOTNOTE_SECRET", "b2a91f6c04d7e35881f0c6ad93e742b5")
    load()
    monkeypatch.delenv("FOOTNOTE_SECRET")
    monkeypatch.setenv("FOOTNOTE_CASCADE__ORDER", '["nobody"]')
    with pytest.raises(ConfigurationError, match="nobody"):
        load()


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("CASCADE__STRONG", "clever", "`cascade.strong` names the tier `clever`"),
        ("TIERS__FAST__CONTEXT_TOKENS", "1700", "`tiers.fast.context_tokens` leaves less than 1000 tokens"),
        ("CASCADE__BREAKER__WINDOW_S", "31", "`cascade.breaker.window_s` is longer"),
        ("CASCADE__HEDGE_AFTER_S", "0", "`cascade.hedge_after_s` is wrong"),
        ("TIERS__FAST__PROMPT_PRICE", "-1", "prompt_price` is wrong"),
        ("TIERS__FAST__BASE_URL", "localhost:11434", "base_url` is wrong"),
        ("TIERS__FAST__TOTAL_TIMEOUT_S", "inf", "total_timeout_s` is wrong"),
        ("SERVER__DRAIN_S", "inf", "`server.drain_s` is wrong"),
    ],
)
def test_settings_of_tiers_that_cannot_be_meant_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, named: str
) -> None:
    monkeypatch.setenv(f"FOOTNOTE_{name}", value)
    with pytest.raises(ConfigurationError, match=re.escape(named)):
        load()


def test_no_key_is_shown_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_TIERS__FAST__API_KEY", "sk-canary")
    assert "sk-canary" not in repr(load())


def test_every_setting_of_the_file_is_introduced_by_its_environment_name() -> None:
    text = config_file().read_text()
    for section, values in load().model_dump().items():
        if section in ("tiers", "secret"):
            continue
        names = [section] if not isinstance(values, dict) else [f"{section}__{key}" for key in values]
        for name in names:
            assert f"{PREFIX}{name}".upper() in text, name
    assert set(Settings.model_fields) - {"secret"} <= set(re.findall(r"^(\w+):", text, re.MULTILINE))


@pytest.mark.parametrize("name", ["RETRIEVAL__RERANK__API_KEY", "INDEX__API_KEY", "TIERS__FAST__API_KEY"])
@pytest.mark.parametrize("key", ["sk-canary-ü", "sk-canary\n", "sk canary"])
def test_a_key_that_no_request_could_carry_is_refused_without_being_told(
    monkeypatch: pytest.MonkeyPatch, name: str, key: str
) -> None:
    monkeypatch.setenv(f"FOOTNOTE_{name}", key)
    with pytest.raises(ConfigurationError, match="api_key` is wrong: it holds a space") as error:
        load()
    assert "canary" not in error.value.message


def test_limits_that_let_one_client_use_up_a_creators_share_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_LIMITS__ADDRESS__PER_HOUR", "6001")
    with pytest.raises(ConfigurationError, match=re.escape("`limits.creator.per_hour` is less than twice")):
        load()
    monkeypatch.setenv("FOOTNOTE_LIMITS__CREATOR__PER_HOUR", "12002")
    assert load().limits.address.per_hour == 6001
    monkeypatch.setenv("FOOTNOTE_LIMITS__VISITOR__RUNS", "0")
    with pytest.raises(ConfigurationError, match=re.escape("`limits.visitor.runs` is wrong")):
        load()
