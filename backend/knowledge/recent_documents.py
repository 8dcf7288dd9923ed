"""The catalogue as retrieval asks it: what has not changed since it was looked up is not looked up again."""

from collections import OrderedDict
from collections.abc import Collection
from uuid import UUID

from backend.knowledge.catalogue import Catalogue
from backend.knowledge.models import Creator, Document

KEPT = 5_000  # of some 1 kB each
# A library of no more documents is looked up whole when it has changed, in some 3 ms beside the embedding of the
# question. Else each question that finds a document for the first time waits for it between search and sources, 0.9 ms.
FEW = 250


class RecentDocuments:
    """What `Retriever` needs of the catalogue, with one statement fewer between the search and the sources.

    Whether anything was changed or deleted is asked anew for each question, while it is embedded, so nothing that was
    corrected before the question came is old.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._version: int | None = None
        self._known: OrderedDict[UUID, tuple[Document, Creator]] = OrderedDict()

    async def tombstones(self) -> frozenset[UUID]:
        """Deleted documents whose chunks may still lie in the index. What is known is forgotten here if anything in the
        catalogue may have changed, and a small catalogue is learnt anew."""
        state = await self._catalogue.state()
        if state.version is None or state.version != self._version:
            self._version = state.version
            self._known = OrderedDict()
            if state.version is not None:
                await self._learn(self._known)
        return state.deleted

    async def find_documents(self, ids: Collection[UUID]) -> dict[UUID, tuple[Document, Creator]]:
        """See `Catalogue.find_documents`; as they were at the last call of `tombstones` or later."""
        known = self._known
        found = {identity: known[identity] for identity in ids if identity in known}
        missing = [identity for identity in ids if identity not in found]
        if missing:
            looked_up = await self._catalogue.find_documents(missing)
            known.update(looked_up)  # where it was replaced meanwhile these may be old, and nobody looks at it again
            while len(known) > KEPT:
                known.popitem(last=False)
            found |= looked_up
        return found

    async def _learn(self, known: OrderedDict[UUID, tuple[Document, Creator]]) -> None:
        """A small catalogue; what is replaced meanwhile nobody looks at again. Who comes next tries what was broken off
        here."""
        try:
            known.update(await self._catalogue.all_documents(at_most=FEW))
        except BaseException:
            if known is self._known:
                self._version = None
            raise
