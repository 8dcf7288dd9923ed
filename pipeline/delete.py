"""The story of a deletion: silence, erase, unpublish, forget, clear, check."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.erasure import clear_residue, erase, remaining
from backend.knowledge.catalogue import Catalogue
from backend.knowledge.embedders import open_embedders
from backend.knowledge.index import Index, IndexWriter
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.models import Scope
from backend.knowledge.searcher import Searcher
from backend.settings import Settings
from pipeline.gather import STAGING
from pipeline.ledger import Ledger
from pipeline.profile import drop_documents, profile_folder, remove_profile
from pipeline.published import PublishedProfiles
from pipeline.tombstones import Tombstones

LAST_ORDINAL = 2**31 - 1
SAMPLES = 5  # documents of which a passage is searched for afterwards
SEARCHED = 50  # what that search may bring


@dataclass(slots=True)
class Deleted:
    """What a deletion did. `repetitions` were tombstoned with what they repeat; `answers` to visitors were rewritten.

    `left` tells where the check still found something, and how often: nowhere, if all went well.
    """

    documents: int = 0
    repetitions: int = 0
    passages: int = 0
    answers: int = 0
    left: dict[str, int] = field(default_factory=dict)


class Deletion:
    """One deletion. The service goes on answering from everything else.

    The tombstones come first and the emptied rows last, and each step may be done again. So a deletion that was killed
    is completed by the same command, or by the next one.
    """

    def __init__(self, settings: Settings, database: AsyncEngine, index: Index, writer: IndexWriter) -> None:
        self._settings = settings
        self._index = index
        self._writer = writer
        self._catalogue = Catalogue(database)
        self._ledger = Ledger(database)
        self._tombstones = Tombstones(database)
        self._profiles = PublishedProfiles(database)

    async def run(self, documents: Sequence[UUID], creator: str | None = None) -> Deleted:
        """Deletes these documents and those that repeat them, or everything of `creator`; call it while you hold
        `Ledger.writing`.

        A document leaves a tombstone behind, which keeps the next ingestion of its folder from bringing it back; a
        creator leaves nothing. The curator's own files are left alone. Raises `Unavailable` where an engine is away or
        too busy, `ConfigurationError` where a profile cannot be understood; the same deletion can be run again then.
        """
        asked = await self._tombstones.of_creator(creator) if creator is not None else documents
        doomed = await self._tombstones.with_repetitions([*asked, *await self._tombstones.unfinished()])
        deleted = Deleted(len(asked), len(set(doomed).difference(asked)))
        await self._ledger.silence(doomed)
        await self._profiles.withdraw(doomed, creator)  # before answers that began are waited for: they may have it
        said = await self._passages(doomed, deleted)
        erased = await erase(self._settings, doomed, with_creator=creator is not None)
        deleted.answers = erased.answers
        await self._unpublish(doomed)
        shutil.rmtree(self._settings.data_dir / STAGING, ignore_errors=True)  # what a killed ingestion left
        if creator is not None:
            await self._tombstones.empty_creator(creator)
        await self._tombstones.empty(doomed)
        await clear_residue(self._settings)
        self._clear_profiles(doomed, creator)
        deleted.left = await self._check(doomed, creator, said)
        if creator is not None and not deleted.left:
            await self._tombstones.remove_creator(creator)
        return deleted

    async def _passages(self, documents: Sequence[UUID], deleted: Deleted) -> list[tuple[str, str]]:
        """Counts the passages; gives some, each with its creator, to search for afterwards."""
        said: list[tuple[str, str]] = []
        for document in documents:
            chunks = await self._index.passages(document, 0, LAST_ORDINAL)
            deleted.passages += len(chunks)
            if chunks and len(said) < SAMPLES:
                middle = chunks[len(chunks) // 2]
                said.append((middle.text, middle.creator))
        return said

    async def _unpublish(self, documents: Sequence[UUID]) -> None:
        async with self._writer.publication() as publication:
            await publication.remove_documents(documents)
        await self._writer.purge()

    def _clear_profiles(self, documents: Sequence[UUID], creator: str | None) -> None:
        folder = profile_folder(self._settings.data_dir)
        if creator is not None:
            remove_profile(folder, creator)
        drop_documents(folder, documents)

    async def _check(
        self, documents: Sequence[UUID], creator: str | None, said: Sequence[tuple[str, str]]
    ) -> dict[str, int]:
        """Looks for what must be gone, as a reader, the service and a curator would."""
        left = await self._tombstones.remaining(documents, creator)
        left |= await self._profiles.remaining(documents, creator)
        left |= await remaining(self._settings, documents)
        left["documents that answer"] = len(await self._catalogue.find_documents(documents))
        left["passages"] = 0
        for document in documents:
            left["passages"] += len(await self._index.passages(document, 0, LAST_ORDINAL))
        if creator is not None:
            left["the creator's passages"] = await self._index.count(Scope(creator=creator))
        left["hits of a search"] = await self._hits(documents, said)
        return {place: count for place, count in left.items() if count}

    async def _hits(self, documents: Sequence[UUID], said: Sequence[tuple[str, str]]) -> int:
        """How many of the hits are of these documents when one searches for what they said."""
        if not said:
            return 0
        embedders = await open_embedders(self._settings, self._index)
        try:
            gone, searcher = frozenset(documents), Searcher(self._index, embedders, LexicalEncoder())
            hits = 0
            for text, creator in said:
                found = await searcher.search(await searcher.embed(text), Scope(creator=creator), SEARCHED)
                hits += sum(hit.chunk.document_id in gone for hit in (*found.dense, *found.lexical))
            return hits
        finally:
            await embedders.close()
