"""An ingestion brings in what has changed, whole or not at all, and says what became of the rest."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from backend.knowledge.catalogue import Catalogue, documents
from backend.knowledge.embedder import Embedder
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.models import Creator, Link
from backend.knowledge.opening import open_index_writer
from pipeline.engines.local import LocalEngine
from pipeline.ingest import Advanced, Planned, Summary, Told
from pipeline.library import Library as Shelves
from pipeline.load import document_id
from pipeline.sandbox.pool import Pool
from tests.pipeline.library import CountingEngine, Killed, KilledWriter, Library

TALK = (
    "WEBVTT\n\n00:10.000 --> 00:14.000\n<v Ana>Turn the level down first.\n\n"
    "00:16.000 --> 00:20.000\n<v Leo>Why is that?\n"
)
ARTICLE = (
    "---\ntitle: Rooms\ndate: 2025-03-01\ntags: [acoustics]\n---\n\n"
    "## Small rooms\n\nA small room rings at low frequencies.\n"
)


def long_article(word: str, paragraphs: int = 12) -> str:
    sentence = f"The {word} in the room is what you hear before anything else, so listen to it for a while. "
    return "\n\n".join(sentence * 4 for _ in range(paragraphs))


async def test_new_content_answers_with_its_places(library: Library) -> None:
    library.write("talk.vtt", TALK)
    library.write("rooms.md", ARTICLE)
    summary = await library.ingest()
    assert summary == Summary(added=2, chunks=2, embedded=2)
    chunks = {chunk.text: chunk for chunk in (await library.indexed()).values()}
    article = chunks["A small room rings at low frequencies."]
    assert (article.heading, article.topics, article.creator) == ("Small rooms", ("acoustics",), library.slug)
    talk = next(chunk for text, chunk in chunks.items() if "Turn the level" in text)
    assert (talk.start_s, talk.end_s) == (10.0, 20.0)
    rows = await library.rows()
    assert {(row["status"], row["title"], row["kind"]) for row in rows.values()} == {
        ("ready", "Talk", "video"),
        ("ready", "Rooms", "article"),
    }
    assert rows["rooms.md"]["chunks"] == 1
    assert rows["rooms.md"]["id"] == article.document_id == document_id(library.slug, "rooms.md")


async def test_a_second_run_reads_embeds_and_publishes_nothing(library: Library) -> None:
    library.write("talk.vtt", TALK)
    await library.ingest()
    before = await library.rows(), await library.scores()
    engine = CountingEngine(library.engine)
    assert await library.ingest(engine=engine) == Summary(unchanged=1)
    assert (engine.sources, engine.chunks) == (0, 0)
    assert (await library.rows(), await library.scores()) == before


async def test_a_changed_document_replaces_its_passages_under_the_same_identity(library: Library) -> None:
    library.write("rooms.md", long_article("echo"))
    library.write("other.md", long_article("hum", 2))
    await library.ingest()
    before = await library.rows()
    library.write("rooms.md", long_article("rumble", 3))
    engine = CountingEngine(library.engine)
    summary = await library.ingest(engine=engine)
    assert (summary.added, summary.changed, summary.unchanged) == (0, 1, 1)
    texts = await library.answering()
    assert len(texts["rooms.md"]) == engine.chunks == summary.chunks
    assert not any("echo" in text for text in texts["rooms.md"])
    assert (await library.rows())["rooms.md"]["id"] == before["rooms.md"]["id"]


@pytest.mark.parametrize("published", [False, True], ids=["before publishing", "after publishing"])
async def test_a_killed_run_leaves_new_documents_silent_and_the_next_one_completes_them(
    library: Library, published: bool
) -> None:
    library.write("rooms.md", long_article("echo"))
    writer = open_index_writer(library.settings)
    with pytest.raises(Killed):
        await library.ingest(writer=KilledWriter(writer, published))
    assert await library.answering() == {}
    assert (await library.rows())["rooms.md"]["status"] == "pending"
    assert (await library.ingest()).added == 1
    resumed = await library.scores()
    assert resumed
    await clean_run_equals(library, resumed)


@pytest.mark.parametrize("published", [False, True], ids=["before publishing", "after publishing"])
async def test_a_killed_replacement_answers_from_one_version_and_the_next_run_completes_it(
    library: Library, published: bool
) -> None:
    library.write("rooms.md", long_article("echo"))
    await library.ingest()
    library.write("rooms.md", long_article("rumble", 3))
    writer = open_index_writer(library.settings)
    with pytest.raises(Killed):
        await library.ingest(writer=KilledWriter(writer, published))
    (texts,) = (await library.answering()).values()
    assert {"echo" in text for text in texts} == {not published}
    assert (await library.ingest()).changed == 1
    assert all("rumble" in text for text in (await library.answering())["rooms.md"])
    await clean_run_equals(library, await library.scores())


async def clean_run_equals(library: Library, resumed: dict[object, float]) -> None:
    """A run into an empty index gives the same passages with the same vectors."""
    fresh = Library(
        library.settings.model_copy(update={"data_dir": library.settings.data_dir / "fresh"}),
        library.database, library.engine, library.model, library.content / ".fresh", library.slug,
    )  # fmt: skip
    fresh.content = library.content
    async with library.database.begin() as connection:
        await connection.execute(documents.delete().where(documents.c.creator == library.slug))
    await fresh.ingest()
    assert await fresh.scores() == resumed
    await fresh.close()


async def test_a_failure_is_kept_with_its_reason_and_stops_nobody(library: Library) -> None:
    library.write("bad.vtt", "WEBVTT\n\nno cue at all\n")
    library.write("broken.md", "---\ntitle: a: b\n---\ntext\n")
    library.write("good.md", ARTICLE)
    summary = await library.ingest()
    assert (summary.added, summary.failed) == (1, 2)
    rows = await library.rows()
    assert (rows["bad.vtt"]["status"], rows["bad.vtt"]["reason"]) == ("failed", "It has no cues.")
    assert "not valid YAML" in rows["broken.md"]["reason"]
    assert [event.file.rsplit("/", 1)[1] for event in library.events if isinstance(event, Told)] == [
        "bad.vtt",
        "broken.md",
    ]
    library.write("bad.vtt", TALK)
    assert (await library.ingest()).added == 1
    assert (await library.rows())["bad.vtt"]["reason"] is None


async def test_a_document_whose_new_version_fails_goes_on_answering_from_the_old(library: Library) -> None:
    path = library.write("talk.vtt", TALK)
    await library.ingest()
    before = await library.answering()
    path.write_bytes(b"\0\0")
    assert (await library.ingest()).failed == 1
    assert await library.answering() == before
    assert (await library.rows())["talk.vtt"]["reason"] == "It is not a text file."
    failures = await Shelves(library.database).documents(creator=library.slug, with_failure=True)
    assert [failure.document.source_uri for failure in failures] == ["talk.vtt"]
    library.write("talk.vtt", TALK)
    assert (await library.ingest()).changed == 1
    assert (await library.rows())["talk.vtt"]["reason"] is None


async def test_a_redirect_is_left_out_and_not_read_again_but_fails_where_it_was_content_before(
    library: Library,
) -> None:
    library.write("old.md", "---\nredirect: /new\n---\n")
    summary = await library.ingest()
    assert (summary.left_out, summary.failed) == (1, 0)
    assert (await library.rows())["old.md"]["status"] == "left_out"
    engine = CountingEngine(library.engine)
    assert (await library.ingest(engine=engine)).left_out == 1
    assert engine.sources == 0
    library.write("old.md", ARTICLE)
    await library.ingest()
    library.write("old.md", "---\nredirect: /new\n---\n")
    assert (await library.ingest()).failed == 1


async def test_a_deleted_document_does_not_come_back(library: Library) -> None:
    library.write("rooms.md", ARTICLE)
    await library.ingest()
    async with library.database.begin() as connection:
        await connection.execute(
            update(documents).where(documents.c.creator == library.slug).values(deleted_at=datetime.now(UTC))
        )
    library.write("rooms.md", ARTICLE + "\nMore.\n")
    summary = await library.ingest()
    assert (summary.added, summary.changed, summary.left_out) == (0, 0, 1)
    assert await library.answering() == {}


async def test_a_profile_updates_the_creator_and_a_bare_slug_does_not(library: Library) -> None:
    library.write("rooms.md", ARTICLE)
    profile = library.write(
        "creator.yaml",
        "slug: x\nname: Ana\nbio: Mixes.\nvoice: Calm.\ntopics: [mixing]\nquestions: ['How loud?']\n"
        "links: [{label: Site, url: 'https://a.example'}]\n",
    )
    await library.ingest()
    expected = Creator(
        library.slug, "Ana", "Mixes.", "Calm.", ("mixing",), (Link("Site", "https://a.example"),), ("How loud?",)
    )
    assert await Catalogue(library.database).find_creator(library.slug) == expected
    profile.unlink()
    await library.ingest()
    assert await Catalogue(library.database).find_creator(library.slug) == expected
    library.write("creator.yaml", "slug: x\nname: Ana V.\n")
    await library.ingest()
    assert (await Catalogue(library.database).find_creator(library.slug)) == Creator(library.slug, "Ana V.")


async def test_progress_is_told_by_documents_bytes_and_passages(
    library: Library, embedder: Embedder, pool: Pool
) -> None:
    for number in range(3):
        library.write(f"{number}.md", long_article(f"echo {number}", 20))
    summary = await library.ingest(engine=LocalEngine(embedder, LexicalEncoder(), pool, batch=8))
    planned = next(event for event in library.events if isinstance(event, Planned))
    advances = [event for event in library.events if isinstance(event, Advanced)]
    assert planned.documents == 3
    assert len(advances) > 1
    assert advances == sorted(advances, key=lambda event: (event.chunks, event.bytes))
    assert advances[-1] == Advanced(3, planned.bytes, summary.chunks, 0)


async def test_documents_larger_than_a_batch_and_than_a_publication_arrive_whole(
    library: Library, embedder: Embedder, pool: Pool
) -> None:
    for number in range(4):
        library.write(f"{number}.md", long_article("echo", 20 + number))
    summary = await library.ingest(engine=LocalEngine(embedder, LexicalEncoder(), pool, batch=8), publish_after=20)
    rows = await library.rows()
    assert summary.added == 4
    assert {uri: len(texts) for uri, texts in (await library.answering()).items()} == {
        uri: row["chunks"] for uri, row in rows.items()
    }
    assert sum(row["chunks"] for row in rows.values()) == summary.chunks > 40
