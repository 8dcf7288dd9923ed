"""Documents that go to another creator: each is one, before and after."""

from sqlalchemy import update

from backend.knowledge.catalogue import Catalogue, documents
from pipeline.creators import slug_from
from pipeline.entries import PIPELINE_VERSION
from pipeline.source import Request
from tests.pipeline.library import CountingEngine, Library
from tests.pipeline.test_ingest import ARTICLE, long_article


async def test_documents_follow_the_slug_in_creator_yaml_without_being_embedded_again(library: Library) -> None:
    old, new = library.slug, f"{library.slug}-anew"
    library.write("creator.yaml", f"slug: {old}\nname: Ana\n")
    library.write("rooms.md", ARTICLE)
    library.write("guest.md", f"---\ncreator: Guest of {old}\n---\nA guest tells of rain.\n")
    request = Request(str(library.content))
    await library.ingest(requests=[request])
    before = await library.rows()
    library.write("creator.yaml", f"slug: {new}\nname: Ana\n")
    engine = CountingEngine(library.engine)
    summary = await library.ingest(requests=[request], engine=engine)
    assert (summary.added, summary.vanished, engine.embedded) == (0, 0, 0)
    assert (await library.rows(), await library.indexed()) == ({}, {})
    library.slug = new
    assert {uri: row["id"] for uri, row in (await library.rows()).items()} == {"rooms.md": before["rooms.md"]["id"]}
    assert list(await library.answering()) == ["rooms.md"]
    assert (await library.ingest(requests=[request])).unchanged == 2
    library.slug = f"guest-of-{old}"
    assert list(await library.answering()) == [f"{new}/guest.md"]


async def test_two_creators_who_were_one_are_told_apart_when_the_library_is_read_anew(library: Library) -> None:
    show = library.slug.replace("-", " ").upper()
    names = [f"王小明 {show}", f"李娜 {show}"]
    for name, subject in zip(names, ("echo", "rain"), strict=True):
        library.write(f"{name}/a.md", long_article(subject, 2))
        library.write(f"{name}/b.md", long_article(f"more {subject}", 2))
    await library.ingest()
    async with library.database.begin() as connection:
        of_before = documents.c.creator == library.slug
        await connection.execute(update(documents).where(of_before).values(pipeline_version=PIPELINE_VERSION - 1))
    summary = await library.ingest(requests=[Request(str(library.content))])
    assert (summary.changed, summary.added, summary.embedded, summary.vanished) == (4, 0, 0, 0)
    assert (await library.rows(), await library.indexed()) == ({}, {})
    for name, subject in zip(names, ("echo", "rain"), strict=True):
        library.slug = slug_from(name) or ""
        creator = await Catalogue(library.database).find_creator(library.slug)
        assert creator is not None
        assert creator.name == name
        texts = await library.answering()
        assert sorted(texts) == ["a.md", "b.md"]
        assert all(subject in text for passages in texts.values() for text in passages)
