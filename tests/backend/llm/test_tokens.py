"""Counting and cutting with the shipped ranks, offline."""

import hashlib
import lzma
from pathlib import Path

import pytest
import tiktoken.load
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import ConfigurationError
from backend.llm.tokens import PACKED_RANKS, RANKS_SHA256, TokenCounter, exact_counter


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> TokenCounter:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path_factory.mktemp("ranks")))
        return TokenCounter.open(Path("unused")).for_model("gpt-4o")


@pytest.fixture(scope="module")
def estimate(counter: TokenCounter, tmp_path_factory: pytest.TempPathFactory) -> TokenCounter:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path_factory.mktemp("ranks")))
        return TokenCounter.open(Path("unused"))


def test_the_shipped_ranks_are_the_ones_that_tiktoken_expects() -> None:
    assert hashlib.sha256(lzma.decompress(PACKED_RANKS.read_bytes())).hexdigest() == RANKS_SHA256


def test_the_ranks_are_unpacked_to_the_data_folder_and_anew_where_they_are_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR")
    counted = TokenCounter.open(tmp_path).count("hello world")
    (ranks,) = (tmp_path / "tiktoken").iterdir()
    ranks.write_bytes(ranks.read_bytes()[:-1])
    assert TokenCounter.open(tmp_path).count("hello world") == counted >= 2
    assert hashlib.sha256(ranks.read_bytes()).hexdigest() == RANKS_SHA256


def test_ranks_that_somebody_has_cleared_away_are_never_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    estimate = TokenCounter.open(Path("unused"))
    for ranks in tmp_path.iterdir():
        ranks.unlink()
    monkeypatch.setattr(tiktoken.load, "read_file", None)
    exact_counter.cache_clear()
    assert estimate.for_model("gpt-4o").count("hello world") == 2


def test_a_folder_that_cannot_be_written_is_one_clear_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "file" / "ranks"))
    with pytest.raises(ConfigurationError, match="cannot be written"):
        TokenCounter.open(tmp_path)


def test_special_tokens_are_text(counter: TokenCounter) -> None:
    assert counter.count("<|endoftext|>") > 1


@pytest.mark.parametrize("name", ["gpt-4o-mini", "gpt-5", "openai/gpt-4o", "gpt-oss-20b", "o3"])
def test_models_of_these_ranks_are_counted_exactly(estimate: TokenCounter, name: str) -> None:
    assert estimate.for_model(name).count("hello world, once more") == 5


@pytest.mark.parametrize("name", ["qwen3:4b", "llama3", "gpt-4", "", "/"])
@pytest.mark.parametrize(
    "text",
    [
        "A spring reverb is a box with two steel coils in it. When a voice shakes one, the other answers late.\n\n",
        "Die Raumakustik verbessert man mit Absorbern an den Reflexionspunkten und mit Bassfallen in den Ecken. ",
        "Акустику комнаты улучшают поглотителями в точках отражений и басовыми ловушками в углах. ",
        "房间的声学处理首先要在第一反射点安装吸音板,并在角落放置低频陷阱。",
        "def gain(level: float) -> float:\n    return 20 * math.log10(level / REFERENCE)\n",
        "🎛️👩‍🚀 123,456.789 \x00�",
    ],
)
def test_other_models_are_estimated_at_too_many(
    counter: TokenCounter, estimate: TokenCounter, name: str, text: str
) -> None:
    other = estimate.for_model(name)
    assert counter.count(text * 20) < other.count(text * 20) < counter.count(text * 20) * 1.7


@given(text=st.text(max_size=60), limit=st.integers(-1, 20))
def test_a_cut_of_an_estimate_is_a_beginning_that_fits(estimate: TokenCounter, text: str, limit: int) -> None:
    cut = estimate.cut(text, limit)
    assert text.startswith(cut)
    assert estimate.count(cut) <= max(limit, 0)


@given(text=st.text(max_size=60), limit=st.integers(-1, 20))
def test_a_cut_is_a_beginning_that_fits(counter: TokenCounter, text: str, limit: int) -> None:
    cut = counter.cut(text, limit)
    assert text.startswith(cut)
    assert counter.count(cut) <= max(limit, 0)


def test_a_cut_never_ends_within_a_character(counter: TokenCounter) -> None:
    text = "👩‍🚀 नमस्ते 𓀀𓀁𓀂"
    for limit in range(counter.count(text) + 1):
        assert text.startswith(counter.cut(text, limit))
    assert counter.cut(text, counter.count(text)) == text
