"""What people say while they think, and what they lead up to things with, is left out."""

from backend.llm.tier import PromptSource
from tests.backend.llm.extracted import answer


def talk(said: str) -> PromptSource:
    return PromptSource(1, "Vans", "Show", said, spoken=True)


async def test_what_somebody_says_against_nothing_is_broken_off() -> None:
    said = "Carry a spring reverb in felt, just as a guard against... Carry a spring reverb on your knees in a van."
    assert await answer("How do I carry a spring reverb?", talk(said)) == (
        "Carry a spring reverb on your knees in a van. [1]"
    )
