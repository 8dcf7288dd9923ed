"""What the checks of `footnote doctor` say of the index, the model, the tiers and the documents."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from backend.knowledge import disk
from backend.knowledge.generations import Generations, index_folder
from backend.knowledge.identity import export_name
from backend.knowledge.models import EmbeddingModel
from backend.settings import EMBEDDED, Settings
from backend.settings_tiers import AgentTierSettings
from pipeline.checks import index, model, tiers
from pipeline.checks.content import Library as Content
from pipeline.checks.content import content, read_library
from pipeline.tombstones import Tombstones
from tests.pipeline.findings import SECRET, states, with_tier
from tests.pipeline.library import Library
from tests.pipeline.small_server import server
from tests.service import with_section

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
    assert str(folder) in found[0].says
    assert "`footnote ingest` what you ingested before" in found[0].advice
    assert held is None


@pytest.mark.parametrize(
    ("cause", "says"), [("full", "The data folder is full at "), ("closed", "segment.json cannot be read and written.")]
)
async def test_an_index_that_a_full_disk_or_another_user_closes_is_not_said_to_be_damaged(
    indexed: Library, cause: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in index_folder(indexed.settings.data_dir).rglob("segment.json"):
        os.truncate(file, 0)  # whatever keeps it from opening
    if cause == "full":
        monkeypatch.setattr(disk.shutil, "disk_usage", lambda _folder: shutil._ntuple_diskusage(9, 9, 0))
    else:
        no_access_to(monkeypatch, "segment.json")
    (found,), held = await index.index(indexed.settings, None)
    assert says in found.says
    assert "ingest" not in found.says + found.advice
    assert held is None


def no_access_to(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As for another user; permissions alone keep no root out."""
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != name and access(path, mode))


async def test_a_library_that_counts_other_passages_than_the_index_holds_is_told_what_to_do() -> None:
    library = Content(1, {"ready": 2}, 0, 0, chunks=10, silent=frozenset(), is_written=False)
    assert index.compare(index.Held(10, None), library) == []
    (fewer,) = index.compare(index.Held(9, None), library)
    assert (fewer.state, fewer.says) == (
        "broken", "it has 9 passages of documents that answer, and the library counts 10.",
    )  # fmt: skip
    assert states(index.compare(index.Held(11, None), library)) == ["note"]
    (meanwhile,) = index.compare(index.Held(9, None), replace(library, is_written=True))
    assert (meanwhile.state, meanwhile.advice) == (
        "note", "A command is changing the library just now: look again afterwards.",
    )  # fmt: skip


async def test_an_index_that_has_vanished_is_not_taken_for_a_new_one(settings: Settings, tmp_path: Path) -> None:
    gone = settings.model_copy(update={"data_dir": tmp_path})
    library = Content(1, {"ready": 2}, 0, 0, chunks=10, silent=frozenset(), is_written=False)
    assert states((await index.index(gone, library))[0]) == ["broken"]
    (new,), _ = await index.index(gone, replace(library, chunks=0))
    assert (new.state, new.advice) == ("note", "`footnote ingest FOLDER` fills it.")


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
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = export_name(EMBEDDED)
    held = EmbeddingModel(EMBEDDED, name, 384)
    assert states(await model.model(settings, held)) == ["ok"]
    own = settings.model_copy(update={"data_dir": tmp_path})
    assert states(await model.model(own, None)) == ["note"]
    shutil.copytree(settings.data_dir / "models" / name, tmp_path / "models" / name)
    file = tmp_path / "models" / name / "model.onnx"
    os.truncate(file, file.stat().st_size // 2)
    (broken,) = await model.model(own, held)
    assert (broken.state, "delete that folder" in broken.says) == ("broken", True)
    with monkeypatch.context() as patched:
        no_access_to(patched, "model.onnx")
        (closed,) = await model.model(own, held)
    assert closed.says == f"The exported model cannot be read, as {file} is closed: mend its permissions."
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


async def test_tiers_beside_the_order_are_asked_where_something_uses_them(settings: Settings) -> None:
    bare = with_tier(settings, None, None)
    for used in (
        with_section(bare, "cascade", order=("extractive",), strong="fast"),
        with_section(
            with_section(bare, "cascade", order=("extractive",)),
            "retrieval",
            rewrite=bare.retrieval.rewrite.model_copy(update={"tier": "fast"}),
        ),
    ):
        found = await tiers.tiers(used)
        assert [finding.about for finding in found] == ["tier extractive", "tier fast"]


async def test_a_bridge_is_there_whatever_it_says_and_gone_when_nobody_says_anything(settings: Settings) -> None:
    heads: list[str] = []

    async def respond(head: str) -> tuple[int, str, str]:
        heads.append(head)
        return 404, "text/plain", SECRET

    def with_bridge(address: str | None) -> Settings:
        agent = AgentTierSettings(kind="agent", base_url=address, api_key=SecretStr(SECRET))
        return with_section(settings.model_copy(update={"tiers": {"agent": agent}}), "cascade", order=("agent",))

    async with server(respond) as port:
        bridge = with_bridge(f"http://127.0.0.1:{port}/bridge")
        assert states(await tiers.tiers(bridge)) == ["ok"]
    assert len(heads) == 1
    assert heads[0].startswith("GET /bridge ")  # no question is asked
    gone = await tiers.tiers(bridge)
    assert states(gone) == ["broken"]
    assert "FOOTNOTE_TIERS__AGENT__BASE_URL" in gone[0].advice
    assert states(await tiers.tiers(with_bridge(None))) == ["note", "broken"]
    assert SECRET not in repr(gone) + heads[0]


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
    await Tombstones(indexed.database).empty([rows["one.md"]["id"]])
    assert (await read_library(indexed.settings.database.url)).deleted == before.deleted
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
