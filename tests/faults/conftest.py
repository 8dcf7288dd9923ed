"""A data folder with the sample content, as `make run` leaves it; every test gets a service on it."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from backend.settings import Settings
from tests.conftest import data_folder
from tests.model_server import ModelServer
from tests.served import Served

# `make faults` sets it; `make test` runs each kill once.
ROUNDS = int(os.environ.get("FOOTNOTE_TEST_ROUNDS", "1"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long proofs take as long as they take."""
    if ROUNDS > 1:
        for item in items:
            item.add_marker(pytest.mark.timeout(0))


@pytest.fixture(scope="module")
def data_dir(model_cache: Path) -> Iterator[Path]:
    with data_folder(model_cache) as folder:
        yield folder


@pytest.fixture
def served(data_dir: Path, model: ModelServer) -> Iterator[Served]:
    """The service, not started yet, with the tiers `fast` (the model server) and `extractive`."""
    environment = {
        "FOOTNOTE_TIERS__FAST__BASE_URL": model.base_url,
        "FOOTNOTE_TIERS__FAST__MODEL": "test",
        "FOOTNOTE_SERVER__DRAIN_S": "0.5",
    }
    service = Served(data_dir, "--sample", **environment)
    try:
        yield service
    finally:
        if service.process is not None and service.process.poll() is None:
            service.end()


@contextmanager
def two_services(library: Settings, model: ModelServer, **environment: str) -> Iterator[tuple[Served, Served]]:
    """Two services, each a process of its own, that share Postgres, Redis and the library; started."""
    shared = {
        "FOOTNOTE_DATABASE__URL": library.database.url,
        "FOOTNOTE_REDIS__URL": library.redis.url,
        "FOOTNOTE_SECRET": "b2a91f6c04d7e35881f0c6ad93e742b5",
        "FOOTNOTE_TIERS__FAST__BASE_URL": model.base_url,
        "FOOTNOTE_TIERS__FAST__MODEL": "test",
    }
    with ExitStack() as stack:
        one, two = (Served(library.data_dir, **shared, **environment) for _ in range(2))
        yield stack.enter_context(one), stack.enter_context(two)
