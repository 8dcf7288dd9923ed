"""What `footnote doctor` says of a machine that is well, and of what may be broken on it."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from backend.settings import Settings
from pipeline.checks import databases, index, machine, tiers
from pipeline.checks.configuration import configuration
from pipeline.checks.finding import Finding, place_of, within
from pipeline.commands.doctor import run
from tests.conftest import data_folder
from tests.pipeline.findings import SECRET, states, with_tier
from tests.pipeline.small_server import server
from tests.service import with_section

# The whole command


@pytest.fixture(scope="module")
def own_data(model_cache: Path) -> Iterator[Path]:
    """A data folder of this module, of which the command itself starts and ends the engines."""
    with data_folder(model_cache) as data_dir:
        yield data_dir


def test_a_fresh_library_is_in_order_and_says_how_to_begin(
    own_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(own_data))
    assert run() == 0
    said = capsys.readouterr().out
    lines = said.splitlines()
    assert all(line.split()[:2] in (["✓", "ok"], ["!", "note"]) for line in lines[:-1]), said
    assert "from the environment FOOTNOTE_DATA_DIR" in said
    assert "there are no tables yet. `footnote status` makes them" in said
    assert "index            embedded, and empty. `footnote ingest FOLDER` fills it." in said
    assert lines[-1].startswith("Nothing is broken, ")


def test_everything_dead_is_said_in_one_line_each_and_no_secret_is_printed(
    own_data: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "DATA_DIR": str(own_data),
        "DATABASE__URL": f"postgresql+asyncpg://joe:{SECRET}@127.0.0.1:1/library?password={SECRET}",
        "REDIS__URL": f"redis://:{SECRET}@127.0.0.1:1/0",
        "INDEX__URL": f"http://joe:{SECRET}@127.0.0.1:1/q?api_key={SECRET}",
        "INDEX__API_KEY": SECRET,
        "TIERS__FAST__BASE_URL": f"http://joe:{SECRET}@127.0.0.1:1/v1?key={SECRET}",
        "TIERS__FAST__MODEL": "small",
        "SECRET": SECRET * 3,
    }.items():
        monkeypatch.setenv(f"FOOTNOTE_{name}", value)
    assert run() == 1
    said = capfd.readouterr()
    assert SECRET not in said.out + said.err
    assert said.err == ""
    broken = [line.split()[2] for line in said.out.splitlines() if line.startswith("✗ broken")]
    assert broken == ["Postgres", "Redis", "index", "tier"]
    assert said.out.splitlines()[-1].startswith("4 broken")
    assert "127.0.0.1:1/library" in said.out


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("FOOTNOTE_DATABSE__URL", "x", "FOOTNOTE_DATABSE__URL is not a setting. Did you mean FOOTNOTE_DATABASE?"),
        ("FOOTNOTE_SERVER__PORT", "eighty", "The setting `server.port` is wrong"),
        ("FOOTNOTE_CONFIG", "/nowhere/config.yaml", "/nowhere/config.yaml is missing"),
    ],
)
def test_settings_that_cannot_be_read_are_exit_code_two(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    assert run() == 2
    assert says in capsys.readouterr().out


def test_a_data_folder_that_cannot_be_made_does_not_keep_the_rest_from_being_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(tmp_path / "file" / "data"))
    assert run() == 1
    said = capsys.readouterr().out
    assert f"{tmp_path / 'file'} is a file. Set FOOTNOTE_DATA_DIR to a folder." in said
    assert "✗ broken  embedded engines" in said
    assert "✓ ok      tier extractive" in said
    assert "sandbox" in said


# One subject after the other


def test_a_folder_that_nobody_may_write_is_broken_and_one_that_is_not_there_is_noted(tmp_path: Path) -> None:
    assert machine.data_folder(Path("/proc/footnote")).state == "broken"
    assert "cannot be written" in machine.data_folder(Path("/proc/footnote")).says
    assert machine.data_folder(tmp_path).state == "ok"
    missing = machine.data_folder(tmp_path / "a" / "b")
    assert (missing.state, missing.advice) == ("note", "If it should be, check FOOTNOTE_DATA_DIR.")
    assert not (tmp_path / "a").exists()


def test_what_a_killed_command_left_is_named(tmp_path: Path) -> None:
    assert machine.leftovers(tmp_path) == []
    for left in ("staging", "index/draft", "models/.export-42"):
        (tmp_path / left).mkdir(parents=True)
    (found,) = machine.leftovers(tmp_path)
    assert found.says == "staging, index/draft, models/.export-42."


def test_a_front_end_that_is_not_built_is_noted(tmp_path: Path) -> None:
    assert machine.frontend(tmp_path).state == "note"
    for name in ("index.html", "footnote.js"):
        (tmp_path / name).write_text("")
    assert machine.frontend(tmp_path).state == "ok"


def test_settings_are_named_and_their_values_are_not(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_TIERS__FAST__API_KEY", SECRET)
    (tmp_path / ".env").write_text(
        f"FOOTNOTE_SECRET={SECRET}\nexport FOOTNOTE_SERVER__PORT=9\nPATH=/x\n# FOOTNOTE_X=1\n"
    )
    monkeypatch.setenv("FOOTNOTE_CONFIG", str(tmp_path / "config.yaml"))
    says = configuration(settings).says
    assert "from the environment FOOTNOTE_TIERS__FAST__API_KEY" in says
    assert "from .env FOOTNOTE_SECRET, FOOTNOTE_SERVER__PORT." in says
    assert SECRET not in says


def test_a_secret_that_the_service_will_want_is_noted(settings: Settings) -> None:
    shared = settings.model_copy(update={"secret": None})
    found = configuration(shared)
    assert (found.state, found.advice.split(":")[0]) == ("note", "`footnote serve` will not start")
    assert configuration(with_section(shared, "database", url="embedded")).state == "ok"


async def test_running_engines_are_in_order_and_addresses_of_nothing_are_told_apart(settings: Settings) -> None:
    assert states(await databases.postgres(settings, settings)) == ["ok", "ok"]
    assert states(await databases.redis(settings, settings)) == ["ok"]
    address = make_url(settings.database.url).set(database="no_such_thing").render_as_string(hide_password=False)
    elsewhere = with_section(settings, "database", url=address)
    (found,) = await databases.postgres(elsewhere, elsewhere)
    assert "it has no database of that name." in found.says
    wrong = with_section(settings, "redis", url=f"{settings.redis.url.rsplit('/', 1)[0]}/999")
    assert states(await databases.redis(wrong, wrong)) == ["broken"]


async def test_servers_that_accept_and_never_answer_cost_a_few_seconds_and_no_more(settings: Settings) -> None:
    async with server(None) as port:
        dead = with_section(settings, "database", url=f"postgresql+asyncpg://joe@127.0.0.1:{port}/x")
        dead = with_section(dead, "redis", url=f"redis://127.0.0.1:{port}/0")
        dead = with_section(dead, "index", url=f"http://127.0.0.1:{port}")
        dead = with_tier(dead, f"http://127.0.0.1:{port}/v1", "small")

        async def of_index() -> list[Finding]:
            return (await index.index(dead, None))[0]

        begun = time.monotonic()
        found = await asyncio.gather(
            within("Postgres", 6, databases.postgres(dead, dead)),
            within("Redis", 6, databases.redis(dead, dead)),
            within("index", 6, of_index()),
            within("tiers", 6, tiers.tiers(dead)),
        )
        assert time.monotonic() - begun < 8
    assert [findings[0].state for findings in found] == ["broken"] * 4


async def test_a_check_that_fails_itself_is_a_finding_without_the_text_of_the_exception() -> None:
    async def fails() -> list[Finding]:
        raise RuntimeError(SECRET)

    (found,) = await within("thing", 1, fails(), "Do this.")
    assert (found.state, found.says, found.advice) == ("broken", "it cannot be used (RuntimeError).", "Do this.")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (
            f"postgresql+asyncpg://joe:{SECRET}@db.example.org:5432/footnote?password={SECRET}",
            "db.example.org:5432/footnote",
        ),
        (f"redis://:{SECRET}@[::1]:6379/0#{SECRET}", "::1:6379/0"),
        (f"http://{SECRET}@host:99999999/v1", "an address that makes no sense"),
    ],
)
def test_an_address_is_shown_without_credentials(url: str, place: str) -> None:
    assert place_of(url) == place
