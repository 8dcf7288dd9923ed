"""A curator's day with the command: rehearse, bring in, look, mend, try again, take out."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import running_folder
from tests.pipeline.test_command import footnote

TALK = (
    "WEBVTT\n\n00:10.000 --> 00:14.000\n<v Ana>Turn the level down before you touch anything else.\n\n"
    "00:16.000 --> 00:20.000\n<v Ana>Then listen to the room.\n"
)


@pytest.fixture(scope="module")
def data_dir(model_cache: Path) -> Iterator[Path]:
    with running_folder(model_cache) as folder:
        yield folder


def last_line(text: str) -> str:
    return text.splitlines()[-1]


def test_a_rehearsal_tells_everything_and_changes_nothing(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "talk.vtt").write_text(TALK)
    (tmp_path / "twin.vtt").write_text(TALK)
    (tmp_path / "bad.srt").write_text("no cues")
    done = footnote(data_dir, "ingest", tmp_path, "--creator", "rehearsed", "--dry-run")
    assert done.returncode == 1
    assert last_line(done.stdout) == (
        "Nothing was changed. It would be: 1 added, 0 changed, 1 repeated, 0 unchanged, 1 failed (1 passages)"
    )
    assert "bad.srt: It has no cues." in done.stderr
    assert "rehearsed" not in footnote(data_dir, "status").stdout


def test_a_report_is_one_json_object_on_the_output(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "talk.vtt").write_text(TALK)
    (tmp_path / "bad.srt").write_text("no cues")
    done = footnote(data_dir, "ingest", tmp_path, "--creator", "reported", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["added"], report["failed"], report["chunks"]) == (1, 1, 1, 1)
    assert report["told"] == [{"about": "failed", "file": str(tmp_path / "bad.srt"), "text": "It has no cues."}]


def test_a_document_is_shown_with_its_places_by_whatever_name(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "talk.vtt").write_text(TALK)
    (tmp_path / "talk.yaml").write_text("title: On levels\nurl: https://v.example/levels\nduration_s: 80\n")
    footnote(data_dir, "ingest", tmp_path, "--creator", "shown")
    lines = [line.split("\t") for line in footnote(data_dir, "documents", "--creator", "shown").stdout.splitlines()]
    assert [line[1:] for line in lines] == [["shown", "On levels", "video", "", "answers", "1"]]
    for name in (lines[0][0], "shown/talk.vtt", "On levels", "https://v.example/levels"):
        shown = footnote(data_dir, "show", name).stdout
        assert "1. · 0:10 to 0:20 · Ana" in shown
        assert "Turn the level down" in shown
    unknown = footnote(data_dir, "show", "nothing")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)
    assert footnote(data_dir, "documents", "--creator", "nobody").returncode == 2


def test_what_failed_is_tried_again_with_its_options_when_it_is_mended(data_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "retried"
    folder.mkdir()
    (folder / "bad.vtt").write_text("WEBVTT\n\nno cue\n")
    (folder / "other.vtt").write_text("WEBVTT\n\nno cue either\n")
    footnote(data_dir, "ingest", folder, "--creator", "retried", "--topic", "levels")
    (folder / "bad.vtt").write_text(TALK)
    ids = {
        line.split("\t")[2]: line.split("\t")[0]
        for line in footnote(data_dir, "documents", "--creator", "retried").stdout.splitlines()
    }
    done = footnote(data_dir, "retry", ids["Bad"])
    assert (done.returncode, last_line(done.stdout).split(" (")[0]) == (0, "1 added, 0 changed, 0 unchanged, 0 failed")
    assert "topics: levels" in footnote(data_dir, "show", ids["Bad"]).stdout
    again = footnote(data_dir, "retry", "retried/other.vtt")
    assert (again.returncode, "other.vtt: It has no cues." in again.stderr) == (1, True)


def test_what_cannot_be_tried_again_is_told_with_a_way_out_and_stops_nobody(data_dir: Path, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("emptied", "wrong", "partly", "mended")]
    for folder in folders:
        folder.mkdir()
        for name in ("bad", "worse"):
            (folder / f"{name}.vtt").write_text(f"WEBVTT\n\nno cue of {folder.name} in {name}\n")
    assert footnote(data_dir, "ingest", *folders).returncode == 1
    for file in (tmp_path / "emptied").iterdir():
        file.unlink()
    (tmp_path / "wrong" / "creator.yaml").write_text("slug: [")
    (tmp_path / "partly" / "bad.vtt").unlink()
    (tmp_path / "mended" / "bad.vtt").write_text(TALK)
    listed = footnote(data_dir, "documents", "--creator", "partly").stdout.splitlines()
    ids = {line.split("\t")[2]: line.split("\t")[0] for line in listed}
    gone = footnote(data_dir, "retry", ids["Bad"])
    assert gone.returncode == 1
    assert f"bad.vtt is gone: ingest it from where it is now, or `footnote delete {ids['Bad']}`" in gone.stderr
    every = footnote(data_dir, "retry")
    assert every.returncode == 1
    assert last_line(every.stdout).startswith("1 added, 0 changed, 0 unchanged, "), every.stderr
    assert every.stderr.count(f"There is no file in {tmp_path / 'emptied'}.") == 2
    assert every.stderr.count("creator.yaml") == 2
    assert f"footnote delete {ids['Bad']}" in every.stderr
    assert f"{tmp_path / 'partly' / 'worse.vtt'}: It has no cues." in every.stderr
    assert "answers" in footnote(data_dir, "documents", "--creator", "mended").stdout


def test_an_archive_is_read_like_a_folder_and_a_broken_one_fails_until_it_is_mended(
    data_dir: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "packed.zip"
    archive.write_bytes(b"PK\x03\x04 broken")
    done = footnote(data_dir, "ingest", tmp_path, "--creator", "packed")
    assert (done.returncode, "packed.zip: The archive is damaged" in done.stderr) == (1, True)
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("talks/levels.vtt", TALK)
        opened.writestr("../outside.md", "Out of here.")
        opened.writestr("inner.zip", b"PK\x05\x06" + bytes(18))
    done = footnote(data_dir, "ingest", tmp_path, "--creator", "packed")
    assert last_line(done.stdout).startswith("1 added, 0 changed, 0 unchanged, 0 failed"), done.stderr
    assert "packed.zip/../outside.md" in done.stderr
    listed = footnote(data_dir, "documents", "--creator", "packed").stdout
    assert [line.split("\t")[2] for line in listed.splitlines()] == ["Levels"]
    assert (
        f"found at: {archive}/talks/levels.vtt"
        in footnote(data_dir, "show", "packed/packed.zip/talks/levels.vtt").stdout
    )
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("talks/other.vtt", TALK.replace("level", "fader"))
    done = footnote(data_dir, "ingest", tmp_path, "--creator", "packed", "--prune")
    assert last_line(done.stdout).startswith("1 added, 0 changed, 1 removed, 0 unchanged, 0 failed"), done.stderr
