"""What reads a question together with texts: a cross-encoder, here or at an endpoint."""

from collections.abc import Sequence
from typing import Protocol


class Reranker(Protocol):
    """Scores texts for a question, in one batch and within its deadline."""

    async def scores(self, query: str, texts: Sequence[str]) -> list[float] | None:
        """A score for each text, in their order, higher is better; any finite numbers.

        None where it failed or was too late: a question never waits longer than the deadline for it.
        """
        ...

    async def close(self) -> None:
        """Lets go of the model or of the connections."""
        ...
