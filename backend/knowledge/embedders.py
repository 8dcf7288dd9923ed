"""Which embedding model is used: the one that made the index, and the configured one while there is none."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from backend.errors import ConfigurationError, Unavailable
from backend.knowledge.embedder import Embedder, QueryEmbedder
from backend.knowledge.export import ensure_exported, exported_model
from backend.knowledge.identity import export_name
from backend.knowledge.index import Index
from backend.knowledge.models import EmbeddingModel
from backend.settings import Settings

log = logging.getLogger(__name__)

KEPT = 2  # the model of the present index and of the one before it, for questions that are on their way
TRY_AGAIN_AFTER_S = 60.0  # a model that could not be loaded: an export takes 20 s of all cores


def model_folder(settings: Settings, model: EmbeddingModel | None) -> Path | None:
    """Where the export of this model lies (None: of the configured one), or None if it has yet to be made."""
    return exported_model(settings, model.id if model else None)


def ensure_model(settings: Settings, model: EmbeddingModel | None) -> Path:
    """The folder of the exported model (None: of the configured one), made where it is missing: 10 to 20 s.

    Raises `ConfigurationError` where the model cannot be had, or is no longer the same one.
    """
    if found := model_folder(settings, model):
        return found
    if model is None:
        return ensure_exported(settings)
    named = settings.embedding.model_copy(update={"model": model.name})
    folder = ensure_exported(settings.model_copy(update={"embedding": named}))
    if folder.name != model.id:
        raise ConfigurationError(
            f"The library was made with the model {model.name} as it was before, and its export {model.id} is gone: "
            "`footnote reindex` makes the library anew."
        )
    return folder


def load_embedder(settings: Settings, model: EmbeddingModel | None) -> Embedder:
    """The model that made an index, or the configured one (None). See `ensure_model`; call it off the event loop."""
    return Embedder.load(ensure_model(settings, model))


async def open_embedder(settings: Settings, index: Index) -> Embedder:
    """What passages for this index are embedded with. Raises `Unavailable` where the index cannot be asked."""
    return await asyncio.to_thread(load_embedder, settings, await index.model())


class Embedders:
    """Embeds questions with the model that the index asks for; each is loaded once, while the others go on."""

    def __init__(self, first: Embedder, load: Callable[[EmbeddingModel], Embedder]) -> None:
        self._load = load
        loaded: asyncio.Future[QueryEmbedder] = asyncio.get_running_loop().create_future()
        loaded.set_result(QueryEmbedder(first))
        self._loaded: dict[str, asyncio.Future[QueryEmbedder]] = {first.model.id: loaded}

    async def get(self, model: EmbeddingModel) -> QueryEmbedder:
        """The embedder of this model. Raises `ConfigurationError` where it cannot be had: tried once a minute."""
        if model.id not in self._loaded:
            self._loaded[model.id] = asyncio.create_task(self._open(model))
        return await asyncio.shield(self._loaded[model.id])  # who leaves does not stop the loading for the others

    async def close(self) -> None:
        """Closes every model."""
        for loaded in self._loaded.values():
            await close_loaded(loaded)

    async def _open(self, model: EmbeddingModel) -> QueryEmbedder:
        try:
            opened = QueryEmbedder(await asyncio.to_thread(self._load, model))
        except BaseException:
            asyncio.get_running_loop().call_later(TRY_AGAIN_AFTER_S, self._loaded.pop, model.id, None)
            raise
        others = [name for name in self._loaded if name != model.id]
        for oldest in others[: 1 - KEPT]:
            await close_loaded(self._loaded.pop(oldest))
        return opened


async def close_loaded(loaded: asyncio.Future[QueryEmbedder]) -> None:
    """Closes a model that is loaded, is being loaded, or could not be."""
    (result,) = await asyncio.gather(loaded, return_exceptions=True)
    if isinstance(result, QueryEmbedder):
        await result.close()


async def open_embedders(settings: Settings, index: Index) -> Embedders:
    """With the model of the index loaded, or the configured one where the index is empty or away.

    Says in the log where the two differ. Raises `ConfigurationError` where the model cannot be had.
    """
    try:
        model = await index.model()
    except Unavailable:
        model = None
    if model is not None and model.id != export_name(settings.embedding.model):
        log.warning(
            "The library was made with the model %s, and %s is configured: the library's is used until "
            "`footnote reindex` has moved it.",
            model.name,
            settings.embedding.model,
        )
    first = await asyncio.to_thread(load_embedder, settings, model)
    return Embedders(first, partial(load_embedder, settings))
