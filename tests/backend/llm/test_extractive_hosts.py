"""In a conversation answers who is asked, and not who asks."""

import pytest

from backend.knowledge.similarity import Similarity
from backend.llm.extractive_tier import NOT_DIRECT
from backend.llm.tier import PromptSource
from tests.backend.llm.extracted import answer

ASKED = (
    "Bo Kern: Does a spring reverb shake when the van drives over a bridge? Did you ever lose one?\n\n"
    "Ana Reyes: Never. Mine stands on felt. The rest of the van is full of blankets. Blankets cost next to nothing."
)
REMARK = "People drop a spring reverb in the van all the time, as a spring reverb is heavy."
REPLY = "A spring reverb in a van breaks when the screws of its box come loose."


async def said(by_bo: str, by_ana: str, before: str, similarity: Similarity) -> str:
    talk = f"{before}\n\nBo Kern: {by_bo}\n\nAna Reyes: {by_ana}"
    return await answer(
        "Why would a spring reverb in the van break?",
        PromptSource(1, "Vans", "Show", talk, spoken=True),
        similarity=similarity,
    )


async def test_a_guest_is_quoted_before_the_host(similarity: Similarity) -> None:
    assert (await said(REMARK, REPLY, ASKED, similarity)).removeprefix(f"{NOT_DIRECT}\n\n").startswith("**Ana Reyes:**")


@pytest.mark.parametrize("both_ask", [True, False])
async def test_where_both_ask_neither_is_the_host(both_ask: bool, similarity: Similarity) -> None:
    also = "\n\nAna Reyes: Do you own one? Is it old? Does it hum?" if both_ask else ""
    text = await said(REMARK, "Blankets are in the van.", ASKED + also, similarity)
    assert "**Bo Kern:** People drop" in text
    assert text.startswith(NOT_DIRECT) is not both_ask
