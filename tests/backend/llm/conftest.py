"""The token counter that tests of tiers share."""

from pathlib import Path

import pytest

from backend.llm.tokens import TokenCounter


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> TokenCounter:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
        return TokenCounter.open(Path(tmp_path_factory.getbasetemp().parent))
