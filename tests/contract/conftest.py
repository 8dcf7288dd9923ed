"""The engines that must keep the index contract: embedded, the client's local mode, and a server where one is given."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from qdrant_client import AsyncQdrantClient, models

from backend.knowledge.edge import EdgeIndex
from backend.knowledge.edge_writer import EdgeIndexWriter
from backend.knowledge.embedder import Embedder
from backend.knowledge.export import exported_model
from backend.knowledge.models import Point
from backend.knowledge.qdrant import QdrantIndex
from backend.knowledge.qdrant_collection import drop_others
from backend.knowledge.qdrant_writer import QdrantIndexWriter
from backend.settings import load
from tests.contract.engines import Engine
from tests.contract.points import draw_points

SERVER = os.environ.get("FOOTNOTE_TEST_QDRANT_URL")
needs_server = pytest.mark.skipif(not SERVER, reason="FOOTNOTE_TEST_QDRANT_URL names no Qdrant server")


@pytest.fixture(params=["edge", "local", pytest.param("server", marks=needs_server)])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    """One of the engines, closed and emptied afterwards."""
    if request.param == "edge":
        made = Engine(EdgeIndex(tmp_path / "index"), EdgeIndexWriter(tmp_path / "index"))
        yield made
        await made.writer.close()
        await made.index.close()
        return
    client = AsyncQdrantClient(":memory:") if request.param == "local" else AsyncQdrantClient(url=SERVER)
    alias = f"contract-{uuid4().hex}"
    yield Engine(QdrantIndex(client, alias), QdrantIndexWriter(client, alias))
    delete = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))
    if any(entry.alias_name == alias for entry in (await client.get_aliases()).aliases):
        await client.update_collection_aliases([delete])
    await drop_others(client, alias, None)
    await client.close()


@pytest.fixture(scope="session")
def embedder(model_cache: Path) -> Embedder:
    folder = exported_model(load(data_dir=model_cache))
    assert folder is not None
    return Embedder.load(folder)


@pytest.fixture(scope="session")
def points(embedder: Embedder) -> list[Point]:
    """See `draw_points`."""
    return draw_points(embedder)
