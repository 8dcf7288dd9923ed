"""Counting and cutting with the shipped ranks, offline."""

import hashlib
import lzma
from math import ceil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import ConfigurationError
from backend.llm.tokens import PACKED_RANKS, RANKS_SHA256, UNKNOWN_MARGIN, TokenCounter


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> TokenCounter:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path_factory.mktemp("ranks")))
        return TokenCounter.open(Path("unused"))


def test_the_shipped_ranks_are_the_ones_that_tiktoken_expects() -> None:
    assert hashlib.sha256(lzma.decompress(PACKED_RANKS.read_bytes())).hexdigest() == RANKS_SHA256


def test_the_ranks_are_unpacked_to_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR")
    assert TokenCounter.open(tmp_path).count("hello world") == 2
    assert len(list((tmp_path / "tiktoken").iterdir())) == 1


def test_a_folder_that_cannot_be_written_is_one_clear_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "file" / "ranks"))
    with pytest.raises(ConfigurationError, match="cannot be written"):
        TokenCounter.open(tmp_path)


def test_special_tokens_are_text(counter: TokenCounter) -> None:
    assert counter.count("<|endoftext|>") > 1


@pytest.mark.parametrize("name", ["gpt-4o-mini", "gpt-5", "openai/gpt-4o", "gpt-oss-20b", "o3"])
def test_models_of_these_ranks_are_counted_exactly(counter: TokenCounter, name: str) -> None:
    assert counter.for_model(name).count("hello world, once more") == counter.count("hello world, once more") == 5


@pytest.mark.parametrize("name", ["qwen3:4b", "llama3", "gpt-4", "", "/"])
def test_other_models_are_estimated_with_a_margin(counter: TokenCounter, name: str) -> None:
    other = counter.for_model(name)
    assert other.count("word " * 100) == ceil(counter.count("word " * 100) * UNKNOWN_MARGIN)
    assert other.without_margin().count("word " * 100) == counter.count("word " * 100)


@given(text=st.text(max_size=60), limit=st.integers(-1, 20))
def test_a_cut_with_a_margin_is_a_beginning_that_fits(counter: TokenCounter, text: str, limit: int) -> None:
    other = counter.for_model("unknown")
    cut = other.cut(text, limit)
    assert text.startswith(cut)
    assert other.count(cut) <= max(limit, 0)


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
