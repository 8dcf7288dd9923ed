"""What `footnote doctor` says of a library that is well, and of each thing that may be broken."""

import asyncio
import json
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from backend.knowledge.generations import Generations, index_folder
from backend.knowledge.identity import export_name
from backend.knowledge.models import EmbeddingModel
from backend.settings import EMBEDDED, Settings
from pipeline.checks import databases, index, machine, model, tiers
from pipeline.checks.configuration import configuration
from pipeline.checks.content import Library as Content
from pipeline.checks.content import content, read_library
from pipeline.checks.finding import Finding, place_of, within
from pipeline.commands.doctor import run
from tests.conftest import data_folder
from tests.pipeline.library import Library
from tests.service import with_section

SECRET = "hunter2-do-not-print"
Respond = Callable[[str], Awaitable[tuple[int, str, str]]]


@asynccontextmanager
async def server(respond: Respond | None) -> AsyncIterator[int]:
    """A server on loopback that answers requests by their head with status, type and body; with None it never does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode() if respond else ""
            if respond is None:
                await reader.read()
                return
            status, kind, body = await respond(head)
            phrase = HTTPStatus(status).phrase
            said = f"HTTP/1.1 {status} {phrase}\r\ncontent-type: {kind}\r\ncontent-length: {len(body.encode())}\r\n"
            writer.write(f"{said}connection: close\r\n\r\n{body}".encode())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


def states(findings: list[Finding]) -> list[str]:
    return [finding.state for finding in findings]


def with_tier(settings: Settings, base_url: str | None, model: str | None, api_key: str | None = None) -> Settings:
    key = SecretStr(api_key) if api_key else None
    fast = settings.tiers["fast"].model_copy(update={"base_url": base_url, "model": model, "api_key": key})
    return settings.model_copy(update={"tiers": {**settings.tiers, "fast": fast}})


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
        "TIERS__FAST__API_KEY": SECRET,
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
    says = configuration(settings, tmp_path / ".env").says
    assert "from the environment FOOTNOTE_TIERS__FAST__API_KEY" in says
    assert "from .env FOOTNOTE_SECRET, FOOTNOTE_SERVER__PORT." in says
    assert SECRET not in says


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


# The index


@pytest.fixture
async def indexed(library: Library, settings: Settings) -> Library:
    """A library of its own index, with two documents that answer and one that failed."""
    library.settings.data_dir.mkdir()
    (library.settings.data_dir / "models").symlink_to(settings.data_dir / "models")
    library.write("one.md", "Listen to the room before the microphone.")
    library.write("two.md", "Then put a duvet behind the singer.")
    library.write("bad.srt", "no cues")
    await library.ingest()
    return library


async def test_a_whole_index_is_in_order_and_its_passages_are_counted(indexed: Library) -> None:
    found, held = await index.index(with_section(indexed.settings, "index", url=EMBEDDED), None)
    assert states(found) == ["ok"]
    assert held is not None
    assert held.chunks == 2
    assert held.model == indexed.model
    rows = await indexed.rows()
    _, fewer = await index.embedded(indexed.settings.data_dir, [rows["one.md"]["id"]])
    assert fewer is not None
    assert fewer.chunks == 1


@pytest.mark.parametrize("damage", ["status.dat", "edge_config.json", "model.json", "CURRENT"])
async def test_a_damaged_index_is_said_to_be_whatever_the_engine_does_at_the_sight_of_it(
    indexed: Library, damage: str
) -> None:
    folder = index_folder(indexed.settings.data_dir)
    current = Generations(folder).current()
    assert current is not None
    if damage == "CURRENT":
        (folder / "CURRENT").write_text("9999\n")
    for file in current.rglob(damage):
        os.truncate(file, file.stat().st_size // 2)
    found, held = await index.index(indexed.settings, None)
    assert states(found) == ["broken"]
    assert "does not open" in found[0].says
    assert "`footnote delete` the documents and ingest them again" in found[0].advice
    assert held is None


async def test_a_library_that_counts_other_passages_than_the_index_holds_is_told_what_to_do() -> None:
    library = Content(1, {"ready": 2}, 0, 0, chunks=10, silent=frozenset(), is_written=False)
    assert index.compare(index.Held(10, None), library) == []
    assert states(index.compare(index.Held(9, None), library)) == ["broken"]
    assert states(index.compare(index.Held(11, None), library)) == ["note"]
    (meanwhile,) = index.compare(index.Held(9, None), replace(library, is_written=True))
    assert (meanwhile.state, meanwhile.advice) == (
        "note", "A command is changing the library just now: look again afterwards.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (200, {"title": "qdrant", "version": "1.18.4"}, "is version 1.18.4"),
        (401, {}, "refuses the key"),
        (500, {}, "answers with status 500"),
    ],
)
async def test_an_old_or_unwilling_qdrant_server_is_told_apart(
    settings: Settings, status: int, body: dict[str, str], says: str
) -> None:
    async def respond(_head: str) -> tuple[int, str, str]:
        return status, "application/json", json.dumps(body)

    async with server(respond) as port:
        found, held = await index.index(with_section(settings, "index", url=f"http://127.0.0.1:{port}"), None)
    assert states(found) == ["broken"]
    assert says in found[0].says
    assert held is None


async def test_a_qdrant_server_without_anything_published_is_noted(settings: Settings) -> None:
    async def respond(head: str) -> tuple[int, str, str]:
        if head.startswith("GET /aliases"):
            return 200, "application/json", json.dumps({"result": {"aliases": []}, "status": "ok", "time": 0.1})
        return 200, "application/json", json.dumps({"title": "qdrant", "version": "1.19.0"})

    async with server(respond) as port:
        found, _ = await index.index(with_section(settings, "index", url=f"http://127.0.0.1:{port}"), None)
    assert states(found) == ["note"]
    assert "version 1.19.0: nothing behind `chunks`" in found[0].says


# The embedding model


async def test_the_model_is_tried_and_one_that_is_damaged_missing_or_another_is_said(
    settings: Settings, tmp_path: Path
) -> None:
    name = export_name(EMBEDDED)
    held = EmbeddingModel(EMBEDDED, name, 384)
    assert states(await model.model(settings, held)) == ["ok"]
    own = settings.model_copy(update={"data_dir": tmp_path})
    assert states(await model.model(own, None)) == ["note"]
    shutil.copytree(settings.data_dir / "models" / name, tmp_path / "models" / name)
    file = tmp_path / "models" / name / "model.onnx"
    os.truncate(file, file.stat().st_size // 2)
    assert states(await model.model(own, held)) == ["broken"]
    other = with_section(settings, "embedding", model="example/other")
    findings = await model.model(other, held)
    assert states(findings) == ["ok", "note"]
    assert "the library was made with embedded, and example/other is configured" in findings[1].says


# The tiers


@pytest.mark.parametrize(
    ("status", "kind", "body", "state", "says"),
    [
        (200, "application/json", '{"object": "list", "data": [{"id": "small", "object": "model"}]}', "ok", "answers."),
        (200, "application/json", '{"data": [{"id": "large\\u001b[2J"}]}', "note", "does not list this model"),
        (401, "application/json", '{"error": {"message": "bad key"}}', "broken", "refuses the key"),
        (404, "text/plain", "no", "note", "lists no models"),
        (503, "text/plain", "no", "broken", "status 503"),
        (200, "text/html", "<html>", "broken", "does not answer as an OpenAI-compatible endpoint"),
        (200, "application/json", '{"data": "x"}', "broken", "does not answer as an OpenAI-compatible endpoint"),
        (200, "application/json", "[[", "broken", "does not answer as an OpenAI-compatible endpoint"),
    ],
)
async def test_a_tier_is_judged_by_what_it_says_of_its_models(
    settings: Settings, status: int, kind: str, body: str, state: str, says: str
) -> None:
    heads: list[str] = []

    async def respond(head: str) -> tuple[int, str, str]:
        heads.append(head)
        return status, kind, body

    async with server(respond) as port:
        found = await tiers.tiers(with_tier(settings, f"http://127.0.0.1:{port}/v1", "small", SECRET))
    assert found[0].state == state, found
    assert says in found[0].says
    assert "\x1b" not in found[0].advice
    assert heads[0].startswith("GET /v1/models ")
    assert f"Bearer {SECRET}" in heads[0]
    assert SECRET not in repr(found)


async def test_a_tier_that_is_not_configured_is_skipped_and_none_at_all_is_broken(settings: Settings) -> None:
    bare = with_tier(settings, None, None)
    assert states(await tiers.tiers(bare)) == ["note", "ok"]
    alone = with_section(bare, "cascade", order=("fast",))
    found = await tiers.tiers(alone)
    assert states(found) == ["note", "broken", "note"]
    assert "no question can be answered" in found[1].says
    assert found[2].says.startswith("extractive not in `cascade.order`")


# The documents


async def test_documents_that_failed_or_wait_are_counted_with_the_command_that_helps(indexed: Library) -> None:
    before = await read_library(indexed.settings.database.url)
    rows = await indexed.rows()
    assert rows["bad.srt"]["id"] in before.silent
    assert before.statuses["failed"] >= 1
    assert not before.is_written
    async with indexed.ledger.writing():
        assert (await read_library(indexed.settings.database.url)).is_written
    await indexed.ledger.silence([rows["one.md"]["id"]])
    after = await read_library(indexed.settings.database.url)
    assert after.chunks == before.chunks - 1
    assert after.deleted == before.deleted + 1
    assert "`footnote retry` tries again" in " ".join(finding.advice for finding in content(after))


def test_each_state_of_the_documents_has_its_advice() -> None:
    empty = Content(0, {}, 0, 0, 0, frozenset(), is_written=False)
    assert content(empty)[0].advice == "`footnote ingest FOLDER` fills it."
    waiting = Content(1, {"ready": 1, "pending": 3}, 2, 1, 5, frozenset({uuid4()}), is_written=False)
    said = {finding.says: finding.advice for finding in content(waiting)}
    assert "run the same `footnote ingest` again" in said["3 documents are pending."]
    assert "`footnote retry`" in said["0 documents failed, 2 answer from an older version."]
    assert "footnote delete" in said["1 documents are being deleted."]
    busy = {finding.says: finding.advice for finding in content(replace(waiting, is_written=True))}
    assert busy["3 documents are pending."] == "A command is changing the library just now."
