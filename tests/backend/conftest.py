"""The embedding model, as the service holds it, for tests of what compares meanings."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend import settings as configuration
from backend.knowledge.embedders import Embedders, load_embedder
from backend.knowledge.models import EmbeddingModel
from backend.knowledge.similarity import Similarity
from tests.backend.one_model import OneModel

PATIENCE_S = 10.0  # longer than in the service, as a test must not depend on the load of the machine


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
