"""Real engines for the tests of ingestion: a database and a model for all, an index for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.database import open_database
from backend.knowledge.embedder import Embedder
from backend.knowledge.export import ensure_exported
from backend.knowledge.lexical import LexicalEncoder
from backend.processes import usable_cores
from backend.settings import Settings
from pipeline.engines.local import LocalEngine
from pipeline.fetch import Fetcher
from pipeline.sandbox.pool import Pool
from tests.pipeline.desk import Desk
from tests.pipeline.library import Library
from tests.pipeline.site import Site, is_public_or_loopback, to_loopback


@pytest.fixture(scope="session")
def embedder(settings: Settings) -> Embedder:
    return Embedder.load(ensure_exported(settings))


@pytest.fixture(scope="session")
def pool(settings: Settings) -> Iterator[Pool]:
    with Pool(usable_cores(), ensure_exported(settings)) as pool:
        yield pool


@pytest.fixture(scope="session")
async def database(settings: Settings) -> AsyncIterator[AsyncEngine]:
    engine = open_database(settings.database.url, pool_size=4)
    yield engine
    await engine.dispose()


@pytest.fixture
async def library(
    settings: Settings, database: AsyncEngine, embedder: Embedder, pool: Pool, tmp_path: Path
) -> AsyncIterator[Library]:
    """An empty folder of a creator who is nobody else's, and an index of its own."""
    own = settings.model_copy(update={"data_dir": tmp_path / "data"})
    library = Library(
        own, database, LocalEngine(embedder, LexicalEncoder(), pool), embedder.model, tmp_path / "content"
    )
    yield library
    await library.close()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Where a curator names an address; the site of the tests counts as public there."""
    staging = tmp_path / "staging"
    staging.mkdir()
    async with Fetcher(resolve=to_loopback, is_allowed=is_public_or_loopback) as fetcher:
        yield Desk(fetcher, staging)


@pytest.fixture
async def served() -> AsyncIterator[Site]:
    """A site on loopback."""
    async with Site() as site:
        yield site
