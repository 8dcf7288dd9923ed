"""Profiles as the service has them: a column of the catalogue, which every worker on every machine reads."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

from sqlalchemy import ARRAY, any_, bindparam, select, update
from sqlalchemy.dialects.postgresql import UUID as SqlUUID
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.database import transaction
from backend.errors import ContentError
from backend.knowledge.catalogue import creators, documents
from backend.knowledge.voice_profile import VoiceProfile, VoiceSample, profile_from, profile_row
from pipeline.profile import Profile
from pipeline.voice.description import person_in_words, sentences_in_words
from pipeline.voice.phrases import left_of

_ANSWERS = (documents.c.status == "ready") & documents.c.deleted_at.is_(None)


class Publication:
    """One publication. The documents that it has seen answering cannot be deleted before it is over."""

    def __init__(self, connection: AsyncConnection, slug: str) -> None:
        self._connection = connection
        self._slug = slug

    async def gone(self, ids: Collection[UUID]) -> set[UUID]:
        """Those of the documents that do not answer."""
        asked = bindparam("ids", list(ids), type_=ARRAY(SqlUUID))
        query = select(documents.c.id).where(documents.c.id == any_(asked), _ANSWERS).with_for_update(read=True)
        return set(ids).difference((await self._connection.execute(query)).scalars())

    async def publish(self, profile: Profile) -> VoiceProfile:
        """Gives the profile to the service, which answers in this voice from the next question on."""
        spoken = in_words(profile)
        published = without(spoken, await self.gone(documents_of(spoken)))
        query = update(creators).where(creators.c.slug == self._slug).values(profile=profile_row(published))
        await self._connection.execute(query)
        return published


@asynccontextmanager
async def publication(engine: AsyncEngine, slug: str) -> AsyncIterator[Publication]:
    """Publishes a creator's profile when the block ends.

    Raises `ContentError` where the creator, or the last document of theirs that answers, has gone meanwhile.
    """
    creator = select(creators.c.slug).where(creators.c.slug == slug).with_for_update(key_share=True)
    document = select(documents.c.id).where(documents.c.creator == slug, _ANSWERS).limit(1).with_for_update(read=True)
    async with transaction(engine) as connection:
        for query in (creator, document):
            if (await connection.execute(query)).first() is None:
                raise ContentError(f"`{slug}` was deleted meanwhile.")
        yield Publication(connection, slug)


class PublishedProfiles:
    """Takes out of the catalogue what a deletion must not leave there."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def withdraw(self, ids: Collection[UUID], creator: str | None) -> None:
        """Takes out what goes with these documents, of all profiles, and the whole profile of `creator`."""
        query = select(creators.c.slug, creators.c.profile).where(creators.c.profile.is_not(None))
        async with transaction(self._engine) as connection:
            for slug, row in (await connection.execute(query.with_for_update(key_share=True))).all():
                profile = profile_from(row)
                if slug == creator or profile is None:
                    value = None
                elif documents_of(profile).isdisjoint(ids):
                    continue
                else:
                    value = {**row, **profile_row(without(profile, ids))}
                await connection.execute(update(creators).where(creators.c.slug == slug).values(profile=value))

    async def remaining(self, ids: Collection[UUID], creator: str | None) -> dict[str, int]:
        """How many published profiles still name one of these documents, or are the creator's."""
        query = select(creators.c.slug, creators.c.profile).where(creators.c.profile.is_not(None))
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(query)).all()
        return {"published profiles": sum(slug == creator or _names(row, ids) for slug, row in rows)}


def in_words(profile: Profile) -> VoiceProfile:
    """The profile as the service has it; what a curator says stands for what was measured."""
    sentences, person, samples = profile.sentences, profile.person, profile.samples
    said_in: dict[str, tuple[UUID, ...]] = {}
    if measured := profile.measured:
        sentences = sentences_in_words(measured.manner) if sentences is None else sentences
        person = person_in_words(measured.manner) if person is None else person
        samples = measured.samples if samples is None else samples
        said_in = {phrase.text: phrase.said_in for phrase in measured.manner.phrases}
    return VoiceProfile(
        persona=profile.persona,
        voice=profile.voice,
        sentences=sentences or "",
        person=person or "",
        phrases=profile.phrases,
        said_in={phrase: said_in[phrase] for phrase in profile.phrases if phrase in said_in},
        do=profile.do,
        dont=profile.dont,
        samples=tuple(VoiceSample(sample.document, sample.text) for sample in samples or ()),
    )


def documents_of(profile: VoiceProfile) -> set[UUID]:
    """The documents that its samples and phrases are from."""
    phrases = (document for said_in in profile.said_in.values() for document in said_in)
    return {*phrases, *(sample.document for sample in profile.samples)}


def without(profile: VoiceProfile, gone: Collection[UUID]) -> VoiceProfile:
    """The profile without the samples and phrases that go with these documents."""
    left = {phrase: left_of(said_in, gone) for phrase, said_in in profile.said_in.items()}
    return replace(
        profile,
        phrases=tuple(phrase for phrase in profile.phrases if left.get(phrase, ()) is not None),
        said_in={phrase: said_in for phrase, said_in in left.items() if said_in is not None},
        samples=tuple(sample for sample in profile.samples if sample.document not in gone),
    )


def _names(row: dict[str, object], ids: Collection[UUID]) -> bool:
    profile = profile_from(row)
    return profile is not None and not documents_of(profile).isdisjoint(ids)
