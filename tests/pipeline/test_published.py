"""A profile in the catalogue: what the service reads of it, and that no deleted document is quoted there."""

import asyncio
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from backend.errors import ContentError
from backend.knowledge.catalogue import Catalogue, creators
from backend.knowledge.models import Creator
from backend.knowledge.voice_profile import VoiceProfile, VoiceSample, profile_from, profile_row
from pipeline.profile import Measured, Profile, Sample
from pipeline.published import PublishedProfiles, in_words, publication
from pipeline.voice.measure import measure
from tests.pipeline.library import Library
from tests.pipeline.talks import by_id
from tests.pipeline.traces import HERONS, ROOMS

SAID = "So, I don't like it. You are right! So, do we go? So, the room is long and dry and loud and bright."
MEASURED = Measured("all that they wrote", 1, "", measure(by_id([SAID] * 3), []), (Sample(uuid4(), "Measured."),))
PROFILE = Profile("ana", "Calm.", ("by the way",), MEASURED)


async def stocked(library: Library) -> dict[str, UUID]:
    """Two documents of the creator, and their ids."""
    library.write("herons.md", HERONS)
    library.write("rooms.md", ROOMS)
    await library.ingest()
    return {name: row["id"] for name, row in (await library.rows()).items()}


async def published(library: Library) -> VoiceProfile | None:
    creator = await Catalogue(library.database).find_creator(library.slug)
    assert creator is not None
    return creator.profile


async def publish(library: Library, *documents: UUID) -> None:
    samples = tuple(Sample(document, f"From {document}.") for document in documents)
    async with publication(library.database, library.slug) as publishing:
        await publishing.publish(Profile(library.slug, "Calm.", (), None, samples=samples))


def test_what_was_measured_is_said_in_words_and_a_curators_own_stand_in_its_place() -> None:
    made = in_words(PROFILE)
    assert made.sentences == ("some 4 words long, half of them 4 to 6; 25% are questions; often begin with “So”")
    assert made.person == ("“I” in 25% of the sentences, “we” in 25%, “you” in 25%; says “don't” rather than “do not”")
    assert [sample.text for sample in made.samples] == ["Measured."]
    own = Profile("ana", "Calm.", (), MEASURED, sentences="short", person="", do=("winks",), persona=False, samples=())
    made = in_words(own)
    assert (made.sentences, made.person, made.do, made.persona, made.samples) == ("short", "", ("winks",), False, ())


def test_a_profile_of_another_version_is_read_as_far_as_it_is_known() -> None:
    full = VoiceProfile(voice="Calm.", samples=(VoiceSample(uuid4(), "So."),))
    assert profile_from(profile_row(full)) == full
    assert profile_from({"voice": "Calm.", "humour": "dry"}) == VoiceProfile(voice="Calm.")
    assert profile_from(None) is None


async def test_an_ingestion_leaves_the_profile_and_keeps_whether_the_creator_allows_it(library: Library) -> None:
    ids = await stocked(library)
    await publish(library, ids["rooms.md"])
    before = await published(library)
    assert before is not None
    for allowed in (False, True):
        await library.ledger.keep_creator(Creator(library.slug, "New", persona=allowed), is_described=True)
        creator = await Catalogue(library.database).find_creator(library.slug)
        assert creator is not None
        assert (creator.persona, creator.profile) == (allowed, before)


async def test_only_documents_that_answer_are_quoted(library: Library) -> None:
    ids = await stocked(library)
    await library.ledger.silence([ids["herons.md"]])
    await publish(library, ids["herons.md"], ids["rooms.md"], uuid4())
    profile = await published(library)
    assert profile is not None
    assert [sample.document for sample in profile.samples] == [ids["rooms.md"]]


async def test_a_deletion_waits_for_a_publication_and_takes_its_quotation_out(library: Library) -> None:
    ids = await stocked(library)
    sample = Sample(ids["herons.md"], "A heron.")
    async with publication(library.database, library.slug) as publishing:
        assert await publishing.gone([sample.document]) == set()
        silencing = asyncio.create_task(library.ledger.silence([ids["herons.md"]]))
        done, _ = await asyncio.wait({silencing}, timeout=0.3)
        assert not done
        await publishing.publish(Profile(library.slug, "Calm.", (), None, samples=(sample,)))
    await silencing
    profiles = PublishedProfiles(library.database)
    assert (await profiles.remaining([ids["herons.md"]], None))["published profiles"] == 1
    await profiles.withdraw([ids["herons.md"]], None)
    assert (await profiles.remaining([ids["herons.md"]], None))["published profiles"] == 0
    assert await published(library) == VoiceProfile(voice="Calm.")


async def test_a_measured_phrase_goes_with_its_documents_and_a_curators_own_stays(library: Library) -> None:
    ids = await stocked(library)
    spoken = "I say it at the end of the day for you. So I do it again at the end of the day and I do not stop. "
    said = dict.fromkeys(ids.values(), spoken * 3)
    measured = Measured("all that they wrote", 2, "", measure(said, []))
    found = measured.manner.phrases[0].text
    profile = Profile(library.slug, "Calm.", ("over here", found), measured)
    async with publication(library.database, library.slug) as publishing:
        assert (await publishing.publish(profile)).phrases == ("over here", found)
    profiles = PublishedProfiles(library.database)
    assert (await profiles.remaining([ids["herons.md"]], None))["published profiles"] == 1
    await profiles.withdraw([ids["herons.md"]], None)
    assert (await profiles.remaining(list(ids.values()), None))["published profiles"] == 0
    left = await published(library)
    assert left is not None
    assert (left.phrases, left.said_in, left.voice) == (("over here",), {}, "Calm.")
    await library.ledger.silence([ids["herons.md"]])
    async with publication(library.database, library.slug) as publishing:
        assert (await publishing.publish(profile)).phrases == ("over here",)


async def test_the_profile_of_a_creator_who_goes_is_withdrawn_and_others_stay(library: Library) -> None:
    ids = await stocked(library)
    await publish(library, ids["rooms.md"])
    profiles = PublishedProfiles(library.database)
    await profiles.withdraw([uuid4()], "somebody-else")
    assert await published(library) is not None
    await profiles.withdraw([], library.slug)
    async with library.database.connect() as connection:
        query = select(creators.c.profile.is_(None)).where(creators.c.slug == library.slug)
        assert (await connection.execute(query)).scalar_one()
    assert (await profiles.remaining([], library.slug))["published profiles"] == 0


async def test_nothing_is_published_of_a_creator_without_a_document_that_answers(library: Library) -> None:
    ids = await stocked(library)
    await library.ledger.silence(list(ids.values()))
    with pytest.raises(ContentError, match="deleted meanwhile"):
        await publish(library)
    with pytest.raises(ContentError, match="deleted meanwhile"):
        async with publication(library.database, "nobody-at-all"):
            pass
