"""The service follows the model of its library: questions while it is rebuilt, models that are missing."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from backend.errors import ConfigurationError, Unavailable
from backend.knowledge.edge import EdgeIndex
from backend.knowledge.edge_writer import EdgeIndexWriter
from backend.knowledge.embedder import Embedder
from backend.knowledge.embedders import Embedders, ensure_model, load_embedder, open_embedder, open_embedders
from backend.knowledge.generations import index_folder
from backend.knowledge.identity import embedded_model, export_name
from backend.knowledge.index import IndexWriter
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.models import Candidates, Chunk, EmbeddingModel, LexicalHits, Point, Scope, SparseVector
from backend.knowledge.opening import open_index
from backend.knowledge.searcher import Searcher
from backend.settings import Settings, load
from tests.backend.knowledge.publisher import MODEL, document

INSTRUMENTS = ("kettle drum", "harmonium", "glass harp")
TEXTS = [f"Take {number}: the {INSTRUMENTS[number % 3]} stands near wall {number // 3}." for number in range(60)]
LEXICON = LexicalEncoder()


@pytest.fixture
def settings(model_cache: Path, tmp_path: Path) -> Settings:
    (tmp_path / "models").symlink_to(model_cache / "models")
    return load(data_dir=tmp_path)


@pytest.fixture
def small(small_model: Path) -> EmbeddingModel:
    return EmbeddingModel(str(small_model), export_name(str(small_model)), 16)


@pytest.fixture
async def index(settings: Settings) -> AsyncIterator[EdgeIndex]:
    reader = EdgeIndex(index_folder(settings.data_dir))
    yield reader
    await reader.close()


@pytest.fixture
def writer(settings: Settings) -> IndexWriter:
    return EdgeIndexWriter(index_folder(settings.data_dir))


def embedded(embedder: Embedder) -> list[Point]:
    chunk = document(1)[0].chunk
    vectors = embedder.embed(TEXTS).tolist()
    return [
        Point(
            Chunk(UUID(int=number + 1), chunk.document_id, "ana", number, text, 0, len(text)),
            tuple(vector),
            LEXICON.passage(text),
        )
        for number, (text, vector) in enumerate(zip(TEXTS, vectors, strict=True))
    ]


async def rebuild(writer: IndexWriter, model: EmbeddingModel, points: Sequence[Point]) -> None:
    async with writer.rebuild(model) as publication:
        await publication.upsert(points)


async def search(searcher: Searcher, text: str) -> Candidates:
    return await searcher.search(await searcher.embed(text), Scope(), 3)


async def test_no_question_is_refused_while_the_library_moves_to_another_model_and_back(
    settings: Settings, index: EdgeIndex, writer: IndexWriter, small: EmbeddingModel
) -> None:
    library = {}
    expected: dict[str, list[float]] = {text: [] for text in TEXTS[:4]}
    for embedder in (load_embedder(settings, None), load_embedder(settings, small)):
        library[embedder.model] = embedded(embedder)
        vectors = np.array([point.dense for point in library[embedder.model]])
        for text in expected:
            # The highest cosine that this model gives, computed without an index.
            expected[text].append(float((vectors @ embedder.embed_queries([text])[0]).max()))
    first, second = library
    await rebuild(writer, first, library[first])
    embedders = await open_embedders(settings, index)
    searcher = Searcher(index, embedders, LEXICON)
    answers, done = 0, asyncio.Event()

    async def ask(text: str) -> None:
        nonlocal answers
        while not done.is_set():
            best = (await search(searcher, text)).dense[0]
            assert any(best.score == pytest.approx(score, abs=1e-4) for score in expected[text])
            answers += 1

    asking = [asyncio.create_task(ask(text)) for text in expected]
    for model in (second, first, second, second):
        seen = answers
        await rebuild(writer, model, library[model])
        assert await index.model() == model
        while answers < seen + 20:
            await asyncio.sleep(0.01)
            assert not any(task.done() for task in asking)
    done.set()
    await asyncio.gather(*asking)
    await embedders.close()


async def test_a_model_is_loaded_once_for_all_who_ask_for_it(settings: Settings, small: EmbeddingModel) -> None:
    loaded = []

    def count(model: EmbeddingModel) -> Embedder:
        loaded.append(model)
        return load_embedder(settings, model)

    embedders = Embedders(load_embedder(settings, None), count)
    found = await asyncio.gather(*(embedders.get(model) for model in [small, embedded_model()] * 5))
    assert loaded == [small]
    assert len({id(embedder) for embedder in found}) == 2
    await embedders.close()


async def test_a_question_that_is_given_up_does_not_stop_the_loading_for_others(
    settings: Settings, small: EmbeddingModel
) -> None:
    embedders = Embedders(load_embedder(settings, None), partial(load_embedder, settings))
    one, other = (asyncio.create_task(embedders.get(small)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    assert len(await (await other).embed("harp")) == 16
    await embedders.close()


async def test_an_empty_library_answers_with_nothing_and_without_a_model_of_its_own(
    settings: Settings, index: EdgeIndex
) -> None:
    embedders = await open_embedders(settings, index)
    found = await search(Searcher(index, embedders, LEXICON), "harp")
    assert (found.dense, found.lexical) == ((), ())
    assert (await open_embedder(settings, index)).model == embedded_model()
    await embedders.close()


async def test_the_library_s_model_wins_over_the_configured_one_and_the_log_says_what_to_do(
    settings: Settings, index: EdgeIndex, writer: IndexWriter, small: EmbeddingModel, caplog: pytest.LogCaptureFixture
) -> None:
    await rebuild(writer, small, embedded(load_embedder(settings, small)))
    with caplog.at_level(logging.WARNING):
        embedders = await open_embedders(settings, index)
    (line,) = [record.getMessage() for record in caplog.records]
    assert "embedded is configured" in line
    assert "`footnote reindex`" in line
    assert len((await search(Searcher(index, embedders, LEXICON), TEXTS[5])).dense) >= 3
    assert (await open_embedder(settings, index)).model == small
    await embedders.close()


async def test_a_model_that_cannot_be_had_makes_questions_unavailable_and_is_not_tried_for_each(
    settings: Settings, index: EdgeIndex, writer: IndexWriter, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    def fail(model: EmbeddingModel) -> Embedder:
        tried.append(model)
        raise ConfigurationError("The model has moved to another town.")

    first = load_embedder(settings, None)
    embedders = Embedders(first, fail)
    async with writer.rebuild(MODEL) as publication:
        await publication.upsert(document(1))
    searcher = Searcher(index, embedders, LEXICON)
    for _ in range(3):
        with pytest.raises(Unavailable, match="cannot be loaded"):
            await search(searcher, "harp")
    assert tried == [MODEL]
    assert "another town" in caplog.text
    await rebuild(writer, first.model, embedded(first))
    assert (await search(searcher, TEXTS[0])).dense[0].chunk.text == TEXTS[0]
    await embedders.close()


def test_another_model_under_the_name_of_the_library_s_is_refused(
    model_cache: Path, small: EmbeddingModel, tmp_path: Path
) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(small.name, changed)
    settings = load(data_dir=tmp_path / "data")
    shutil.copytree(model_cache / "models" / small.id, settings.data_dir / "models" / export_name(str(changed)))
    assert ensure_model(settings, EmbeddingModel(str(changed), export_name(str(changed)), 16)).is_dir()
    with pytest.raises(ConfigurationError, match=r"as it was before.*footnote reindex"):
        ensure_model(settings, EmbeddingModel(str(changed), "changed-0123456789ab", 16))


async def test_a_generation_that_names_no_model_is_the_embedded_default_s(
    settings: Settings, writer: IndexWriter
) -> None:
    first = load_embedder(settings, None)
    await rebuild(writer, first.model, embedded(first))
    for note in (settings.data_dir / "index" / "generations").glob("*/model.json"):
        note.unlink()
    index = open_index(settings)
    assert await index.model() == embedded_model()
    await index.close()
    async with writer.publication(first.model) as publication:
        await publication.upsert([])


class HalfAway(EdgeIndex):
    """Where the first half of a search fails."""

    async def lexical(self, sparse: SparseVector, scope: Scope, limit: int) -> LexicalHits | None:
        raise Unavailable("The index could not be searched.")


async def test_a_search_of_which_half_has_failed_is_made_whole(settings: Settings, writer: IndexWriter) -> None:
    embedder = load_embedder(settings, None)
    await rebuild(writer, embedder.model, embedded(embedder))
    index = HalfAway(index_folder(settings.data_dir))
    embedders = await open_embedders(settings, index)
    searcher = Searcher(index, embedders, LEXICON)
    begun = await searcher.lexical(TEXTS[7], Scope(), 3)
    found = await searcher.search(await searcher.embed(TEXTS[7]), Scope(), 3, begun)
    assert found.dense[0].chunk.text == found.lexical[0].chunk.text == TEXTS[7]
    await embedders.close()
    await index.close()


async def test_on_a_single_core_no_search_is_made_in_halves(
    settings: Settings, writer: IndexWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = load_embedder(settings, None)
    await rebuild(writer, embedder.model, embedded(embedder))
    for cores, hits in ((1, None), (2, 3)):
        monkeypatch.setattr("backend.knowledge.edge.usable_cores", lambda cores=cores: cores)
        index = EdgeIndex(index_folder(settings.data_dir))
        begun = await index.lexical(LEXICON.query(TEXTS[7]), Scope(), 3)
        assert (len(begun.hits) if begun else None) == hits
        await index.close()
