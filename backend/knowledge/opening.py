"""Which engine keeps the index: the embedded one, or a Qdrant server where the settings give an address."""

from typing import TYPE_CHECKING

from backend.knowledge.edge import EdgeIndex
from backend.knowledge.edge_writer import EdgeIndexWriter
from backend.knowledge.generations import index_folder
from backend.knowledge.index import Index, IndexWriter
from backend.settings import EMBEDDED, Settings

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient

# The client is imported where it is needed: it costs a second and 100 MB, and the embedded default does without.

TIMEOUT_S = 30  # of one request; removals and upserts wait until they are applied


def open_index(settings: Settings) -> Index:
    """The reader; nothing is opened or asked before the first call. Whoever opened it closes it."""
    if settings.index.url == EMBEDDED:
        return EdgeIndex(index_folder(settings.data_dir))
    from backend.knowledge.qdrant import QdrantIndex

    return QdrantIndex(qdrant_client(settings), settings.index.collection)


def open_index_writer(settings: Settings) -> IndexWriter:
    """The writer; nothing is opened or asked before the first publication. Whoever opened it closes it."""
    if settings.index.url == EMBEDDED:
        return EdgeIndexWriter(index_folder(settings.data_dir))
    from backend.knowledge.qdrant_writer import QdrantIndexWriter

    return QdrantIndexWriter(qdrant_client(settings), settings.index.collection)


def qdrant_client(settings: Settings) -> "AsyncQdrantClient":
    """A client that has not spoken to the server yet."""
    from qdrant_client import AsyncQdrantClient

    key = settings.index.api_key
    return AsyncQdrantClient(
        url=settings.index.url,
        api_key=key.get_secret_value() if key else None,
        timeout=TIMEOUT_S,
        check_compatibility=False,  # it would ask the server in a thread while we are being made
    )
