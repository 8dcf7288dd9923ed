"""The extractive tier with a reranker: what it finds best comes first, and without its word nothing changes."""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.knowledge.reranker import Reranker
from backend.knowledge.similarity import Similarity
from backend.llm.extract import extract
from backend.llm.extractive_tier import NOT_DIRECT
from backend.llm.meaning import reordered
from backend.llm.reading import Reading
from backend.llm.tier import PromptSource
from backend.retrieval.cross_encoder import open_cross_encoder
from backend.retrieval.rerank_endpoint import RerankEndpoint
from tests.backend.llm.extracted import answer
from tests.rerank_server import Endpoint, preferring, serving
from tests.small_cross_encoder import make_small_cross_encoder

QUESTION = "How loud should a podcast be?"
PODCAST = PromptSource(
    1,
    "Levels",
    "Imke Tarvold",
    "A podcast should be as loud as the one before it in the queue. Loudness is measured in LUFS over the whole "
    "programme. Minus sixteen is a good level for stereo. The true peak stays under minus one. A quiet host is turned "
    "up.",
)
OTHER = PromptSource(
    2,
    "Foam",
    "Dex Morrowby",
    "Thick foam calms a small room. A podcast room wants carpets too. Loud fans belong outside.",
)


class Judge:
    """A reranker that scores each text by a rule; None where the rule gives none."""

    def __init__(self, rule: Callable[[str], float] | None) -> None:
        self._rule = rule
        self.asked: list[tuple[str, Sequence[str]]] = []

    async def scores(self, query: str, texts: Sequence[str]) -> list[float] | None:
        self.asked.append((query, texts))
        return [self._rule(text) for text in texts] if self._rule else None

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def at_endpoint(endpoint: Endpoint, deadline_s: float = 20) -> AsyncIterator[Reranker]:
    async with serving(endpoint) as url:
        reranker = RerankEndpoint(url, model=None, api_key=None, deadline_s=deadline_s)
        yield reranker
        await reranker.close()


def behind_hedge(text: str) -> str:
    """The answer itself, without whose it is: whether it is called direct is another question."""
    return re.sub(r"^\*\*From [^*]+:\*\* ", "", text.removeprefix(NOT_DIRECT).lstrip())


@pytest.mark.parametrize("best", ["Minus sixteen is a good", "The true peak stays", "Loudness is measured"])
async def test_what_a_reranker_finds_best_comes_first(similarity: Similarity, best: str) -> None:
    said = await answer(QUESTION, PODCAST, OTHER, similarity=similarity, reranker=Judge(lambda text: best in text))
    assert behind_hedge(said).startswith(best)
    assert "[1]" in said


async def test_it_decides_without_an_embedding_model_too() -> None:
    assert behind_hedge(await answer(QUESTION, PODCAST, OTHER)).startswith("A podcast should be as loud")
    judge = Judge(lambda text: "Thick foam" in text)
    assert behind_hedge(await answer(QUESTION, PODCAST, OTHER, reranker=judge)).startswith("Thick foam")


async def test_a_source_further_down_is_answered_from_where_it_is_better(similarity: Similarity) -> None:
    judge = Judge(lambda text: "Thick foam" in text)
    said = behind_hedge(await answer(QUESTION, PODCAST, OTHER, similarity=similarity, reranker=judge))
    assert said.startswith("Thick foam calms a small room. [2]")


@pytest.mark.parametrize("rule", [None, lambda _: 3.5], ids=["it is late", "all are as good"])
async def test_without_its_word_the_answer_is_what_it_was(
    similarity: Similarity, rule: Callable[[str], float] | None
) -> None:
    plain = await answer(QUESTION, PODCAST, OTHER, similarity=similarity)
    assert await answer(QUESTION, PODCAST, OTHER, similarity=similarity, reranker=Judge(rule)) == plain


@given(st.lists(st.floats(0, 1), min_size=12, max_size=12))
def test_one_that_finds_all_as_good_leaves_what_was_said_in_its_order(cosines: list[float]) -> None:
    spoken = [replace(source, spoken=True, creator="Imke Tarvold") for source in (PODCAST, OTHER)]
    reading = Reading(QUESTION, spoken)
    meanings = dict(zip(reading.worth_comparing(), cosines, strict=False))
    assert len(meanings) == len(reading.worth_comparing())
    assert extract(reading, meanings, dict.fromkeys(meanings, 1.0)) == extract(reading, meanings)


async def test_it_is_asked_once_with_the_places_that_are_compared(similarity: Similarity) -> None:
    judge = Judge(len)
    await answer(QUESTION, PODCAST, OTHER, similarity=similarity, reranker=judge)
    assert judge.asked == [(QUESTION, Reading(QUESTION, (PODCAST, OTHER)).worth_comparing())]


async def test_whether_an_answer_is_called_direct_is_not_for_it_to_say(similarity: Similarity) -> None:
    off = "Who won the chess championship in Reykjavik?"
    assert (await answer(off, OTHER, similarity=similarity)).startswith(NOT_DIRECT)
    sure = Judge(lambda text: 1e9 * ("carpets" in text))
    assert (await answer(off, OTHER, similarity=similarity, reranker=sure)).startswith(NOT_DIRECT)


async def test_an_endpoint_chooses_the_sentences(similarity: Similarity) -> None:
    async with at_endpoint(preferring("Minus sixteen")) as reranker:
        said = await answer(QUESTION, PODCAST, OTHER, similarity=similarity, reranker=reranker)
    assert behind_hedge(said).startswith("Minus sixteen")


@pytest.mark.parametrize("endpoint", [Endpoint(b"", 500), Endpoint(b"not JSON"), Endpoint(b"[]"), Endpoint(delay_s=5)])
async def test_one_that_fails_or_is_late_leaves_the_answer(similarity: Similarity, endpoint: Endpoint) -> None:
    plain = await answer(QUESTION, PODCAST, OTHER, similarity=similarity)
    async with at_endpoint(endpoint, deadline_s=0.5) as reranker:
        assert await answer(QUESTION, PODCAST, OTHER, similarity=similarity, reranker=reranker) == plain


async def test_a_real_cross_encoder_chooses_the_sentence_that_it_scores_highest(
    similarity: Similarity, tmp_path: Path
) -> None:
    make_small_cross_encoder(tmp_path)
    reranker = await open_cross_encoder(str(tmp_path), deadline_s=20)
    places = Reading(QUESTION, (PODCAST,)).worth_comparing()
    scores = await reranker.scores(QUESTION, places) or []
    best = max(zip(scores, places, strict=True))[1]
    said = behind_hedge(await answer(QUESTION, PODCAST, similarity=similarity, reranker=reranker))
    await reranker.close()
    assert best.endswith(said.split(" [1]")[0]) or said.startswith(best)


@given(st.data())
def test_scores_change_hands_in_the_order_that_a_reranker_gives_and_none_is_lost(data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.lists(st.floats(0, 9), max_size=4), max_size=4))
    all_places = [(rank, place) for rank, row in enumerate(rows) for place in range(len(row))]
    chosen = data.draw(st.lists(st.sampled_from(all_places), unique=True)) if all_places else []
    reranked = {at: data.draw(st.sampled_from([-1e9, -2.0, 0.0, 0.5, 3.0])) for at in chosen}
    result = reordered(rows, reranked)
    for at in all_places:
        if at not in reranked:
            assert result[at[0]][at[1]] == rows[at[0]][at[1]]
    assert sorted(score for row in result for score in row) == sorted(score for row in rows for score in row)
    for first in chosen:
        for second in chosen:
            if reranked[first] > reranked[second]:
                assert result[first[0]][first[1]] >= result[second[0]][second[1]]
    assert reordered(rows, dict.fromkeys(chosen, 1.0)) == rows
