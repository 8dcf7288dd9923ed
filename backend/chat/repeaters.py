"""Who has sent a question again under its key just now. Searches are begun before it is known whether a question is a
repeat, which nobody counts: so for those who repeat, they are not."""

import time

PAUSE_S = 60.0
MOST = 10_000


class Repeaters:
    """Remembers owners for a minute. Each worker finds out by itself."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def add(self, owner: str) -> None:
        """A search of this owner's was begun for nothing."""
        if len(self._until) >= MOST:
            self._until.clear()
        self._until[owner] = time.monotonic() + PAUSE_S

    def __contains__(self, owner: str) -> bool:
        return self._until.get(owner, 0.0) > time.monotonic()
