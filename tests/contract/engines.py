"""One engine of the index with its reader and its writer."""

from dataclasses import dataclass

from backend.knowledge.index import Index, IndexWriter


@dataclass(frozen=True)
class Engine:
    """A fresh, empty index with a reader and a writer."""

    index: Index
    writer: IndexWriter
