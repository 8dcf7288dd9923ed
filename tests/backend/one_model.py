"""An index that says which model made it, for what asks it nothing else."""

from backend.errors import Unavailable
from backend.knowledge.models import EmbeddingModel


class OneModel:
    """Names a model, None for an empty library; raises `Unavailable` where it is `away`."""

    def __init__(self, model: EmbeddingModel | None, away: bool = False) -> None:
        self._model = model
        self._away = away

    async def model(self) -> EmbeddingModel | None:
        if self._away:
            raise Unavailable("The index is away.")
        return self._model
