"""Exporting the model: once, proven equal, refused with a sentence otherwise."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backend.errors import ConfigurationError
from backend.knowledge.embedder import Embedder
from backend.knowledge.export import (
    PROBES,
    SMALLEST_COSINE,
    ensure_exported,
    export_folder,
    exported_model,
    refuse_differences,
)
from backend.knowledge.exported import MANIFEST_FILE, Manifest
from backend.settings import EmbeddingSettings, load


@pytest.fixture(scope="session")
def manifest(model_cache: Path) -> Manifest:
    folder = exported_model(load(data_dir=model_cache))
    assert folder is not None
    return Manifest.model_validate_json((folder / MANIFEST_FILE).read_bytes())


def test_the_export_was_checked_with_every_probe(manifest: Manifest) -> None:
    assert len(manifest.checks) == 2 * len(PROBES)
    assert min(manifest.checks.values()) >= SMALLEST_COSINE
    assert (manifest.dimension, manifest.max_tokens) == (384, 256)
    assert manifest.modules == ("Transformer", "Pooling", "Normalize")


def test_a_second_call_finds_the_export(model_cache: Path) -> None:
    settings = load(data_dir=model_cache)
    folder = exported_model(settings)
    assert folder is not None
    made = (folder / MANIFEST_FILE).stat().st_mtime_ns
    assert ensure_exported(settings) == folder
    assert (folder / MANIFEST_FILE).stat().st_mtime_ns == made


@pytest.mark.parametrize("cosine", [0.9989, float("nan")])
def test_an_export_that_differs_is_refused_by_the_name_of_the_probe(manifest: Manifest, cosine: float) -> None:
    checks = {**manifest.checks, "query: unicode": cosine}
    with pytest.raises(ConfigurationError, match="query: unicode"):
        refuse_differences(manifest.model_copy(update={"checks": checks}))


def test_another_model_is_exported_with_all_its_modules_and_prompts(model_cache: Path, small_model: Path) -> None:
    settings = load(data_dir=model_cache, embedding=EmbeddingSettings(model=str(small_model)))
    embedder = Embedder.load(ensure_exported(settings))
    assert (embedder.dimension, embedder.max_tokens) == (16, 48)
    assert (embedder.manifest.query_prompt, embedder.manifest.document_prompt) == ("question: ", "text: ")
    assert min(embedder.manifest.checks.values()) >= SMALLEST_COSINE
    assert np.linalg.norm(embedder.embed(["a", "b " * 100]), axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_a_model_that_cannot_be_loaded_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken-model"
    broken.mkdir()
    (broken / "config.json").write_text("{}")
    settings = load(data_dir=tmp_path / "data", embedding=EmbeddingSettings(model=str(broken)))
    assert exported_model(settings) is None
    with pytest.raises(ConfigurationError, match="broken-model` cannot be loaded and exported"):
        ensure_exported(settings)
    assert exported_model(settings) is None
    assert sorted(path.name for path in (tmp_path / "data" / "models").iterdir()) == ["export.lock", "export.log"]


def test_a_model_that_is_nowhere_is_not_said_to_be_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path, embedding=EmbeddingSettings(model=str(tmp_path / "none")))
    with pytest.raises(ConfigurationError, match="none` cannot be found: check its name or folder"):
        ensure_exported(settings)


def test_an_export_ends_with_the_process_that_asked_for_it(tmp_path: Path) -> None:
    target = tmp_path / "models" / "copy"
    command = [sys.executable, "-m", "backend.knowledge.export", "embedded", str(target)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(30) == 1
    assert not target.exists()


def test_a_changed_model_folder_is_another_export(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path, embedding=EmbeddingSettings(model=str(tmp_path)))
    before = export_folder(settings)
    assert export_folder(settings) == before
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    assert export_folder(settings) != before
