"""The index: there, whole, and holding what the library says it holds."""

import asyncio
import json
import os
import sys
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from backend.errors import ConfigurationError
from backend.knowledge.disk import closed, require_space
from backend.knowledge.generations import Generations, index_folder
from backend.knowledge.identity import model_from
from backend.knowledge.models import EmbeddingModel, Scope
from backend.knowledge.opening import qdrant_client
from backend.knowledge.qdrant import QdrantIndex
from backend.knowledge.qdrant_collection import collection_behind
from backend.settings import EMBEDDED, Settings
from pipeline.checks.content import Library
from pipeline.checks.finding import Finding, place_of

OLDEST_QDRANT = (1, 19)  # the first to count IDF over the chunks in scope
OPENING_S = 30.0
AGAIN = "`footnote retry`, or `footnote ingest` what you ingested before: vectors are kept, so that takes little."
RESTORE = f"Put a copy of that folder back; without one, remove it, and {AGAIN}"
URL = "Start it, or correct FOOTNOTE_INDEX__URL."
ADVICE = "Look into the data folder, or at the Qdrant server."
EMPTY = "`footnote ingest FOLDER` fills it."


@dataclass(frozen=True, slots=True)
class Held:
    """What the index holds, `chunks` of documents that answer and the model that made the vectors."""

    chunks: int
    model: EmbeddingModel | None


async def index(settings: Settings, library: Library | None) -> tuple[list[Finding], Held | None]:
    """What is so with the index, and what it holds if that could be found out; `library` is what the database says."""
    silent = library.silent if library else ()
    if settings.index.url == EMBEDDED:
        found, held = await embedded(settings.data_dir, silent)
    else:
        found, held = await server(settings, silent)
    differences = compare(held, library) if held is not None and library is not None else []
    if differences and held is not None and held.chunks == 0:
        return differences, held  # that it is empty is in them, and that it were only new is wrong
    return [*found, *differences], held


async def embedded(data_dir: Path, silent: Collection[UUID]) -> tuple[list[Finding], Held | None]:
    """The current generation, opened by a child process: damaged files may end whoever maps them into memory."""
    folder = index_folder(data_dir)
    try:
        current = Generations(folder).current()
    except OSError:
        return [Finding("broken", "index", f"{folder} cannot be read.", "Mend its permissions.")], None
    if current is None:
        return [Finding("note", "index", "embedded, and empty.", EMPTY)], Held(0, None)
    where = f"embedded, generation {current.name}"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pipeline.checks.index_reading", str(folder),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(OPENING_S):
            said, _ = await child.communicate(json.dumps([str(document) for document in silent]).encode())
    except TimeoutError:
        return [Finding("broken", "index", f"{where}: {folder} does not open within {OPENING_S:g} s.", RESTORE)], None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        if obstacle := _obstacle(folder):
            return [obstacle], None
        return [Finding("broken", "index", f"{where}: it does not open; files in {folder} are damaged.", RESTORE)], None
    told = json.loads(said)
    held = Held(told["chunks"], model_from(told["model"]) if told["model"] else None)
    return [Finding("ok", "index", f"{where}, {held.chunks:,} passages that answer.")], held


def _obstacle(folder: Path) -> Finding | None:
    """What keeps the engine from opening whole files: it writes beside them, and a full disk ends its process."""
    try:
        if path := closed(folder, os.R_OK | os.W_OK):
            return Finding("broken", "index", f"{path} cannot be read and written.", "Mend its permissions.")
        require_space(folder)
    except ConfigurationError as error:
        return Finding("broken", "index", error.message)
    return None


async def server(settings: Settings, silent: Collection[UUID]) -> tuple[list[Finding], Held | None]:
    """A Qdrant server, the alias and the collection behind it."""
    where, alias = f"Qdrant at {place_of(settings.index.url)}", settings.index.collection
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of keys over plain HTTP: a warning would stand between our lines
        client = qdrant_client(settings)
    reader = QdrantIndex(client, alias)
    try:
        number = (await client.info()).version
        if _older(number):
            advice = f"Footnote needs {'.'.join(map(str, OLDEST_QDRANT))} or later."
            return [Finding("broken", "index", f"{where} is version {number}.", advice)], None
        named = await collection_behind(client, alias)
        if named is None:
            says = f"{where}, version {number}: nothing behind `{alias}`."
            return [Finding("note", "index", says, EMPTY)], Held(0, None)
        held = Held(await reader.count(Scope(excluded=frozenset(silent))), named.model)
    except UnexpectedResponse as error:
        if error.status_code in (401, 403):
            return [Finding("broken", "index", f"{where} refuses the key.", "Set FOOTNOTE_INDEX__API_KEY.")], None
        return [Finding("broken", "index", f"{where} answers with status {error.status_code}.", URL)], None
    except ApiException:
        return [Finding("broken", "index", f"{where} cannot be reached.", URL)], None
    finally:
        await reader.close()
    says = f"{where}, version {number}: `{alias}` is {named.name}, {held.chunks:,} passages that answer."
    return [Finding("ok", "index", says)], held


def compare(held: Held, library: Library) -> list[Finding]:
    """Whether the index holds as many passages as the database says."""
    if held.chunks == library.chunks:
        return []
    says = f"it has {held.chunks:,} passages of documents that answer, and the library counts {library.chunks:,}."
    if library.is_written:
        return [Finding("note", "index", says, "A command is changing the library just now: look again afterwards.")]
    if held.chunks > library.chunks:
        return [Finding("note", "index", says, "`footnote reindex` leaves behind what belongs to no document.")]
    return [Finding("broken", "index", says, f"Put a copy of the index back, or {AGAIN}")]


def _older(number: str) -> bool:
    parts = number.split("-")[0].split(".")[:2]
    return not all(part.isdigit() for part in parts) or tuple(map(int, parts)) < OLDEST_QDRANT
