"""Fits the weights of backend/retrieval/answerable.py to judged questions, and shows what they reach on others.

.venv/bin/python scripts/fit_answerability.py FOLDER...      folders as pipeline/evaluation/dataset.py reads them

Each folder is indexed alone and asked through the product's own retrieval. The questions are parted by a stable hash of
their ids (of the conversation's id, where one question is a turn of it): the weights are fitted on one half, every
figure is of the other. A folder that says which of its questions cannot be answered counts as one set. Of the folders
that do not say, every question that has right articles can be answered, and some questions of every other folder
cannot; all of these together count as one set, so that the weights learn to live with content of other kinds.
"""

import argparse
import asyncio
import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from backend import settings as configuration
from backend.knowledge.embedder import Embedder
from backend.knowledge.embedders import load_embedder
from backend.retrieval.answerable import Signals, signals
from backend.retrieval.retriever import Retriever
from backend.settings import Settings
from pipeline.evaluation.dataset import Dataset, JudgedQuestion, read_dataset
from pipeline.evaluation.library import Shelf, shelved

STRANGERS = 120  # questions of each other folder that are asked of one without unanswerable questions of its own
AT_ONCE = 16
REFUSED_ANSWERABLE = 0.1
THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4)
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Observed:
    """A question, where it was asked, and what was seen. `weighed_as` is the set that it counts to."""

    asked_of: str
    weighed_as: str
    half: int
    answerable: bool
    signals: Signals


def half_of(question: str) -> int:
    """0 or 1, the same for all turns of a conversation: ids such as `<conversation><::>2`."""
    conversation = question.split("::")[0].rstrip("<")
    return hashlib.sha256(conversation.encode()).digest()[-1] % 2


def asked_of(dataset: Dataset, everyone: Sequence[Dataset]) -> list[tuple[JudgedQuestion, bool]]:
    """What is asked of a folder, and whether it can answer."""
    if says_what_is_missing(dataset):
        return [(one, one.answerable) for one in dataset.questions if one.answerable is not None]
    asked = [(one, True) for one in dataset.questions if one.id in dataset.relevant]
    for other in everyone:
        if other is not dataset:
            chosen = random.Random(dataset.name).sample(other.questions, min(STRANGERS, len(other.questions)))
            asked += [(one, False) for one in chosen]
    return asked


def says_what_is_missing(dataset: Dataset) -> bool:
    """Whether a folder has questions that it cannot answer."""
    return any(one.answerable is False for one in dataset.questions)


async def observe(
    dataset: Dataset, everyone: Sequence[Dataset], embedder: Embedder, settings: Settings
) -> list[Observed]:
    """Indexes a folder and asks."""
    turns, own = asyncio.Semaphore(AT_ONCE), set(dataset.questions)
    async with shelved([dataset], embedder, settings, None, lambda *_: None) as (retriever, shelf, _):

        async def ask(question: JudgedQuestion, answerable: bool) -> Observed | None:
            async with turns:
                seen = await look(retriever, shelf, question, of_its_own=question in own)
            weighed_as = dataset.name if says_what_is_missing(dataset) else OTHERS
            return seen and Observed(dataset.name, weighed_as, half_of(question.id), answerable, seen)

        seen = await asyncio.gather(*(ask(*asked) for asked in asked_of(dataset, everyone)))
    return [one for one in seen if one]


async def look(retriever: Retriever, shelf: Shelf, question: JudgedQuestion, *, of_its_own: bool) -> Signals | None:
    """What is seen of one question, in the meeting or topic that it is about; None where nothing was found."""
    trace = await retriever.trace(question.text, earlier=question.earlier, topic=question.trait if of_its_own else None)
    fused = trace.stages["fused"]
    titles = {hit.chunk.document_id: shelf.documents[hit.chunk.document_id].title for hit in fused}
    return signals(trace.retrieved.query, trace.candidates, fused, titles) if fused else None


def fit(observed: Sequence[Observed]) -> tuple[float, Signals]:
    """Intercept and weights. Every set counts alike, whatever its size; a logistic regression is calibrated to them."""
    sizes = {name: sum(one.weighed_as == name for one in observed) for name in {one.weighed_as for one in observed}}
    shares = np.array([len(observed) / len(sizes) / sizes[one.weighed_as] for one in observed])
    values, truths = table(observed)
    mean = np.average(values, axis=0, weights=shares)
    spread = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=shares)) + 1e-9
    model = LogisticRegression(max_iter=1000).fit((values - mean) / spread, truths, sample_weight=shares)
    weights = model.coef_[0] / spread
    return float(model.intercept_[0] - weights @ mean), Signals(*(float(weight) for weight in weights))


def table(observed: Sequence[Observed]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Signals, one question a row, and whether each can be answered."""
    return np.array([one.signals for one in observed], dtype=np.float64), np.array([one.answerable for one in observed])


def show(name: str, observed: Sequence[Observed], intercept: float, weights: Signals) -> None:
    """Prints what the weights reach on a set."""
    values, truths = table(observed)
    likely = 1 / (1 + np.exp(-intercept - values @ np.array(weights)))
    yes, no = likely[truths], likely[~truths]
    print(f"\n{name}: {len(yes)} answerable, {len(no)} not")
    if len(yes) and len(no):
        bar = np.quantile(yes, REFUSED_ANSWERABLE)
        print(f"  AUROC {roc_auc_score(truths, likely):.3f}; {np.mean(no < bar):.3f} refused", end=" ")
        print(f"where {REFUSED_ANSWERABLE:.0%} of the answerable are, below {bar:.3f}")
    for threshold in THRESHOLDS:
        refused = " ".join(f"{np.mean(side < threshold):.3f}" if len(side) else "  -  " for side in (yes, no))
        print(f"  below {threshold:.2f}: refused of the answerable and of the others {refused}")
    print("  said, true, questions: ", end="")
    for start in np.arange(0, 1, 0.1):
        within = (likely >= start) & (likely < start + 0.1)
        if within.any():
            print(f"{likely[within].mean():.2f} {truths[within].mean():.2f} {within.sum()}", end="; ")
    print()


async def main(folders: Sequence[Path]) -> None:
    """Asks, fits and shows."""
    settings = configuration.load()
    embedder = load_embedder(settings, None)
    datasets = [read_dataset(folder) for folder in folders]
    observed: list[Observed] = []
    for dataset in datasets:
        print(f"Asking {dataset.name}…", flush=True)
        observed += await observe(dataset, datasets, embedder, settings)
    for half in (0, 1):
        intercept, weights = fit([one for one in observed if one.half == half])
        other = [one for one in observed if one.half != half]
        if half == 0:
            print(f"\nINTERCEPT = {intercept:.3f}\nWEIGHTS = Signals(")
            print(*(f"    {name}={weight:.3f}," for name, weight in weights._asdict().items()), ")", sep="\n")
        print(f"\nFitted on half {half}, shown on the other:")
        for name in dict.fromkeys(one.asked_of for one in observed):
            show(name, [one for one in other if one.asked_of == name], intercept, weights)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    asyncio.run(main(parser.parse_args().folders))
