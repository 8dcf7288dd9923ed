"""A throw-away library of judged articles: the product's own chunks, vectors and index, in a folder of its own."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid5

from backend.knowledge.edge import EdgeIndex
from backend.knowledge.edge_writer import EdgeIndexWriter
from backend.knowledge.embedder import Embedder
from backend.knowledge.embedders import Embedders
from backend.knowledge.index import Publication
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.models import Chunk, Creator, Document, EmbeddingModel, Point
from backend.knowledge.reranker import Reranker
from backend.knowledge.searcher import Searcher
from backend.knowledge.similarity import Similarity
from backend.llm.extractive_tier import ExtractiveTier
from backend.retrieval.retriever import Retriever
from backend.settings import Settings
from pipeline.chunk import chunk_document, embedding_text
from pipeline.evaluation.dataset import Article, Dataset
from pipeline.sources import text
from pipeline.sources.parsed import NothingToRead

ARTICLES = UUID("6f0c3f1e-4f0b-5d5e-9a3f-0f6f6a1c2d11")  # the namespace of their ids
EMBEDDED_AT_ONCE = 512
PATIENCE_S = 60.0  # what is measured is what an answer says, however busy the machine is

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The articles as documents, as the catalogue would know them; `origins` are their datasets' names and own ids.

    `passages` counts what was indexed of each dataset.
    """

    origins: dict[UUID, tuple[str, str]] = field(default_factory=dict)
    documents: dict[UUID, Document] = field(default_factory=dict)
    passages: Counter[str] = field(default_factory=Counter)

    def name(self, document: UUID, dataset: str) -> str:
        """The article's id; one of another dataset has that dataset's name before it, as ids may be the same."""
        owner, article = self.origins[document]
        return article if owner == dataset else f"{owner}/{article}"

    async def tombstones(self) -> frozenset[UUID]:
        """Nothing is ever deleted here."""
        return frozenset()

    async def find_documents(self, ids: Collection[UUID]) -> dict[UUID, tuple[Document, Creator]]:
        """See `Catalogue.find_documents`."""
        found = ((identity, self.documents[identity]) for identity in ids)
        return {identity: (document, Creator(document.creator, document.creator)) for identity, document in found}


@asynccontextmanager
async def shelved(
    datasets: Sequence[Dataset], embedder: Embedder, settings: Settings, reranker: Reranker | None, tell: Tell
) -> AsyncIterator[tuple[Retriever, Shelf, ExtractiveTier]]:
    """All articles of these datasets in one index, with what finds and what answers; gone when the block ends."""
    shelf = Shelf()
    lexical = LexicalEncoder()
    with TemporaryDirectory(prefix="footnote-evaluate-") as folder:
        writer = EdgeIndexWriter(Path(folder))
        async with writer.publication(embedder.model) as publication:
            await fill(publication, datasets, embedder, lexical, shelf, tell)
        await writer.close()
        index, embedders = EdgeIndex(Path(folder)), Embedders(embedder, other_model)
        try:
            searcher = Searcher(index, embedders, lexical)
            similarity = Similarity(index, embedders, patience_s=PATIENCE_S)
            tier = ExtractiveTier("extractive", similarity, reranker)
            yield Retriever(searcher, shelf, settings.retrieval, reranker), shelf, tier
        finally:
            await embedders.close()
            await index.close()


async def fill(
    publication: Publication,
    datasets: Sequence[Dataset],
    embedder: Embedder,
    lexical: LexicalEncoder,
    shelf: Shelf,
    tell: Tell,
) -> None:
    """Cuts, embeds and publishes every article."""
    chunks: list[tuple[Chunk, str]] = []
    for dataset in datasets:
        for article in dataset.articles:
            document, cut = cut_article(article, dataset.name, embedder)
            shelf.origins[document.id], shelf.documents[document.id] = (dataset.name, article.id), document
            shelf.passages[dataset.name] += len(cut)
            chunks += [(chunk, embedding_text(chunk, document.title)) for chunk in cut]
    what = f"Embedding {' and '.join(dataset.name for dataset in datasets)}"
    for start in range(0, len(chunks), EMBEDDED_AT_ONCE):
        tell(what, start, len(chunks))
        batch = chunks[start : start + EMBEDDED_AT_ONCE]
        vectors = embedder.embed([said for _, said in batch])
        points = [
            Point(chunk, tuple(vector.tolist()), lexical.passage(said))
            for (chunk, said), vector in zip(batch, vectors, strict=True)
        ]
        await publication.upsert(points)
    tell(what, len(chunks), len(chunks))


def cut_article(article: Article, dataset: str, embedder: Embedder) -> tuple[Document, list[Chunk]]:
    """An article as a document, read as plain text, and its passages; one without text has none."""
    document = Document(
        id=uuid5(ARTICLES, f"{dataset}/{article.id}"),
        creator=article.creator,
        title=article.title,
        kind="document",
        source_uri=article.id,
        topics=article.traits,
    )
    try:
        sections = text.parse(article.text).sections
    except NothingToRead:
        return document, []
    return document, chunk_document(document, sections, embedder.count_tokens)[1]


def other_model(model: EmbeddingModel) -> Embedder:
    """The index was just made with the one model that there is."""
    raise AssertionError(model.id)
