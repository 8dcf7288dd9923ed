"""The Qdrant adapter where the contract suite cannot go: a server that is away, and the choice between engines."""

from pathlib import Path
from typing import Any

import pytest
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException

from backend.errors import Unavailable
from backend.knowledge.edge import EdgeIndex
from backend.knowledge.edge_writer import EdgeIndexWriter
from backend.knowledge.identity import embedded_model
from backend.knowledge.models import Scope, SparseVector
from backend.knowledge.opening import open_index, open_index_writer
from backend.knowledge.qdrant import QdrantIndex
from backend.knowledge.qdrant_collection import create_collection, move_alias, point_struct
from backend.knowledge.qdrant_writer import QdrantIndexWriter
from backend.knowledge.schema import DENSE, LEXICAL
from backend.settings import IndexSettings, load
from tests.backend.knowledge.publisher import MODEL, document

NOBODY = "http://127.0.0.1:9"  # the discard port, where nobody listens


async def test_a_server_that_is_away_is_unavailable_and_not_ready(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path, index=IndexSettings(url=NOBODY, collection="chunks"))
    index, writer = open_index(settings), open_index_writer(settings)
    assert isinstance(index, QdrantIndex)
    assert isinstance(writer, QdrantIndexWriter)
    assert not await index.ready()
    with pytest.raises(Unavailable):
        await index.search(MODEL, [1.0, 0.0], SparseVector((1,), (1.0,)), Scope(), 5)
    with pytest.raises(Unavailable):
        await index.count(Scope())
    with pytest.raises(Unavailable):
        async with writer.publication(MODEL):
            raise AssertionError("a server that is away cannot be written")
    with pytest.raises(Unavailable):
        async with writer.rebuild(MODEL):
            raise AssertionError("a server that is away cannot be written")
    await index.close()
    await writer.close()


async def test_embedded_is_the_engine_in_the_data_folder(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path, index=IndexSettings(url="embedded", collection="chunks"))
    index, writer = open_index(settings), open_index_writer(settings)
    assert isinstance(index, EdgeIndex)
    assert isinstance(writer, EdgeIndexWriter)
    assert not (tmp_path / "index").exists()
    async with writer.publication(MODEL) as publication:
        await publication.upsert(document(1))
    assert await index.count(Scope()) == 5
    assert (tmp_path / "index" / "CURRENT").exists()
    await index.close()


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect")
async def test_the_collection_stands_behind_the_alias() -> None:
    client = AsyncQdrantClient(":memory:")
    async with QdrantIndexWriter(client, "chunks").publication(MODEL) as publication:
        await publication.upsert(document(1))
    assert [collection.name for collection in (await client.get_collections()).collections] == ["chunks-1"]
    assert [entry.alias_name for entry in (await client.get_aliases()).aliases] == ["chunks"]
    await client.close()


async def collections(client: AsyncQdrantClient) -> list[str]:
    return sorted(collection.name for collection in (await client.get_collections()).collections)


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect")
async def test_what_killed_rebuilds_left_is_cleared_away_by_the_next_one_and_nothing_else() -> None:
    client = AsyncQdrantClient(":memory:")
    writer = QdrantIndexWriter(client, "chunks")
    async with writer.publication(MODEL) as publication:
        await publication.upsert(document(1))
    for name in ("chunks-2", "chunks-0", "chunks-old", "other-2"):
        await create_collection(client, name, MODEL)
    async with writer.rebuild(MODEL) as publication:
        assert await collections(client) == ["chunks-1", "chunks-2", "chunks-old", "other-2"]
        await publication.upsert(document(2))
    assert await collections(client) == ["chunks-2", "chunks-old", "other-2"]
    assert (await client.count("chunks")).count == 5
    await client.close()


class Deaf(AsyncQdrantClient):
    """A client whose connection breaks after the alias was moved, before the answer to that is heard."""

    async def update_collection_aliases(self, *args: Any, **kwargs: Any) -> bool:
        await super().update_collection_aliases(*args, **kwargs)
        raise ResponseHandlingException(ConnectionResetError())


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect")
async def test_a_rebuild_that_does_not_hear_that_it_has_taken_over_deletes_nothing() -> None:
    client = Deaf(":memory:")
    await create_collection(client, "chunks-1", MODEL)
    with pytest.raises(Unavailable):
        await move_alias(client, "chunks", "chunks-1")
    writer = QdrantIndexWriter(client, "chunks")
    with pytest.raises(Unavailable):
        async with writer.rebuild(MODEL) as publication:
            await publication.upsert(document(2))
    assert await collections(client) == ["chunks-1", "chunks-2"]
    assert (await client.count("chunks")).count == 5
    await client.close()


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect")
@pytest.mark.parametrize("note", [{"name": "x", "id": "../../etc", "dimension": 8}, {"name": "x"}, "x"])
async def test_a_collection_that_names_no_usable_model_is_unavailable(note: object) -> None:
    client = AsyncQdrantClient(":memory:")
    await create_collection(client, "chunks-1", MODEL)
    await move_alias(client, "chunks", "chunks-1")
    await client.update_collection("chunks-1", metadata={"model": None})
    await client.update_collection("chunks-1", metadata={"model": note})
    with pytest.raises(Unavailable, match="does not say which model"):
        await QdrantIndex(client, "chunks").model()
    await client.close()


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect")
async def test_a_collection_from_before_models_were_noted_is_the_embedded_default_s() -> None:
    client = AsyncQdrantClient(":memory:")
    vectors = {DENSE: models.VectorParams(size=8, distance=models.Distance.COSINE)}
    await client.create_collection("chunks-1", vectors, sparse_vectors_config={LEXICAL: models.SparseVectorParams()})
    await client.upsert("chunks-1", [point_struct(point) for point in document(1)])
    await move_alias(client, "chunks", "chunks-1")
    assert await QdrantIndex(client, "chunks").model() == embedded_model()
    await client.close()
