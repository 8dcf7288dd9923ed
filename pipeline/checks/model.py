"""The embedding model: exported, in working order, and the one that made the index."""

import asyncio
from pathlib import Path

import numpy as np

from backend.errors import ConfigurationError
from backend.knowledge.embedder import Embedder
from backend.knowledge.embedders import model_folder
from backend.knowledge.identity import export_name
from backend.knowledge.models import EmbeddingModel
from backend.settings import EMBEDDED, Settings
from pipeline.checks.finding import Finding

PROBE = "Where do the footnotes lead?"


async def model(settings: Settings, of_index: EmbeddingModel | None) -> list[Finding]:
    """Loads the model that questions are embedded with, and embeds one; `of_index` is None while that is unknown."""
    folder = model_folder(settings, of_index)
    name = of_index.name if of_index else settings.embedding.model
    about = "embedding model"
    if folder is None:
        cost = "10 to 20 s" if name == EMBEDDED else "a download"
        advice = f"The next `footnote ingest` or `footnote serve` does it once ({cost})."
        found = Finding("note", about, f"{name} has not been exported yet.", advice)
    else:
        found = await asyncio.to_thread(_try, folder, name, of_index)
    if of_index is not None and of_index.id != export_name(settings.embedding.model):
        says = f"the library was made with {of_index.name}, and {settings.embedding.model} is configured."
        if of_index.name == settings.embedding.model:
            says = f"the files of {of_index.name} are no longer those that the library was made with."
        return [found, Finding("note", about, says, "The library's is used until `footnote reindex` has moved it.")]
    return [found]


def _try(folder: Path, name: str, of_index: EmbeddingModel | None) -> Finding:
    try:
        embedder = Embedder.load(folder)
        vectors = embedder.embed_queries([PROBE])
    except ConfigurationError as error:
        return Finding("broken", "embedding model", error.message)
    if vectors.shape != (1, embedder.dimension) or not np.isclose(np.linalg.norm(vectors), 1, atol=1e-3):
        advice = f"Delete {folder} and start again."
        return Finding("broken", "embedding model", f"{name} gives vectors that make no sense.", advice)
    if of_index is not None and of_index.dimension != embedder.dimension:
        says = f"{name} has {embedder.dimension} dimensions, the index {of_index.dimension}."
        return Finding("broken", "embedding model", says, "`footnote reindex` makes the index anew.")
    same = ", the one that made the index" if of_index else ""
    says = f"{name}, {embedder.dimension} dimensions, reads {embedder.max_tokens} tokens{same}."
    return Finding("ok", "embedding model", says)
