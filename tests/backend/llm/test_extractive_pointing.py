"""What points at something else is read behind that, or not at all."""

import pytest

from backend.knowledge.similarity import Similarity
from backend.llm.leaning import misses_whom
from backend.llm.tier import PromptSource
from tests.backend.llm.extracted import answer


@pytest.mark.parametrize(
    "pointing",
    [
        "Compared to a bass trap of foam, that's cheap.",
        "In a bass trap of foam, this is cheap.",
        "Unlike a bass trap of foam, these are cheap.",
    ],
)
async def test_what_it_points_at_behind_a_phrase_is_read_before_it(pointing: str, similarity: Similarity) -> None:
    source = PromptSource(1, "Wool", "Ana Reyes", f"Sheep give wool for nothing. {pointing} Cables are black.")
    text = await answer("Is a bass trap of foam cheap?", source, similarity=similarity)
    assert f"Sheep give wool for nothing. [1] {pointing} [1]" in text
    stands = "If a bass trap of foam is torn, that is a cheap one."
    source = PromptSource(1, "Wool", "Ana Reyes", f"Sheep give wool for nothing. {stands} Cables are black.")
    assert "Sheep" not in await answer("Is a bass trap of foam cheap?", source, similarity=similarity)


@pytest.mark.parametrize(
    ("first", "who", "is_read"),
    [
        ("Bass traps catch hum for you.", "She hung one on the door.", False),
        ("Bass traps caught hum for Lena.", "She hung one on the door.", True),
        ("A bass trap caught hum for you.", "They hung one on the door.", False),
        ("A bass trap caught hum for our singers.", "They hung one on the door.", True),
        ("A bass trap caught hum for people.", "They hung one on the door.", True),
    ],
)
async def test_nobody_follows_whom_nothing_before_has_named(first: str, who: str, *, is_read: bool) -> None:
    source = PromptSource(1, "Traps", "Ana Reyes", f"{first} {who}")
    assert await answer("What do bass traps catch?", source) == f"{first} [1]{f' {who} [1]' if is_read else ''}"


@pytest.mark.parametrize(
    ("said", "goes_on"), [("He built a trap.", "He sold it."), ("They built it.", "They sold it.")]
)
def test_whoever_was_read_of_before_is_known(said: str, goes_on: str) -> None:
    assert not misses_whom(goes_on, said)
    assert misses_whom(goes_on, "Wool is warm.")
