"""Files that take all the time or memory that a document may have, each in some 25 seconds; `make test` runs two."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.knowledge.export import ensure_exported
from backend.settings import load
from pipeline.sandbox.pool import Pool
from tests.faults.conftest import ROUNDS
from tests.pipeline.hostile import SLOW_FILES, Hostile
from tests.pipeline.test_hostile import reason_of


@pytest.fixture(scope="module")
def one_child(model_cache: Path) -> Iterator[Pool]:
    with Pool(1, ensure_exported(load(data_dir=model_cache))) as pool:
        yield pool


@pytest.mark.parametrize("file", SLOW_FILES if ROUNDS > 1 else SLOW_FILES[1:2], ids=lambda file: file.name)
def test_a_bomb_ends_with_a_reason(one_child: Pool, tmp_path: Path, file: Hostile) -> None:
    path = tmp_path / file.name
    path.write_bytes(file.content)
    assert re.search(file.reason or "", reason_of(one_child, path) or "it was read")
