"""A library whose index was lost comes back from what its documents were ingested with, whichever comes first."""

import shutil
from pathlib import Path

from tests.conftest import data_folder
from tests.pipeline.test_command import footnote
from tests.pipeline.test_ingest import ARTICLE, long_article


def test_every_target_comes_back_after_another_and_what_was_deleted_does_not(model_cache: Path, tmp_path: Path) -> None:
    for name, text in {
        "a/one.md": long_article("echo"),
        "a/gone.md": long_article("hiss"),
        "b/two.md": ARTICLE,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with data_folder(model_cache) as data_dir:
        first = footnote(data_dir, "ingest", tmp_path / "a", tmp_path / "b", "--creator", "ana")
        assert first.returncode == 0, first.stderr
        assert footnote(data_dir, "delete", "gone.md").returncode == 0
        shutil.rmtree(data_dir / "index")
        assert last(footnote(data_dir, "ingest", tmp_path / "b", "--creator", "ana").stdout).startswith(
            "0 added, 1 changed"
        )
        lacking = footnote(data_dir, "reindex")
        assert lacking.returncode == 1
        assert "1 documents have lost passages that the index should hold: `footnote retry`" in lacking.stdout
        retried = footnote(data_dir, "retry")
        assert (retried.returncode, last(retried.stdout).split(" (")[0]) == (
            0, "0 added, 1 changed, 0 unchanged, 0 failed",
        )  # fmt: skip
        assert footnote(data_dir, "reindex").returncode == 0
        again = footnote(data_dir, "ingest", tmp_path / "a", "--creator", "ana")
        assert last(again.stdout).startswith("0 added, 0 changed, 1 unchanged")
        assert "gone.md" not in footnote(data_dir, "documents").stdout


def last(said: str) -> str:
    return said.splitlines()[-1]
