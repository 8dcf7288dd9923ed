"""The library made anew: with the same model, with another, and after a run that was killed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from backend.errors import ConfigurationError
from backend.knowledge.catalogue import embeddings
from backend.knowledge.embedder import Embedder
from backend.knowledge.export import ensure_exported
from backend.knowledge.index import IndexWriter, Publication
from backend.knowledge.models import EmbeddingModel
from backend.knowledge.opening import open_index_writer
from backend.settings import EmbeddingSettings
from pipeline.reindex import Reindexed, Reindexing
from tests.conftest import data_folder
from tests.pipeline.library import Killed, Library
from tests.pipeline.test_command import footnote
from tests.pipeline.test_ingest import ARTICLE, long_article


@pytest.fixture
def small(library: Library, small_model: Path, model_cache: Path) -> Embedder:
    """A model of 16 dimensions."""
    named = EmbeddingSettings(model=str(small_model))
    settings = library.settings.model_copy(update={"data_dir": model_cache, "embedding": named})
    return Embedder.load(ensure_exported(settings))


class KilledRebuild:
    """The real writer, in a process that dies before the new index is whole."""

    def __init__(self, writer: IndexWriter) -> None:
        self._writer = writer

    @asynccontextmanager
    async def rebuild(self, model: EmbeddingModel) -> AsyncIterator[Publication]:
        async with self._writer.rebuild(model) as publication:
            yield publication
            raise Killed


async def reindex(library: Library, embedder: Embedder, *, killed: bool = False) -> Reindexed:
    writer = open_index_writer(library.settings)
    try:
        used = KilledRebuild(writer) if killed else writer
        work = Reindexing(library.database, library.index, used, embedder, lambda done, total: None)  # type: ignore[arg-type]
        async with library.ledger.writing():
            return await work.run()
    finally:
        await writer.close()


async def kept_models(library: Library) -> set[str]:
    ids = [row["id"] for row in (await library.rows()).values()]
    async with library.database.connect() as connection:
        rows = await connection.execute(select(embeddings.c.model).where(embeddings.c.document_id.in_(ids)))
        return set(rows.scalars())


async def test_the_same_model_gives_the_same_library_without_embedding(library: Library, embedder: Embedder) -> None:
    library.write("rooms.md", long_article("echo"))
    library.write("other.md", ARTICLE)
    chunks = (await library.ingest()).chunks
    before = await library.scores()
    assert await reindex(library, embedder) == Reindexed(chunks=chunks)
    assert await library.scores() == before
    assert (await library.ingest()).unchanged == 2


async def test_passages_of_deleted_documents_stay_behind(library: Library, embedder: Embedder) -> None:
    library.write("rooms.md", long_article("echo"))
    library.write("other.md", ARTICLE)
    await library.ingest()
    await library.ledger.silence([(await library.rows())["other.md"]["id"]])
    assert (await reindex(library, embedder)).dropped == 1
    assert all("small room" not in chunk.text for chunk in (await library.indexed()).values())


async def test_another_model_takes_over_and_a_killed_run_is_completed_with_its_vectors(
    library: Library, small: Embedder
) -> None:
    library.write("rooms.md", long_article("echo"))
    chunks = (await library.ingest()).chunks
    with pytest.raises(Killed):
        await reindex(library, small, killed=True)
    assert await library.index.model() == library.model
    done = await reindex(library, small)
    assert (done.chunks, done.embedded) == (chunks, 0)
    assert await library.index.model() == small.model
    assert await kept_models(library) == {small.model.id}
    (row,) = (await library.rows()).values()
    assert (row["model"], row["status"]) == (small.model.id, "ready")
    library.write("new.md", ARTICLE)
    with pytest.raises(ConfigurationError, match="footnote reindex"):
        await library.ingest()


def test_the_command_moves_a_library_to_another_model_and_says_what_to_set(
    tmp_path: Path, model_cache: Path, small_model: Path
) -> None:
    (tmp_path / "a.md").write_text(ARTICLE)
    with data_folder(model_cache) as data_dir:
        assert footnote(data_dir, "ingest", tmp_path, "--creator", "moved").returncode == 0
        done = footnote(data_dir, "reindex", "--model", small_model)
        assert done.returncode == 0, done.stderr
        assert f"Set FOOTNOTE_EMBEDDING__MODEL={small_model}" in done.stdout
        assert "1 passages are in the new index, 1 embedded, 0 left behind" in done.stdout.splitlines()[-1]
        (tmp_path / "b.md").write_text(long_article("hum", 2))
        again = footnote(data_dir, "ingest", tmp_path, "--creator", "moved")
        assert again.stdout.splitlines()[-1].startswith("1 added, 0 changed, 1 unchanged")
