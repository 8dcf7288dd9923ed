"""Profiles as the service has them: a column of the catalogue, which every worker on every machine reads."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import ARRAY, any_, bindparam, select, update
from sqlalchemy.dialects.postgresql import UUID as SqlUUID
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.database import transaction
from backend.errors import ContentError
from backend.knowledge.catalogue import creators, documents
from backend.knowledge.voice_profile import VoiceProfile, VoiceSample, profile_from, profile_row
from pipeline.profile import Profile, Sample
from pipeline.voice.description import person_in_words, sentences_in_words

_ANSWERS = (documents.c.status == "ready") & documents.c.deleted_at.is_(None)


class Publication:
    """One publication. The documents that it has seen answering cannot be deleted before it is over."""

    def __init__(self, connection: AsyncConnection, slug: str) -> None:
        self._connection = connection
        self._slug = slug

    async def of_living(self, samples: Collection[Sample]) -> tuple[Sample, ...]:
        """Those of the samples whose document answers."""
        ids = bindparam("ids", [sample.document for sample in samples], type_=ARRAY(SqlUUID))
        query = select(documents.c.id).where(documents.c.id == any_(ids), _ANSWERS).with_for_update(read=True)
        living = set((await self._connection.execute(query)).scalars())
        return tuple(sample for sample in samples if sample.document in living)

    async def publish(self, profile: Profile) -> VoiceProfile:
        """Gives the profile to the service, which answers in this voice from the next question on."""
        published = in_words(profile, await self.of_living(samples_of(profile)))
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
        """Takes out the samples from these documents, of all profiles, and the whole profile of `creator`."""
        query = select(creators.c.slug, creators.c.profile).where(creators.c.profile.is_not(None))
        async with transaction(self._engine) as connection:
            for slug, row in (await connection.execute(query.with_for_update(key_share=True))).all():
                if slug != creator and not _quotes(row, ids):
                    continue
                kept = [sample for sample in row["samples"] if UUID(sample["document"]) not in ids]
                value = None if slug == creator else {**row, "samples": kept}
                await connection.execute(update(creators).where(creators.c.slug == slug).values(profile=value))

    async def remaining(self, ids: Collection[UUID], creator: str | None) -> dict[str, int]:
        """How many published profiles still quote one of these documents, or are the creator's."""
        query = select(creators.c.slug, creators.c.profile).where(creators.c.profile.is_not(None))
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(query)).all()
        return {"published profiles": sum(slug == creator or _quotes(row, ids) for slug, row in rows)}


def samples_of(profile: Profile) -> tuple[Sample, ...]:
    """The samples that hold: the curator's own, else those that were measured."""
    if profile.samples is not None:
        return profile.samples
    return profile.measured.samples if profile.measured else ()


def in_words(profile: Profile, samples: Collection[Sample]) -> VoiceProfile:
    """The profile as the service has it, with these samples; what a curator says stands for what was measured."""
    manner = profile.measured.manner if profile.measured else None
    sentences, person = profile.sentences, profile.person
    if manner is not None:
        sentences = sentences_in_words(manner) if sentences is None else sentences
        person = person_in_words(manner) if person is None else person
    return VoiceProfile(
        persona=profile.persona,
        voice=profile.voice,
        sentences=sentences or "",
        person=person or "",
        phrases=profile.phrases,
        do=profile.do,
        dont=profile.dont,
        samples=tuple(VoiceSample(sample.document, sample.text) for sample in samples),
    )


def _quotes(row: dict[str, object], ids: Collection[UUID]) -> bool:
    profile = profile_from(row)
    return profile is not None and any(sample.document in ids for sample in profile.samples)
