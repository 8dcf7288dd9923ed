"""Reranking: the order it gives, the settings that choose it, and a real cross-encoder that is made here."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import settings as configuration
from backend.errors import ConfigurationError
from backend.knowledge.models import Chunk, Hit
from backend.retrieval.cross_encoder import CrossEncoderReranker, open_cross_encoder
from backend.retrieval.rerank import open_reranker, rerank
from backend.retrieval.rerank_endpoint import RerankEndpoint
from backend.settings import Settings
from tests.service import with_section
from tests.small_cross_encoder import make_small_cross_encoder

QUERY = "How loud should a master be?"
TEXTS = ["Thick absorbers tame a bedroom.", "A master may measure -14 LUFS.", "", "Bass 🎚️ " * 900]


def hit(number: int, score: float) -> Hit:
    return Hit(Chunk(UUID(int=number), UUID(int=number), "ana", 0, "text", 0, 4), score)


def numbers(hits: list[Hit]) -> list[int]:
    return [found.chunk.id.int for found in hits]


HITS = [hit(1, 0.9), hit(2, 0.8), hit(3, 0.7), hit(4, 0.2)]


def test_the_first_hits_are_put_in_the_order_of_the_scores_and_the_others_stay_behind() -> None:
    assert numbers(rerank(HITS, [-3.0, 8.0, 0.5])) == [2, 3, 1, 4]


def test_the_best_hit_takes_the_best_score_so_that_scores_still_tell_the_order() -> None:
    assert [found.score for found in rerank(HITS, [-3.0, 8.0, 0.5])] == [0.9, 0.8, 0.7, 0.2]


def test_ties_and_no_scores_leave_the_order_as_it_was() -> None:
    assert rerank(HITS, [1.0, 1.0, 1.0, 1.0]) == HITS
    assert rerank(HITS, None) == HITS
    assert rerank(HITS, []) == HITS
    assert rerank([], None) == []


@given(
    scores=st.lists(st.floats(0, 1), max_size=12).map(lambda found: sorted(found, reverse=True)),
    reranked=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=12),
)
def test_nothing_is_lost_and_scores_fall_whatever_a_reranker_says(scores: list[float], reranked: list[float]) -> None:
    hits = [hit(number, score) for number, score in enumerate(scores)]
    reranked = reranked[: len(hits)]
    result = rerank(hits, reranked)
    assert sorted(numbers(result)) == numbers(hits)
    assert [found.score for found in result] == scores
    first = [reranked[number] for number in numbers(result)[: len(reranked)]]
    assert first == sorted(first, reverse=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("cross-encoder")
    make_small_cross_encoder(made)
    return made


@pytest.fixture
async def reranker(folder: Path) -> AsyncIterator[CrossEncoderReranker]:
    opened = await open_cross_encoder(str(folder), deadline_s=20)
    yield opened
    await opened.close()


async def test_a_cross_encoder_scores_each_text_with_the_question_in_their_order(
    reranker: CrossEncoderReranker, folder: Path
) -> None:
    from sentence_transformers import CrossEncoder

    alone = CrossEncoder(str(folder))
    expected = [float(alone.predict([(QUERY, text)])[0]) for text in TEXTS]
    scores = await reranker.scores(QUERY, TEXTS)
    assert scores == pytest.approx(expected, abs=1e-4)
    assert len(set(scores or [])) == len(TEXTS)
    assert await reranker.scores(QUERY, []) == []


async def test_all_texts_go_through_the_model_in_one_batch(
    reranker: CrossEncoderReranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward, seen = reranker._model.forward, []

    def counted(inputs: Any, **options: Any) -> Any:
        seen.append(len(inputs["input_ids"]))
        return forward(inputs, **options)

    monkeypatch.setattr(reranker._model, "forward", counted)
    await reranker.scores(QUERY, TEXTS * 20)
    assert seen == [80]


@pytest.mark.alone
async def test_a_late_batch_is_not_waited_for_and_no_other_is_begun_behind_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    late = await open_cross_encoder(str(folder), deadline_s=0.25)
    predict, begun = late._model.predict, []

    def slow(*arguments: Any, **options: Any) -> Any:
        begun.append(time.monotonic())
        time.sleep(1)
        return predict(*arguments, **options)

    monkeypatch.setattr(late._model, "predict", slow)
    asked = time.monotonic()
    assert await asyncio.gather(*(late.scores(QUERY, TEXTS) for _ in range(8))) == [None] * 8
    assert 0.2 < time.monotonic() - asked < 0.9
    assert len(begun) == 1
    monkeypatch.undo()
    while time.monotonic() - begun[0] < 5 and await late.scores(QUERY, TEXTS) is None:
        pass
    assert await late.scores(QUERY, TEXTS) is not None
    await late.close()
    assert QUERY not in caplog.text


async def test_questions_that_come_together_each_get_their_turn(reranker: CrossEncoderReranker) -> None:
    alone = await reranker.scores(QUERY, TEXTS)
    together = await asyncio.gather(*(reranker.scores(QUERY, TEXTS[:count]) for count in (4, 3, 2, 1)))
    for scores in together:
        assert scores == pytest.approx((alone or [])[: len(scores or [])], abs=1e-4)


async def test_a_reader_who_leaves_does_not_start_another_batch_beside_the_first(
    reranker: CrossEncoderReranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict, running, most = reranker._model.predict, [0], [0]

    def counted(*arguments: Any, **options: Any) -> Any:
        running[0] += 1
        most[0] = max(most[0], running[0])
        time.sleep(0.3)
        running[0] -= 1
        return predict(*arguments, **options)

    monkeypatch.setattr(reranker._model, "predict", counted)
    leaving = asyncio.create_task(reranker.scores(QUERY, TEXTS))
    await asyncio.sleep(0.1)
    leaving.cancel()
    assert await reranker.scores(QUERY, TEXTS) is not None
    assert leaving.cancelled()
    assert most == [1]


async def test_a_model_that_fails_or_gives_no_number_leaves_the_order_and_its_text_out_of_the_log(
    reranker: CrossEncoderReranker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_arguments: Any, **_options: Any) -> Any:
        raise RuntimeError("sk-canary")

    monkeypatch.setattr(reranker._model, "predict", fails)
    assert await reranker.scores(QUERY, TEXTS) is None
    monkeypatch.setattr(reranker._model, "predict", lambda *_arguments, **_options: [0.1, float("nan")])
    assert await reranker.scores(QUERY, TEXTS[:2]) is None
    assert "reranker failed" in caplog.text
    assert "sk-canary" not in caplog.text


async def test_a_model_that_is_missing_or_gives_several_numbers_is_refused_with_its_setting(tmp_path: Path) -> None:
    make_small_cross_encoder(tmp_path / "three", labels=3)
    with pytest.raises(ConfigurationError, match=r"retrieval\.rerank\.model.* 3 numbers"):
        await open_cross_encoder(str(tmp_path / "three"), deadline_s=1)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(ConfigurationError, match=r"retrieval\.rerank\.model.* cannot be loaded"):
        await open_cross_encoder(str(tmp_path / "nothing"), deadline_s=1)


def chosen(**values: object) -> Settings:
    settings = configuration.load()
    rerank_settings = settings.retrieval.rerank.model_copy(update=values)
    return with_section(settings, "retrieval", rerank=rerank_settings)


async def test_the_settings_choose_none_a_model_or_an_endpoint(folder: Path) -> None:
    assert await open_reranker(configuration.load()) is None
    loaded = await open_reranker(chosen(model=str(folder)))
    assert isinstance(loaded, CrossEncoderReranker)
    await loaded.close()
    endpoint = await open_reranker(chosen(url="http://127.0.0.1:1/rerank"))
    assert isinstance(endpoint, RerankEndpoint)
    await endpoint.close()


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"MODEL": "some/model", "URL": "http://127.0.0.1:1/rerank"}, "both set"),
        ({"SERVED_MODEL": "some-model"}, r"`retrieval\.rerank\.url` too"),
        ({"URL": "127.0.0.1:1/rerank"}, r"retrieval\.rerank\.url"),
        ({"DEADLINE_S": "0"}, r"retrieval\.rerank\.deadline_s"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, str], said: str
) -> None:
    for name, value in names.items():
        monkeypatch.setenv(f"FOOTNOTE_RETRIEVAL__RERANK__{name}", value)
    with pytest.raises(ConfigurationError, match=said):
        configuration.load()


def test_the_key_of_an_endpoint_is_not_shown_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_RETRIEVAL__RERANK__API_KEY", "sk-canary")
    key = configuration.load().retrieval.rerank.api_key
    assert key is not None
    assert key.get_secret_value() == "sk-canary"
    assert "sk-canary" not in repr(configuration.load())
