"""Fits what tells a direct answer of the extractive tier (backend/llm/extract.py), and shows what it reaches on others.

.venv/bin/python scripts/fit_directness.py SQUAD2 MTRAG      folders as pipeline/evaluation/dataset.py reads them

Both are indexed alone and asked through the product's own retrieval. An answer to SQUAD2 is right where a gold answer
is in its first 60 words. MTRAG's conversations give the first question of each with what a person answered; there an
answer is right from a cosine of 0.55 with that. Every other question is fitted on, every figure is of the rest.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from backend import settings as configuration
from backend.knowledge.embedder import Embedder
from backend.knowledge.embedders import load_embedder
from backend.llm.extract import extract
from backend.llm.reading import Reading
from backend.llm.tier import PromptSource
from backend.retrieval.models import Retrieved
from pipeline.evaluation.answers import contains
from pipeline.evaluation.dataset import Dataset, JudgedQuestion, read_dataset
from pipeline.evaluation.library import shelved

RIGHT = 0.55
AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer: what its first excerpt has of the question, whether it is called direct, and whether it is right."""

    nearness: float
    share: float
    direct: bool
    right: bool


def first_questions(folder: Path) -> Dataset:
    """The folder with the first question of each conversation, answered as a person did."""
    asked: dict[tuple[str, str], JudgedQuestion] = {}
    for line in (folder / "conversations.jsonl").read_text().splitlines():
        talk = json.loads(line)
        turns, creator = [turn["text"] for turn in talk["turns"]], talk["creator_scope"]
        if len(turns) > 1:
            judged = JudgedQuestion(talk["_id"], turns[0], (), creator, None, True, (turns[1],))
            asked.setdefault((turns[0], creator), judged)
    return replace(read_dataset(folder), questions=tuple(asked.values()), relevant={})


async def judge_all(dataset: Dataset, embedder: Embedder, *, briefly: bool) -> list[Judged]:
    """Answers every question that has gold answers, which are short texts to be contained where it is `briefly`."""
    turns = asyncio.Semaphore(AT_ONCE)
    async with shelved([dataset], embedder, configuration.load(), None, lambda *_: None) as (retriever, _, _):

        async def ask(question: JudgedQuestion) -> Retrieved:
            async with turns:
                creator = None if briefly else question.creator
                return (await retriever.trace(question.text, earlier=(), creator=creator)).retrieved

        asked = [one for one in dataset.questions if one.answers and one.answerable is not False]
        found = await asyncio.gather(*map(ask, asked))
    judged = [judge(*pair, embedder, briefly=briefly) for pair in zip(asked, found, strict=True)]
    return [one for one in judged if one]


def judge(question: JudgedQuestion, retrieved: Retrieved, embedder: Embedder, *, briefly: bool) -> Judged | None:
    """One answer; None where nothing was found."""
    sources = [
        PromptSource(number, passage.document.title, passage.creator.name, passage.chunk.text)
        for number, passage in enumerate(retrieved.passages, start=1)
    ]
    reading = Reading(retrieved.query, sources)
    texts = reading.worth_comparing()
    if not texts:
        return None
    asked, *vectors = embedder.embed_queries([retrieved.query, *texts])
    answer = extract(reading, {text: float(vector @ asked) for text, vector in zip(texts, vectors, strict=True)})
    said = " ".join(said.text for extracted in answer.extracts for said in extracted.sentences)
    if not said:
        return None
    if briefly:
        right = contains(said.split(), question.answers)
    else:
        one, other = embedder.embed_queries([said, question.answers[0]])
        right = float(one @ other) >= RIGHT
    return Judged(answer.nearness, answer.share, answer.direct, right)


def show(name: str, judged: Sequence[Judged], model: LogisticRegression) -> None:
    """Prints what the fit reaches on a set, and what the product's own weights do."""
    likely = model.predict_proba([(one.nearness, one.share) for one in judged])[:, 1]
    print(f"\n{name}: {len(judged)} answers, AUROC {roc_auc_score([one.right for one in judged], likely):.3f}")
    for direct in (True, False):
        of_these = [one.right for one in judged if one.direct == direct]
        print(f"  {'' if direct else 'not '}called direct: {len(of_these)}, {np.mean(of_these):.1%} of them right")


async def main(squad2: Path, mtrag: Path) -> None:
    """Asks, fits and shows."""
    embedder = load_embedder(configuration.load(), None)
    sets = {
        "squad2": await judge_all(read_dataset(squad2), embedder, briefly=True),
        "mtrag": await judge_all(first_questions(mtrag), embedder, briefly=False),
    }
    fitted = [(one, 1 / len(judged)) for judged in sets.values() for one in judged[::2]]
    weights = np.array([weight for _, weight in fitted])
    model = LogisticRegression(C=10).fit(
        [(one.nearness, one.share) for one, _ in fitted],
        [one.right for one, _ in fitted],
        sample_weight=weights * len(fitted) / weights.sum(),
    )
    (nearness, share), (intercept,) = model.coef_[0], model.intercept_
    print(f"{nearness:.2f}·cosine + {share:.2f}·share {intercept:+.2f}")
    print(f"SHARE_WEIGHT = {share / nearness:.3f}\nDIRECT = {-intercept / nearness:.3f}")
    for name, judged in sets.items():
        show(name, judged[1::2], model)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("squad2", type=Path, metavar="SQUAD2")
    parser.add_argument("mtrag", type=Path, metavar="MTRAG")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.squad2, arguments.mtrag))
