"""The database and Redis of the session, and the embedding model as the service holds it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from backend import settings as configuration
from backend.database import open_database
from backend.knowledge.embedders import Embedders, load_embedder
from backend.knowledge.models import EmbeddingModel
from backend.knowledge.similarity import Similarity
from backend.settings import Settings
from backend.settings_files import PREFIX, config_file
from tests.backend.one_model import OneModel
from tests.service import PATIENCE_S


@pytest.fixture(scope="module")
async def embedders(model_cache: Path) -> AsyncIterator[tuple[Embedders, EmbeddingModel]]:
    """The embedded default, opened once, and its name."""
    embedder = await asyncio.to_thread(load_embedder, configuration.load(data_dir=model_cache), None)
    opened = Embedders(embedder, lambda model: embedder)
    yield opened, embedder.model
    await opened.close()


@pytest.fixture
def similarity(embedders: tuple[Embedders, EmbeddingModel]) -> Similarity:
    """What compares meanings, over a library of that model."""
    opened, model = embedders
    return Similarity(OneModel(model), opened, patience_s=PATIENCE_S)  # type: ignore[arg-type]


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    connections = open_database(settings.database.url, pool_size=8)
    yield connections
    await connections.dispose()


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    connection = Redis.from_url(settings.redis.url)
    yield connection
    await connection.aclose()


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder with a config.yaml of its own, and no setting in the environment."""
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    shutil.copy(config_file(), tmp_path)
    monkeypatch.setenv("FOOTNOTE_CONFIG", "config.yaml")
