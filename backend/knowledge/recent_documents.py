"""The catalogue as retrieval asks it: documents that were looked up a moment ago are not looked up again."""

import time
from collections import OrderedDict
from collections.abc import Collection
from uuid import UUID

from backend.knowledge.catalogue import Catalogue
from backend.knowledge.models import Creator, Document

KEPT = 5_000  # of some 1 kB each
KEPT_S = 10.0  # a title or an address that a curator corrects is old for so long; a deletion is never late


class RecentDocuments:
    """What `Retriever` needs of the catalogue, with one statement fewer between the search and the sources.

    Which documents are deleted is asked anew for each question, while it is embedded. So a document that was deleted
    before the question came is out of it, whatever is known of its title.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: OrderedDict[UUID, tuple[float, tuple[Document, Creator]]] = OrderedDict()

    async def tombstones(self) -> frozenset[UUID]:
        """See `Catalogue.tombstones`. What is deleted is forgotten here as well."""
        deleted = await self._catalogue.tombstones()
        for identity in deleted & self._known.keys():
            del self._known[identity]
        return deleted

    async def find_documents(self, ids: Collection[UUID]) -> dict[UUID, tuple[Document, Creator]]:
        """See `Catalogue.find_documents`; as they were at most ten seconds ago."""
        now = time.monotonic()
        found = {identity: self._known[identity][1] for identity in ids if self._is_known(identity, now)}
        missing = [identity for identity in ids if identity not in found]
        if missing:
            looked_up = await self._catalogue.find_documents(missing)
            self._known.update((identity, (now + KEPT_S, document)) for identity, document in looked_up.items())
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            found |= looked_up
        return found

    def _is_known(self, identity: UUID, now: float) -> bool:
        until, _ = self._known.get(identity, (0.0, None))
        return now < until
