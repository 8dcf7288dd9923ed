"""The command as a curator runs it: a process of its own, with its own data folder."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import data_folder
from tests.pipeline.shared import DATA, needs_data

ROOT = Path(__file__).parents[2]
FOOTNOTE = Path(sys.executable).parent / "footnote"
SAMPLE = ROOT / "scripts" / "sample"


@pytest.fixture(scope="module")
def data_dir(model_cache: Path) -> Iterator[Path]:
    with data_folder(model_cache) as folder:
        yield folder


def footnote(data_dir: Path, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    command = [str(FOOTNOTE), *map(str, arguments)]
    return subprocess.run(command, env=environment(data_dir) | more, capture_output=True, text=True, check=False)


def environment(data_dir: Path) -> dict[str, str]:
    return {**os.environ, "FOOTNOTE_DATA_DIR": str(data_dir), "COLUMNS": "200"}


def test_help_teaches_and_loads_nothing_heavy() -> None:
    heavy = {"torch", "onnxruntime", "sqlalchemy", "pydantic"}
    script = f"import sys, pipeline.cli; print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT).stdout == "set()\n"
    shown = subprocess.run([str(FOOTNOTE), "ingest", "--help"], capture_output=True, text=True).stdout
    for word in ("--creator", "--topic", "creator.yaml", "footnote ingest scripts/sample", "Exit codes"):
        assert word in shown


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_evaluation_that_is_stopped_ends_in_order_and_does_not_promise_to_go_on(
    data_dir: Path, tmp_path: Path, stop: signal.Signals
) -> None:
    questions = tmp_path / "golden.yaml"
    os.mkfifo(questions)
    command = [FOOTNOTE, "evaluate", questions]
    with (
        subprocess.Popen(command, env=environment(data_dir), stderr=subprocess.PIPE, text=True) as run,
        questions.open("w"),  # from here on it reads
    ):
        run.send_signal(stop)
        said = run.communicate()[1]
    assert (run.returncode, said) == (130, "Stopped: nothing was written, and the same command begins anew.\n")


def test_content_of_nobody_fails_with_a_way_out(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x")
    done = footnote(data_dir, "ingest", tmp_path / "a.md")
    assert done.returncode == 1
    assert "a.md: It is nobody's: say `--creator SLUG`" in done.stderr
    assert done.stdout.splitlines()[-1].startswith("0 added, 0 changed, 0 unchanged, 1 failed")


def test_a_path_that_does_not_exist_is_one_sentence_and_exit_code_two(tmp_path: Path) -> None:
    done = footnote(tmp_path / "data", "ingest", tmp_path / "nowhere", "--creator", "ana")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "does not exist" in done.stderr
    assert not (tmp_path / "data").exists()


def test_of_two_files_with_the_same_path_and_creator_the_second_fails(data_dir: Path, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.md").write_text(f"Listen to {folder}.")
    done = footnote(data_dir, "ingest", tmp_path / "one", tmp_path / "two", "--creator", "twice")
    assert done.returncode == 1
    assert f"two/a.md: it has the same creator and the same path as {tmp_path}/one/a.md" in done.stderr
    assert done.stdout.splitlines()[-1].startswith("1 added, 0 changed, 0 unchanged, 1 failed")


def test_the_sample_is_ingested_in_one_command_and_a_second_one_changes_nothing(data_dir: Path) -> None:
    first = footnote(data_dir, "ingest", SAMPLE)
    assert first.returncode == 0, first.stderr
    documents = len([file for file in SAMPLE.rglob("*") if file.suffix in {".md", ".txt", ".vtt", ".srt"}])
    assert first.stdout.splitlines()[-1].startswith(f"{documents} added, 0 changed, 0 unchanged, 0 failed (")
    second = footnote(data_dir, "ingest", SAMPLE)
    assert second.stdout.splitlines()[-1].startswith(f"0 added, 0 changed, {documents} unchanged, 0 failed (0 passages")
    status = footnote(data_dir, "status").stdout
    for folder in SAMPLE.iterdir():
        assert folder.name in status


def test_a_failed_document_gives_exit_code_one_and_status_says_why(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("Listen to the room first.")
    (tmp_path / "bad[1].srt").write_text("no cues")
    (tmp_path / "readme.md").write_text("note")
    done = footnote(data_dir, "ingest", tmp_path, "--creator", "half-good")
    assert done.returncode == 1
    assert "bad[1].srt: It has no cues." in done.stderr
    assert "readme.md: a note about the folder" in done.stderr
    assert done.stdout.splitlines()[-1].startswith("1 added, 0 changed, 0 unchanged, 1 failed (1 passages")
    assert "half-good/bad[1].srt: It has no cues." in footnote(data_dir, "status").stdout


def test_a_run_that_is_killed_at_any_moment_can_be_run_again(data_dir: Path) -> None:
    seed = time.time_ns() % 1000
    moments = random.Random(seed)
    content = SAMPLE / "ana-velloret"
    for _ in range(3):
        process = subprocess.Popen(
            [str(FOOTNOTE), "ingest", str(content), "--creator", "killed"],
            env=environment(data_dir), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(moments.uniform(0.5, 6))
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = footnote(data_dir, "ingest", content, "--creator", "killed")
    assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    status = footnote(data_dir, "status").stdout
    rows = {line.split()[0]: line.split()[-3:] for line in status.splitlines() if line.split()}
    assert rows["killed"] == rows["ana-velloret"], f"seed {seed}"


@needs_data
def test_real_talks_are_ingested_without_a_failure(data_dir: Path) -> None:
    done = footnote(data_dir, "ingest", DATA / "creators" / "ols-talks", "--creator", "ols")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("22 added, 0 changed, 0 unchanged, 0 failed (")
    assert "SOURCE-README.md: a note about the folder" in done.stderr


def test_a_database_that_is_away_is_told_in_a_sentence(tmp_path: Path) -> None:
    done = footnote(tmp_path, "status", FOOTNOTE_DATABASE__URL="postgresql+asyncpg://ana:secret@127.0.0.1:1/none")
    assert done.returncode == 2
    assert done.stderr.startswith("The database cannot be used (ConnectionRefusedError): check that it runs")
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr
