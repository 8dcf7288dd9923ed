"""Exports the embedding model once into the data folder, so that serving never loads the library that trained it.

Only `main` imports torch, and it runs in a child process: its memory and its seconds end with the export.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import threading
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from backend.errors import ConfigurationError
from backend.knowledge.disk import flush_folder, unwritable
from backend.knowledge.embedder import Embedder
from backend.knowledge.exported import MANIFEST_FILE, MODEL_FILE, TOKENIZER_FILE, WEIGHTS_FILE, Manifest
from backend.knowledge.identity import export_name, model_source
from backend.settings import Settings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

TRACED_FILE = "traced.onnx"
OPSET = 17
SMALLEST_COSINE = 0.999  # of every probe with the original; fp32 exports reach 0.999999
REFUSED = 3  # exit code of the child when its last line is a sentence for the curator
PROBES = {
    "empty": "",
    "blank": " \n\t ",
    "word": "Microphone",
    "question": "How far should a microphone be from the singer?",
    "passage": "Put the microphone a hand's width from the mouth, then turn it a little off the axis. " * 3,
    "long": "Rooms colour every recording, so listen to the room before you choose where to stand. " * 40,
    "unicode": "Ein größerer Raum klingt länger — 音響室の残響 🎙️ naïve café, Ω = 8, “quotes” and \u2028 a separator.",
    "code": "func main() { fmt.Println(\"hello\") } // 0x1F, snake_case, CamelCase, https://example.org/?q=1",
}  # fmt: skip


def exported_model(settings: Settings, name: str | None = None) -> Path | None:
    """Where the export of this name lies, by default the configured model's, or None if it has yet to be made."""
    folder = settings.data_dir.resolve() / "models" / (name or export_name(settings.embedding.model))
    # An earlier version kept the weights in the graph: such an export is made again.
    return folder if (folder / MANIFEST_FILE).is_file() and (folder / WEIGHTS_FILE).is_file() else None


def ensure_exported(settings: Settings) -> Path:
    """The folder of the exported model, made by a child process if it is missing: 10 to 20 s, or a download.

    Raises `ConfigurationError` where the model cannot be had, does not export, or differs from its original.
    """
    if found := exported_model(settings):
        return found
    target = export_folder(settings)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (target.parent / "export.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if exported_model(settings) is None:
                # The child keeps the lock with us, so that nobody clears its folder away should we die first.
                run_child(settings.embedding.model, target, lock.fileno())
    except OSError as error:
        raise unwritable(target.parent, error) from error
    return target


def export_folder(settings: Settings) -> Path:
    """`<data_dir>/models/<name>-<hash>`; see `backend.knowledge.identity`."""
    return settings.data_dir.resolve() / "models" / export_name(settings.embedding.model)


def run_child(model: str, target: Path, lock: int) -> None:
    """Runs this module as a program; its output goes to `export.log` beside the models."""
    log = target.parent / "export.log"
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "true"}
    if Path(model_source(model)).is_dir():
        environment["HF_HUB_OFFLINE"] = "1"
    with (
        log.open("w", encoding="utf-8") as output,
        subprocess.Popen(
            [sys.executable, "-m", __spec__.name, model, str(target)],
            stdin=subprocess.PIPE,  # never written to: its end tells the child that we are gone
            stdout=output,
            stderr=output,
            env=environment,
            pass_fds=(lock,),
        ) as child,
    ):
        child.wait()
    if child.returncode == REFUSED:
        raise ConfigurationError(log.read_text(encoding="utf-8").splitlines()[-1])
    if child.returncode != 0:
        raise ConfigurationError(
            f"The embedding model `{model}` cannot be loaded and exported: {log} says why. "
            "FOOTNOTE_EMBEDDING__MODEL=embedded needs no download."
        )


def main(model: str, target: Path) -> None:
    """Exports `model` into `target`, all or nothing. Raises `ConfigurationError` where the copy differs."""
    for abandoned in target.parent.glob(".export-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    folder = target.parent / f".export-{os.getpid()}"
    folder.mkdir(parents=True)
    try:
        original = load_original(model)
        manifest = describe(model, original)
        write_tokenizer(original, folder / TOKENIZER_FILE)
        write_graph(original, folder / TRACED_FILE)
        set_weights_apart(folder / TRACED_FILE, folder / MODEL_FILE)
        (folder / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
        checked = manifest.model_copy(update={"checks": compare(original, Embedder.load(folder))})
        refuse_differences(checked)
        (folder / MANIFEST_FILE).write_text(checked.model_dump_json(indent=2), encoding="utf-8")
        flush_folder(folder)
        shutil.rmtree(target, ignore_errors=True)  # without a manifest it is the remains of something else
        folder.rename(target)
    except OSError as error:
        raise unwritable(target.parent, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def load_original(model: str) -> "SentenceTransformer":
    """The model as its makers publish it. Raises `ConfigurationError` where it is nowhere to be had."""
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(model_source(model), device="cpu").eval()
    except OSError as error:
        if error.errno is not None:  # else it is no file that is in the way
            raise
        raise ConfigurationError(
            f"The embedding model `{model}` cannot be found: check its name or folder, and that it can be downloaded "
            "here. FOOTNOTE_EMBEDDING__MODEL=embedded needs no download."
        ) from error


def describe(model: str, original: "SentenceTransformer") -> Manifest:
    """The manifest, its checks still empty."""
    limits = [original.max_seq_length, original.tokenizer.model_max_length]
    prompts = original.prompts
    # The order in which sentence-transformers' own `encode_document` looks.
    passage_prompts = [prompts[name] for name in ("document", "passage", "corpus") if name in prompts]
    return Manifest(
        model=model,
        dimension=original.get_embedding_dimension() or 0,
        max_tokens=min([limit for limit in limits if limit is not None], default=512),
        pad_id=original.tokenizer.pad_token_id or 0,
        query_prompt=prompts.get("query") or "",
        document_prompt=(passage_prompts or [""])[0] or "",
        modules=tuple(type(module).__name__ for module in original),
        versions={name: version(name) for name in ("sentence-transformers", "transformers", "torch", "onnxruntime")},
        checks={},
    )


def write_tokenizer(original: "SentenceTransformer", file: Path) -> None:
    """The model's tokenizer as one JSON file, which `tokenizers` reads."""
    backend = getattr(original.tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ConfigurationError("The embedding model has no fast tokenizer, so it cannot be served.")
    backend.save(str(file))


def write_graph(original: "SentenceTransformer", file: Path) -> None:
    """Every module of the model and a final normalisation as one ONNX graph with free batch and length."""
    import torch

    class Whole(torch.nn.Module):
        def __init__(self, names: list[str]) -> None:
            super().__init__()
            self.model = original
            self.names = names

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            features = dict(zip(self.names, tensors, strict=True))
            return torch.nn.functional.normalize(self.model(features)["sentence_embedding"], dim=-1)

    example = original.preprocess([PROBES["question"], PROBES["passage"]])
    names: list[str] = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in example]
    free: dict[str, dict[int, str]] = {name: {0: "texts", 1: "tokens"} for name in names}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's; `compare` proves what they doubt
        torch.onnx.export(
            Whole(names),
            tuple(example[name] for name in names),
            str(file),
            input_names=names,
            output_names=["embedding"],
            dynamic_axes={**free, "embedding": {0: "texts"}},
            opset_version=OPSET,
            dynamo=False,
        )


def set_weights_apart(traced: Path, file: Path) -> None:
    """The same graph with its weights in a file beside it, which is mapped: those within a graph are copied, so that
    the model takes twice the memory and twice the time to load."""
    options = onnxruntime.SessionOptions()
    # What is true of any processor; the rest is done by whoever loads it, for the one that is there.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(file)
    for key, value in (("file_name", WEIGHTS_FILE), ("min_size_in_bytes", "1024")):
        options.add_session_config_entry(f"session.optimized_model_external_initializers_{key}", value)
    onnxruntime.InferenceSession(traced, options, providers=["CPUExecutionProvider"])
    traced.unlink()


def compare(original: "SentenceTransformer", embedder: Embedder) -> dict[str, float]:
    """The cosine of every probe, as passage and as question, with the original's vector."""
    texts = list(PROBES.values())
    passages = original.encode_document(texts, normalize_embeddings=True, show_progress_bar=False)
    questions = original.encode_query(texts, normalize_embeddings=True, show_progress_bar=False)
    pairs = {"passage": (passages, embedder.embed(texts)), "query": (questions, embedder.embed_queries(texts))}
    return {
        f"{kind}: {name}": float(np.dot(theirs, ours))
        for kind, (all_theirs, all_ours) in pairs.items()
        for name, theirs, ours in zip(PROBES, all_theirs, all_ours, strict=True)
    }


def refuse_differences(manifest: Manifest) -> None:
    """Raises `ConfigurationError` that names the first probe whose vector is another."""
    for name, cosine in manifest.checks.items():
        if not cosine >= SMALLEST_COSINE:  # written so that "not a number" is refused too
            raise ConfigurationError(
                f"The embedding model `{manifest.model}` does not survive its export: the probe `{name}` has a cosine "
                f"of {cosine:.4f} with the original, {SMALLEST_COSINE} is the least. Choose another model."
            )


def end_with_parent() -> None:
    """Ends this process when the one that started it has gone, however it went."""
    os.read(0, 1)  # not by way of sys.stdin, whose lock would be missed at a regular end
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except ConfigurationError as refusal:
        sys.stderr.write(f"\n{refusal.message}\n")
        sys.exit(REFUSED)
