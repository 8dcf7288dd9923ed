"""What most tests stand on: real engines, the real model, and the sample content, made once a process."""

import fcntl
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend import settings as configuration
from backend.embedded import engines
from backend.knowledge.export import ensure_exported
from backend.migrations import migrate
from backend.settings import EmbeddingSettings, Settings
from tests.model_server import ModelServer
from tests.served import PLENTY
from tests.service import PATIENCE_S, Visitor, running, with_model, with_site
from tests.small_model import make_small_model
from tests.turns import held, turn

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".pytest_cache" / "footnote-model"
FOOTNOTE = Path(sys.executable).parent / "footnote"


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before the time of a test begins
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Gives every test its turn, where several processes run them."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with turn(CACHE, alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.fixture(scope="session")
def model_cache() -> Path:
    """A folder whose `models` holds the exported embedding model; kept between runs, because exporting takes long."""
    ensure_exported(configuration.load(data_dir=CACHE))
    return CACHE


@pytest.fixture(scope="session")
def small_model(model_cache: Path) -> Path:
    """The folder of a second model, of 16 dimensions, exported beside the first one; see `tests.small_model`."""
    folder = model_cache / "small" / "model"
    folder.parent.mkdir(exist_ok=True)
    with held(folder.parent / "making.lock", fcntl.LOCK_EX):
        if not (folder / "modules.json").is_file():
            make_small_model(folder.parent)
    ensure_exported(configuration.load(data_dir=model_cache, embedding=EmbeddingSettings(model=str(folder))))
    return folder


@contextmanager
def data_folder(model_cache: Path) -> Iterator[Path]:
    """A data folder with the model. It does not lie below pytest's own folder, which each start of pytest closes to
    other users, while Postgres under root is one."""
    with tempfile.TemporaryDirectory(prefix="footnote-test-") as folder:
        data_dir = Path(folder) / "data"
        data_dir.mkdir()
        (data_dir / "models").symlink_to(model_cache / "models")
        yield data_dir


@contextmanager
def running_folder(model_cache: Path) -> Iterator[Path]:
    """The same with its Postgres and Redis up, which every command would start for itself otherwise."""
    with data_folder(model_cache) as folder, engines(configuration.load(data_dir=folder)):
        yield folder


@contextmanager
def own_stores(model_cache: Path) -> Iterator[Settings]:
    """Settings with a Postgres and a Redis of their own, migrated, a data folder with the model, and high limits."""
    with (
        data_folder(model_cache) as data_dir,
        engines(configuration.load(data_dir=data_dir, limits=PLENTY)) as resolved,
    ):
        migrate(resolved.database.url)
        yield resolved


def ingest_sample(settings: Settings) -> None:
    """Ingests the sample content by the curators' command."""
    command = [str(FOOTNOTE), "ingest", str(ROOT / "scripts" / "sample")]
    environment = {"FOOTNOTE_DATA_DIR": str(settings.data_dir), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session", autouse=True)
def patient() -> Iterator[None]:
    """Services in this process compare sentences however busy the machine is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backend.app.PATIENCE_S", PATIENCE_S)
        yield


@pytest.fixture(scope="session")
def settings(model_cache: Path) -> Iterator[Settings]:
    """Settings with a Postgres and a Redis of this session; see `own_stores`."""
    with own_stores(model_cache) as resolved:
        yield resolved


@pytest.fixture(scope="session")
def library(settings: Settings) -> Settings:
    """The same settings, with the sample content ingested."""
    ingest_sample(settings)
    return settings


@pytest.fixture(scope="session")
async def model() -> AsyncIterator[ModelServer]:
    """An OpenAI-compatible model server on loopback."""
    async with ModelServer() as server:
        yield server


@pytest.fixture(autouse=True)
def reset_model(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test finds the model server as it was made."""
    yield
    if "model" in request.fixturenames:
        server: ModelServer = request.getfixturevalue("model")
        fresh = ModelServer()
        for name in (
            "answer",
            "chunking",
            "split",
            "tokens_per_s",
            "first_token_delay_s",
            "fault",
            "fault_after",
            "usage",
        ):
            setattr(server, name, getattr(fresh, name))
        server.requests.clear()


@pytest.fixture(scope="session")
async def service(library: Settings, model: ModelServer) -> AsyncIterator[str]:
    """The service with the tiers `fast` (the model server) and `extractive`, and the site `blog`; its address."""
    async with running(with_site(with_model(library, model.base_url))) as address:
        yield address


@pytest.fixture
async def visitor(service: str) -> AsyncIterator[Visitor]:
    """A visitor who has not been here before."""
    async with Visitor(service) as newcomer:
        yield newcomer
